import { Alert, Button, Group, Paper, Radio, Stack, Text, Textarea, Title } from "@mantine/core";
import { IconCalendarPlus, IconCheck, IconCoins, IconRepeat, IconSend } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { customerKey, data, fanfare, versioned, type Schemas } from "../../api";
import { Confirm } from "../../components/Confirm";
import { Problem } from "../../components/Problem";
import { useAct } from "../../lib/act";
import { formatNumber, formatTime, zoneName } from "../../lib/time";
import { useCustomer } from "../../shell/customer";
import { tooLong, type Check } from "./model";
import { ruleAt, ruleFrom, rruleOf, upcoming, type Rule } from "./recurrence";
import { useRecurrence } from "./recurrences";
import { RuleField } from "./RuleField";
import { NothingWritten, TooLong, type Saver, type View } from "./saver";
import { TimeField } from "./TimeField";
import { localOf, nextHour, passed, zoned } from "./zoned";

const modes = ["later", "now", "at", "slot", "repeat"] as const;
type Mode = (typeof modes)[number];

/** What the platforms charge together, each currency for itself. */
export function prices(checks: Check[]): string[] {
  const sums = new Map<string, number>();
  for (const { price } of checks) if (price !== undefined) sums.set(price.currency, (sums.get(price.currency) ?? 0) + Number(price.amount));
  return [...sums].map(([currency, sum]) => formatNumber(sum, { style: "currency", currency, maximumFractionDigits: 4 }));
}

interface Props {
  customerId: string;
  saver: Saver;
  view: View;
  checks: Check[];
  at: string | undefined;
  /** Goes to what has to be solved before the post can go out. */
  lead: () => void;
  /** What was asked for is done: nothing is left to do here. */
  onDone: (postId: string) => void;
}

/** When the post goes out, who agrees to it, and what it costs. */
export function Planner({ customerId, saver, view, checks, at, lead, onDone }: Props) {
  const customer = useCustomer();
  if (customer === undefined) return null;
  return <Plan customerId={customerId} customer={customer} saver={saver} view={view} checks={checks} at={at} lead={lead} onDone={onDone} />;
}

