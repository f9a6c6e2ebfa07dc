import { ActionIcon, Button, Group, SegmentedControl, Stack, Text, Title } from "@mantine/core";
import { useMediaQuery } from "@mantine/hooks";
import { IconCalendar, IconChevronLeft, IconChevronRight, IconPlus, IconSearchOff } from "@tabler/icons-react";
import { Link, useNavigate } from "@tanstack/react-router";
import i18n from "i18next";
import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { Empty } from "../components/Empty";
import { Page } from "../components/Page";
import { Panel } from "../components/Panel";
import { PostFilters, readFilters, type Filters } from "../components/PostFilters";
import { Problem } from "../components/Problem";
import { Skeletons } from "../components/Skeletons";
import { dayOf, idOf, oneOf, useAddress, type Get } from "../lib/address";
import { useKeys } from "../lib/keys";
import { tell } from "../lib/act";
import { zoneName } from "../lib/time";
import { useCustomer, useCustomerId, useMay } from "../shell/customer";
import { Chip, GhostChip, type Acts } from "./calendar/Chip";
import { byDay, useGhosts, useMove, useWeeks, type CalendarPost } from "./calendar/data";
import { addDays, addMonths, daysFrom, formatDay, instantOf, localOf, today, weekOf, weeksOfMonth, type Day } from "./calendar/days";
import { Dragging } from "./calendar/Dragging";
import { List } from "./calendar/List";
import { Month } from "./calendar/Month";
import { MoveDialog } from "./calendar/MoveDialog";
import { PostPanel } from "./calendar/PostPanel";
import { Week } from "./calendar/Week";

const views = ["month", "week", "list"] as const;

interface Address extends Filters {
  view: (typeof views)[number];
  date: Day | undefined;
  post: string | undefined;
  /** "open": the day is shown whole. */
  day: "open" | undefined;
}

const read = (get: Get): Address => ({
  ...readFilters(get),
  view: oneOf(views, get("view")) ?? "month",
  date: dayOf(get("date")),
  post: idOf(get("post")),
  day: oneOf(["open"] as const, get("day")),
});

/** When posts go out: by month, week, or as a list. */
export default function Calendar() {
  const customer = useCustomer();
  const { t } = useTranslation("calendar");
  if (customer === undefined)
    return (
      <Page title={t("title")} wide>
        <Skeletons rows={6} height={96} />
      </Page>
    );
  return <CalendarOf zone={customer.time_zone} />;
}