function Plan({ customerId, customer, saver, view, checks, at, lead, onDone }: Props & { customer: Schemas["Customer"] }) {
  const { t } = useTranslation("composer");
  const zone = customer.time_zone;
  const { post } = view;
  const state = post?.state ?? "draft";
  const [mode, setMode] = useState<Mode>(at !== undefined || (post !== null && post.scheduled_at !== null) ? "at" : "later");
  const [local, setLocal] = useState(() => at ?? (post !== null && post.scheduled_at !== null ? localOf(post.scheduled_at, zone) : nextHour(zone)));
  const [second, setSecond] = useState(false);
  const [comment, setComment] = useState("");
  const [written, setWritten] = useState<Rule>();
  const slots = useQuery({
    queryKey: [...customerKey(customerId), "queue-slots", "upcoming"],
    queryFn: () => data(fanfare.GET("/v1/customers/{customer_id}/queue-slots/upcoming", { params: { path: { customer_id: customerId }, query: { limit: 20 } } })),
    enabled: mode === "slot",
  });
  const recurrence = useRecurrence(customerId, post?.id);
  const stored = recurrence.data ?? undefined;
  const parsed = stored === undefined ? undefined : ruleFrom(stored.rrule, stored.starts_local, stored.time_zone);
  const rule = written ?? parsed ?? ruleAt(local.length >= 16 ? local.slice(0, 16) : nextHour(zone));
  const ruleZone = stored?.time_zone ?? zone;
  const free = slots.data?.items.filter((slot) => slot.free) ?? [];
  const time = zoned(local, zone);
  const instant = time === undefined ? undefined : second && time.second !== null ? time.second : time.at;
  const unapproved = customer.approval_required && !(state === "approved" && view.status.kind === "stored") && !(state === "scheduled" && view.status.kind === "stored");
  const waits = state === "pending_approval";

  const path = (id: string) => ({ customer_id: customerId, post_id: id });
  const seen = (etag: string) => ({ "If-Match": etag });
  const cancel = (id: string) => data(fanfare.POST("/v1/customers/{customer_id}/posts/{post_id}/cancel", { params: { path: path(id) } }));
  const withdraw = (id: string) => data(fanfare.POST("/v1/customers/{customer_id}/posts/{post_id}/withdraw", { params: { path: path(id) } }));
  const back = (id: string) => (post?.state === "scheduled" && post.scheduled_at !== null ? data(fanfare.POST("/v1/customers/{customer_id}/posts/{post_id}/schedule", { params: { path: path(id) }, body: { scheduled_at: post.scheduled_at } })) : cancel(id));

  const sent = <Out extends { id: string }>(out: Out): Out => {
    onDone(out.id);
    return out;
  };

  const submit = useAct(
    customerId,
    async (when: string | undefined) => {
      const saved = await saver.save();
      const body = { ...(comment === "" ? {} : { comment }), ...(when === undefined ? {} : { scheduled_at: when }) };
      return sent(await versioned(fanfare.POST("/v1/customers/{customer_id}/posts/{post_id}/submit", { params: { path: path(saved.id) }, body, headers: seen(saved.etag) })));
    },
    { done: () => t("done.submitted"), undo: (out) => withdraw(out.id), quiet: true },
  );
  const schedule = useAct(
    customerId,
    async (when: string) => {
      const saved = await saver.save();
      return sent(await versioned(fanfare.POST("/v1/customers/{customer_id}/posts/{post_id}/schedule", { params: { path: path(saved.id) }, body: { scheduled_at: when }, headers: seen(saved.etag) })));
    },
    { done: (out) => t("done.scheduled", { time: out.scheduled_at === null ? "" : formatTime(out.scheduled_at, zone) }), undo: (out) => back(out.id), quiet: true },
  );
  const queue = useAct(
    customerId,
    async () => {
      const saved = await saver.save();
      return sent(await versioned(fanfare.POST("/v1/customers/{customer_id}/posts/{post_id}/queue", { params: { path: path(saved.id) }, headers: seen(saved.etag) })));
    },
    { done: (out) => t("done.scheduled", { time: out.scheduled_at === null ? "" : formatTime(out.scheduled_at, zone) }), undo: (out) => back(out.id), quiet: true },
  );
  const repeat = useAct(
    customerId,
    async () => {
      const saved = await saver.save();
      const body = { rrule: rruleOf(rule, ruleZone), starts_local: rule.start };
      if (stored !== undefined) {
        const params = { path: { customer_id: customerId, recurring_post_id: stored.id } };
        await data(fanfare.PATCH("/v1/customers/{customer_id}/recurring-posts/{recurring_post_id}", { params, body, headers: seen(stored.etag) }));
      } else await data(fanfare.POST("/v1/customers/{customer_id}/recurring-posts", { params: { path: { customer_id: customerId } }, body: { ...body, post_id: saved.id } }));
      return sent(saved);
    },
    { done: () => t("done.repeats"), quiet: true },
  );
  const publish = async () => {
    const saved = await saver.save();
    await data(fanfare.POST("/v1/customers/{customer_id}/posts/{post_id}/publish", { params: { path: path(saved.id) }, headers: seen(saved.etag) }));
    onDone(saved.id);
  };
  const acts = [submit, schedule, queue, repeat];
  const busy = acts.some((act) => act.isPending);
  const late = mode === "at" && time !== undefined && passed(local, zone);
  const long = tooLong(view.draft);
  const error = acts.find((act) => act.isError)?.error;
  const broken = checks.reduce((sum, check) => sum + check.violations.length, 0) + (long ? 1 : 0);
  const cost = prices(checks);
  const ready = view.draft.text !== "" && view.draft.platforms.length > 0;
  const when = mode === "at" ? instant : mode === "slot" ? free[0]?.at : undefined;
  const forget = () => {
    for (const act of acts) act.reset();
  };
  const held = broken > 0 || late;
  /** Does something, or goes to what stands in its way. */
  const go = (act: () => Promise<unknown>) => () => {
    if (broken > 0) lead();
    else if (late) document.getElementById("plan-time")?.focus();
    else void act().catch(() => undefined); // shown below
  };
  const choose = (next: string) => {
    forget();
    setMode(modes.find((one) => one === next) ?? "later");
  };

  return (
    <Paper withBorder p="md" component="section" aria-labelledby="plan-title">
      <Stack>
        <Title order={2} id="plan-title">
          {t("when.title")}
        </Title>
        {waits ? (
          <Text size="sm">{t("when.waits")}</Text>
        ) : (
          <Radio.Group value={mode} onChange={choose} aria-label={t("when.title")}>
            <Group gap="lg">
              {modes.map((one) => (
                <Radio key={one} value={one} label={t(`when.mode.${one}`)} />
              ))}
            </Group>
          </Radio.Group>
        )}
        {!waits && mode === "at" && <TimeField
            id="plan-time"
            label={t("when.time")}
            zone={zone}
            value={local}
            onChange={(value) => {
              forget();
              setLocal(value);
            }}
            second={second}
            setSecond={(value) => {
              forget();
              setSecond(value);
            }}
          />}
        {!waits && mode === "slot" && <Slots customerId={customerId} slots={slots} free={free} zone={zone} />}
        {!waits && mode === "repeat" && (
          <Stack gap="sm">
            <Text size="sm" c="dimmed">
              {t("rule.explain")}
            </Text>
            {stored !== undefined && parsed === undefined && written === undefined && <Alert color="orange">{t("rule.foreign", { rule: stored.rrule })}</Alert>}
            <RuleField zone={ruleZone} rule={rule} onChange={setWritten} />
          </Stack>
        )}
        {cost.length > 0 && (
          <Group gap="xs">
            <IconCoins size={16} aria-hidden />
            <Text size="sm">{t("price.text", { price: cost.join(" + ") })}</Text>
          </Group>
        )}
        {broken > 0 && (
          <Text size="sm" c="var(--mantine-color-error)">
            {t("check.before", { count: broken })}
          </Text>
        )}
        {!ready && (
          <Text size="sm" c="dimmed">
            {view.draft.text === "" ? t("when.needsText") : t("when.needsAccount")}
          </Text>
        )}
        {!waits && unapproved && (
          <Stack gap="xs">
            <Text size="sm">{mode === "now" ? t("approval.now") : t("approval.text")}</Text>
            <Textarea label={t("approval.comment")} maxLength={5000} autosize minRows={1} value={comment} onChange={(event) => setComment(event.currentTarget.value)} />
          </Stack>
        )}
        {error !== null && error !== undefined && !(error instanceof NothingWritten) && !(error instanceof TooLong) && <Problem error={error} />}
        {!waits && (
          <Group gap="xs">
            {mode === "repeat" && (
              <Button leftSection={<IconRepeat size={16} aria-hidden />} loading={repeat.isPending} disabled={!ready || busy || upcoming(rule, ruleZone, 1).length === 0} onClick={go(() => repeat.mutateAsync(undefined))}>
                {stored !== undefined ? t("act.repeatChange") : t("act.repeat")}
              </Button>
            )}
            {unapproved && (
              <Button
                variant={mode === "repeat" ? "default" : "filled"}
                leftSection={<IconCheck size={16} aria-hidden />}
                loading={submit.isPending}
                disabled={!ready || busy || ((mode === "at" || mode === "slot") && when === undefined)}
                onClick={go(() => submit.mutateAsync(when))}
              >
                {t("act.submit")}
              </Button>
            )}
            {!unapproved && mode === "now" && held && (
              <Button disabled={!ready || busy} leftSection={<IconSend size={16} aria-hidden />} onClick={lead}>
                {t("act.publish")}
              </Button>
            )}
            {!unapproved && mode === "now" && !held && (
              <Confirm variant="filled" danger={false} disabled={!ready || busy} leftSection={<IconSend size={16} aria-hidden />} title={t("publish.title")} confirm={t("publish.confirm")} act={publish} text={<PublishText checks={checks} count={view.draft.platforms.length} />}>
                {t("act.publish")}
              </Confirm>
            )}
            {!unapproved && mode === "at" && (
              <Button leftSection={<IconCalendarPlus size={16} aria-hidden />} loading={schedule.isPending} disabled={!ready || busy || instant === undefined} onClick={go(() => schedule.mutateAsync(instant ?? ""))}>
                {state === "scheduled" ? t("act.move") : t("act.schedule")}
              </Button>
            )}
            {!unapproved && mode === "slot" && (
              <Button leftSection={<IconCalendarPlus size={16} aria-hidden />} loading={queue.isPending} disabled={!ready || busy || free.length === 0} onClick={go(() => queue.mutateAsync(undefined))}>
                {t("act.queue")}
              </Button>
            )}
            {!unapproved && ["draft", "failed", "cancelled"].includes(state) && mode !== "repeat" && mode !== "now" && (
              <Button variant="default" loading={submit.isPending} disabled={!ready || busy} onClick={go(() => submit.mutateAsync(when))}>
                {t("act.ask")}
              </Button>
            )}
          </Group>
        )}
      </Stack>
    </Paper>
  );
}

/** What publishing at once means, and costs. */
export function PublishText({ checks, count }: { checks: Check[]; count: number }) {
  const { t } = useTranslation("composer");
  const cost = prices(checks);
  return (
    <>
      {t("publish.text", { count })} {cost.length > 0 && t("price.text", { price: cost.join(" + ") })}
    </>
  );
}

function Slots({ customerId, slots, free, zone }: { customerId: string; slots: { data: Schemas["UpcomingSlotList"] | undefined; isError: boolean; error: unknown; refetch: () => unknown }; free: Schemas["UpcomingSlot"][]; zone: string }) {
  const { t } = useTranslation("composer");
  if (slots.isError) return <Problem error={slots.error} retry={() => void slots.refetch()} />;
  if (slots.data === undefined) return null;
  const [first, ...others] = free;
  const shown = (at: string) => `${formatTime(at, zone, { dateStyle: "full", timeStyle: "short" })} ${zoneName(zone, new Date(at))}`;
  if (first === undefined)
    return (
      <Text size="sm">
        {slots.data.items.length === 0 ? t("slot.none") : t("slot.full")} <Link to="/customers/$customerId/calendar" params={{ customerId }} style={{ color: "var(--mantine-color-anchor)" }}>{t("slot.calendar")}</Link>
      </Text>
    );
  return (
    <Stack gap={2}>
      <Text size="sm" fw={500}>
        {t("slot.next", { time: shown(first.at) })}
      </Text>
      {others.length > 0 && (
        <Text size="sm" c="dimmed">
          {t("slot.after", { times: others.slice(0, 3).map((slot) => formatTime(slot.at, zone)).join(" · ") })}
        </Text>
      )}
    </Stack>
  );
}