function CalendarOf({ zone }: { zone: string }) {
  const { t } = useTranslation("calendar");
  const customerId = useCustomerId();
  const navigate = useNavigate();
  const mayWrite = useMay("member");
  const small = useMediaQuery("(max-width: 48em)", false, { getInitialValueInEffect: false });
  const { get, set: change } = useAddress();
  const address = useMemo(() => read(get), [get]);
  const now = today(zone);
  const { view, date = now } = address;
  const month = date.slice(0, 7);
  const firstWeek = view === "week" ? weekOf(date) : weeksOfMonth(`${month}-01`)[0]!;
  const weeks = useMemo(() => (view === "week" ? [firstWeek] : weeksOfMonth(`${month}-01`)), [view, firstWeek, month]);
  const { posts: found, pending, error, refetch } = useWeeks(customerId, weeks, zone, address);
  const posts = useMemo(() => (view === "list" ? found.filter((post) => post.scheduled_local.startsWith(month)) : found), [view, found, month]);
  const filtered = address.platform !== undefined || address.state !== undefined || address.campaign !== undefined;
  const upcoming = useGhosts(customerId, view !== "list");
  const days = useMemo(() => byDay(posts, (post) => post.scheduled_local), [posts]);
  const ghosts = useMemo(() => byDay(filtered ? [] : upcoming, (ghost) => ghost.local), [filtered, upcoming]);

  const move = useMove(customerId, zone);
  const { mutateAsync } = move;
  const [moving, setMoving] = useState<CalendarPost>();
  const moveTo = useCallback((post: CalendarPost, day: Day, time: string) => mutateAsync({ post, to: { day, time } }), [mutateAsync]);
  const drop = useCallback(
    (post: CalendarPost, day: Day, time: string) => {
      if (instantOf(day, time, zone) <= new Date().toISOString()) return tell(t("drag.past"));
      moveTo(post, day, time).catch(() => undefined); // shown in a corner
    },
    [moveTo, t, zone],
  );

  const write = useCallback(
    (day: Day, time = "09:00") => {
      const at = instantOf(day, time, zone);
      const soon = new Date(Math.ceil((Date.now() + 600_000) / 3_600_000) * 3_600_000).toISOString();
      void navigate({ to: "/customers/$customerId/posts/new", params: { customerId }, search: { at: at < soon ? soon : at } });
    },
    [customerId, navigate, zone],
  );
  const acts = useMemo<Acts>(
    () => ({
      open: (post) => change({ post: post.id, day: undefined }, true),
      openDay: (day) => change({ date: day, day: "open" }, true),
      write: mayWrite ? write : undefined,
      openOriginal: (postId) => void navigate({ to: "/customers/$customerId/posts/$postId", params: { customerId, postId } }),
      moves: mayWrite,
    }),
    [change, customerId, mayWrite, navigate, write],
  );

  const focus = useRef(false);
  useEffect(() => {
    const day = focus.current ? document.getElementById(`day-${date}`) : null;
    if (day === null) return; // its month is still being fetched
    day.focus();
    focus.current = false;
  }, [date, pending]);
  const range = (step: number) => () => change({ date: view === "week" ? addDays(date, 7 * step) : addMonths(date, step) });
  const toDay = (step: number) => () => {
    if (!onDay() && !focus.current) return Math.abs(step) === 1 && document.activeElement === document.body && range(step)();
    focus.current = true;
    change({ date: addDays(date, step) });
    return true;
  };
  useKeys({
    t: () => change({ date: undefined }),
    m: () => change({ view: undefined }),
    w: () => change({ view: "week" }),
    l: () => change({ view: "list" }),
    ArrowLeft: toDay(-1),
    ArrowRight: toDay(1),
    ArrowUp: toDay(-7),
    ArrowDown: toDay(7),
    PageUp: () => onDay() && range(-1)(),
    PageDown: () => onDay() && range(1)(),
  });

  const title = view === "week" ? weekTitle(firstWeek) : formatDay(date, { month: "long", year: "numeric" });
  const asList = view === "list" || (view === "week" && small);
  return (
    <Page
      wide
      title={t("title")}
      text={t("zone", { zone, name: zoneName(zone, new Date(instantOf(date, "12:00", zone))) })}
      actions={
        mayWrite && (
          <Button renderRoot={(props) => <Link to="/customers/$customerId/posts/new" params={{ customerId }} {...props} />} leftSection={<IconPlus size={16} aria-hidden />}>
            {t("new")}
          </Button>
        )
      }
    >
      <Stack gap="sm">
        <Group justify="space-between" gap="sm">
          <Group gap="xs">
            <Button variant="default" size="xs" onClick={() => change({ date: undefined })}>
              {t("today")}
            </Button>
            <ActionIcon.Group>
              <ActionIcon variant="default" size={30} onClick={range(-1)} aria-label={t(`earlier.${view}`)}>
                <IconChevronLeft size={16} aria-hidden />
              </ActionIcon>
              <ActionIcon variant="default" size={30} onClick={range(1)} aria-label={t(`later.${view}`)}>
                <IconChevronRight size={16} aria-hidden />
              </ActionIcon>
            </ActionIcon.Group>
            <Title order={2} aria-live="polite">
              {title}
            </Title>
          </Group>
          <SegmentedControl
            size="xs"
            aria-label={t("views")}
            data={views.map((one) => ({ value: one, label: t(`view.${one}`) }))}
            value={view}
            onChange={(one) => change({ view: one === "month" ? undefined : one })}
          />
        </Group>
        <Group gap="xs">
          <PostFilters filters={address} change={change} />
        </Group>
        {error !== undefined ? (
          <Problem error={error} retry={refetch} />
        ) : pending ? (
          <Skeletons rows={5} height={110} />
        ) : (
          <>
            {posts.length === 0 && (filtered || asList) ? (
              <Nothing filtered={filtered} reset={() => change({ platform: undefined, state: undefined, campaign: undefined })} write={mayWrite ? () => write(date < now ? now : date) : undefined} />
            ) : asList ? (
              <List key={firstWeek + view} posts={days} now={now} open={acts.open} label={title} />
            ) : (
              <Dragging drop={drop} hours={view === "week"}>
                {view === "week" ? (
                  <Week days={daysFrom(firstWeek, 7)} current={date} now={now} time={localOf(new Date().toISOString(), zone)} posts={days} ghosts={ghosts} acts={acts} label={title} />
                ) : (
                  <Month weeks={weeks} month={month} current={date} now={now} posts={days} ghosts={ghosts} acts={acts} label={title} />
                )}
              </Dragging>
            )}
          </>
        )}
      </Stack>
      <Panel title={formatDay(date, { dateStyle: "full" })} opened={address.day === "open" && address.post === undefined} onClose={() => change({ day: undefined })} size="md">
        <Stack gap="sm">
          {mayWrite && date >= now && (
            <Button size="xs" leftSection={<IconPlus size={14} aria-hidden />} onClick={() => write(date)} style={{ alignSelf: "flex-start" }}>
              {t("new")}
            </Button>
          )}
          {(days.get(date) ?? []).length === 0 && (
            <Text size="sm" c="dimmed">
              {t("dayEmpty")}
            </Text>
          )}
          <Stack gap={4}>
            {(days.get(date) ?? []).map((post) => (
              <Chip key={post.id} post={post} acts={{ ...acts, moves: false }} />
            ))}
            {(ghosts.get(date) ?? []).map((ghost) => (
              <GhostChip key={ghost.key} ghost={ghost} acts={acts} />
            ))}
          </Stack>
        </Stack>
      </Panel>
      <PostPanel customerId={customerId} postId={address.post} mayWrite={mayWrite} move={setMoving} onClose={() => change({ post: undefined })} />
      <MoveDialog post={moving} zone={zone} move={moveTo} onClose={() => setMoving(undefined)} />
    </Page>
  );
}

/** Whether the keyboard is on a day. */
function onDay(): boolean {
  return document.activeElement?.id.startsWith("day-") === true;
}

function weekTitle(week: Day): string {
  const format = new Intl.DateTimeFormat(i18n.language, { day: "numeric", month: "short", year: "numeric", timeZone: "UTC" });
  return format.formatRange(new Date(`${week}T00:00:00Z`), new Date(`${addDays(week, 6)}T00:00:00Z`));
}

function Nothing({ filtered, reset, write }: { filtered: boolean; reset: () => void; write: (() => void) | undefined }) {
  const { t } = useTranslation("calendar");
  if (filtered)
    return (
      <Empty
        icon={IconSearchOff}
        title={t("empty.filtered")}
        text={t("empty.filteredText")}
        action={
          <Button variant="default" onClick={reset}>
            {t("filter.reset")}
          </Button>
        }
      />
    );
  return <Empty icon={IconCalendar} title={t("empty.title")} text={t("empty.text")} action={write && <Button onClick={write}>{t("new")}</Button>} />;
}
