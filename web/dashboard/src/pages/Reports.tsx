import { Alert, Anchor, Button, Divider, Group, NativeSelect, Paper, SegmentedControl, SimpleGrid, Skeleton, Stack, Text, TextInput, Title } from "@mantine/core";
import { IconChartBar, IconDownload, IconPrinter } from "@tabler/icons-react";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Suspense, useEffect } from "react";
import { useTranslation } from "react-i18next";
import { customerKey, data, fanfare, type Schemas } from "../api";
import { Empty } from "../components/Empty";
import { Page } from "../components/Page";
import { Platform, platforms } from "../components/Platform";
import { Problem } from "../components/Problem";
import { Records, usePages, type Column } from "../components/Records";
import { Skeletons } from "../components/Skeletons";
import { State } from "../components/State";
import { When } from "../components/When";
import { useAct } from "../lib/act";
import { dayOf, oneOf, useAddress } from "../lib/address";
import { lazy } from "../lib/lazy";
import { inOrder, labelOf } from "../lib/posts";
import { fileName } from "../lib/download";
import { formatNumber, formatTime } from "../lib/time";
import { useCustomer, useCustomerId } from "../shell/customer";
import { addDays, presets, rangeOf, today, type Range } from "./reports/range";
import classes from "./reports/Reports.module.css";

const Chart = lazy(() => import("./reports/Chart"));

const measures = ["published", "impressions", "reach", "likes", "comments", "shares", "clicks"] as const;
type Measure = (typeof measures)[number];
type Numbers = Schemas["ReportNumbers"];
type ReportPost = Schemas["ReportPost"];

/** What went out in a time, and how it did: for oneself, and as a page to print for the customer. */
export default function Reports() {
  const { t } = useTranslation("reports");
  const customer = useCustomer();
  return <Page title={t("title")}>{customer === undefined ? <Skeletons /> : <Report zone={customer.time_zone} name={customer.name} />}</Page>;
}

/** Prints on white, whatever the theme. */
function usePrintTheme() {
  useEffect(() => {
    const root = document.documentElement;
    let before: string | null = null;
    const begin = () => {
      before = root.getAttribute("data-mantine-color-scheme");
      root.setAttribute("data-mantine-color-scheme", "light");
    };
    const end = () => {
      if (before !== null) root.setAttribute("data-mantine-color-scheme", before);
    };
    window.addEventListener("beforeprint", begin);
    window.addEventListener("afterprint", end);
    return () => {
      window.removeEventListener("beforeprint", begin);
      window.removeEventListener("afterprint", end);
    };
  }, []);
}

function Report({ zone, name }: { zone: string; name: string }) {
  const { t } = useTranslation("reports");
  const customerId = useCustomerId();
  const address = useAddress();
  usePrintTheme();
  const last = today(zone);
  const [from, to] = [dayOf(address.get("from")), dayOf(address.get("to"))];
  const range: Range = from !== undefined && to !== undefined && from <= to ? { from, to } : rangeOf("30", last);
  const report = useQuery({
    queryKey: [...customerKey(customerId), "report", range.from, range.to],
    meta: { live: false },
    staleTime: 60_000,
    queryFn: () => data(fanfare.GET("/v1/customers/{customer_id}/report", { params: { path: { customer_id: customerId }, query: range } })),
    placeholderData: keepPreviousData,
  });
  const day = (date: string) => formatTime(`${date}T00:00:00Z`, "UTC", { dateStyle: "long" });
  return (
    <Stack gap="lg">
      <Group justify="space-between" align="flex-end" gap="sm" className={classes.screen}>
        <Choice range={range} last={last} />
        <Group gap="xs">
          <Button variant="default" leftSection={<IconPrinter size={16} aria-hidden />} onClick={() => window.print()}>
            {t("print")}
          </Button>
          <Export range={range} name={name} />
        </Group>
      </Group>
      <Text fw={500} className={classes.paper}>
        {name}
      </Text>
      <Text size="sm" c="dimmed">
        {t("between", { first: day(range.from), last: day(range.to), zone })}
      </Text>
      {report.isError && report.data === undefined && <Problem error={report.error} retry={() => void report.refetch()} />}
      {report.data === undefined && !report.isError && <Skeletons rows={4} height={96} />}
      {report.data !== undefined &&
        (report.data.total.published + report.data.total.failed + report.data.total.needs_attention === 0 ? (
          <Empty icon={IconChartBar} title={t("empty.title")} text={t("empty.text")} action={<CalendarLink />} />
        ) : (
          <Whole report={report.data} range={range} />
        ))}
    </Stack>
  );
}

function CalendarLink() {
  const { t } = useTranslation("reports");
  const customerId = useCustomerId();
  return <Button renderRoot={(props) => <Link to="/customers/$customerId/calendar" params={{ customerId }} {...props} />}>{t("empty.action")}</Button>;
}

function Choice({ range, last }: { range: Range; last: string }) {
  const { t } = useTranslation("reports");
  const address = useAddress();
  const chosen = presets.find((preset) => {
    const of = rangeOf(preset, last);
    return of.from === range.from && of.to === range.to;
  });
  const set = (next: Range) => {
    if (dayOf(next.from) !== undefined && dayOf(next.to) !== undefined && next.from <= next.to) address.set({ from: next.from, to: next.to }, true);
  };
  const choose = (value: string) => value !== "own" && set(rangeOf(oneOf(presets, value) ?? presets[0], last));
  const choices = [...presets, ...(chosen === undefined ? (["own"] as const) : [])].map((value) => ({ value, label: t(`preset.${value}`) }));
  return (
    <Stack gap="xs" maw="100%">
      <SegmentedControl visibleFrom="sm" aria-label={t("time")} value={chosen ?? "own"} onChange={choose} data={choices} style={{ alignSelf: "flex-start" }} />
      <NativeSelect hiddenFrom="sm" aria-label={t("time")} value={chosen ?? "own"} onChange={(event) => choose(event.currentTarget.value)} data={choices} />
      <Group gap="xs" key={`${range.from} ${range.to}`}>
        <TextInput type="date" size="xs" label={t("from")} defaultValue={range.from} min={addDays(range.to, -399)} max={range.to} onChange={(event) => set({ from: event.currentTarget.value, to: range.to })} />
        <TextInput type="date" size="xs" label={t("to")} defaultValue={range.to} min={range.from} max={addDays(range.from, 399)} onChange={(event) => set({ from: range.from, to: event.currentTarget.value })} />
      </Group>
    </Stack>
  );
}

/** Saves the numbers of each post for a spreadsheet. */
function Export({ range, name }: { range: Range; name: string }) {
  const { t } = useTranslation("reports");
  const customerId = useCustomerId();
  const get = useAct(customerId, async () => {
    const blob = await data(fanfare.GET("/v1/customers/{customer_id}/report/export", { params: { path: { customer_id: customerId }, query: range }, parseAs: "blob" }));
    const address = URL.createObjectURL(blob);
    const link = document.createElement("a");
    link.href = address;
    link.download = fileName("csv", "report", name, range.from, range.to);
    link.click();
    setTimeout(() => URL.revokeObjectURL(address), 10_000);
  });
  return (
    <Button variant="default" leftSection={<IconDownload size={16} aria-hidden />} loading={get.isPending} onClick={() => get.mutate(undefined)}>
      {t("export")}
    </Button>
  );
}

function Whole({ report, range }: { report: Schemas["Report"]; range: Range }) {
  const { t } = useTranslation("reports");
  const address = useAddress();
  const measure = address.one("measure", measures);
  const { total } = report;
  const problems = total.failed + total.needs_attention;
  return (
    <>
      <SimpleGrid cols={{ base: 2, sm: 4 }} spacing="sm" component="dl" m={0}>
        {measures.map((key) => (
          <Tile key={key} label={t(`measure.${key}`)} value={shown(total, key)} text={t(`explain.${key}`)} />
        ))}
        <Tile label={t("problems.title")} value={formatNumber(problems)} text={t("explain.problems")} />
      </SimpleGrid>
      <Text size="sm" c="dimmed">
        {t("measured", { measured: formatNumber(total.measured), count: total.published })}
      </Text>
      <Stack gap="sm" className={classes.section}>
        <Group justify="space-between" align="flex-end">
          <Title order={2}>{t("chart.title")}</Title>
          <NativeSelect className={classes.screen} label={t("chart.measure")} size="xs" value={measure} onChange={(event) => address.set({ measure: event.currentTarget.value })} data={measures.map((value) => ({ value, label: t(`measure.${value}`) }))} />
        </Group>
        <Suspense fallback={<Skeleton height={280} />}>
          <Chart days={report.days} measure={measure} from={range.from} to={range.to} />
        </Suspense>
      </Stack>
      <Breakdown title={t("byPlatform")} rows={ordered(report.platforms)} />
      <Breakdown title={t("byAccount")} rows={ordered(report.accounts)} />
      <Posts range={range} problems={problems} />
    </>
  );
}

/** Rows in the order in which platforms are shown. */
function ordered(rows: Numbers[]): Numbers[] {
  return inOrder(rows.flatMap((row) => (row.platform === undefined ? [] : [{ row, platform: row.platform }]))).map(({ row }) => row);
}

/** A number; none where no platform has told any, which is not the same as 0. */
function shown(numbers: Numbers, measure: Measure): string {
  return measure !== "published" && numbers.measured === 0 ? "–" : formatNumber(numbers[measure]);
}

function Tile({ label, value, text }: { label: string; value: string; text: string }) {
  return (
    <Paper withBorder p="sm" radius="md">
      <Text size="sm" c="dimmed" component="dt">
        {label}
      </Text>
      <Text fz={24} fw={600} lh={1.3} component="dd" m={0} style={{ fontVariantNumeric: "tabular-nums" }}>
        {value}
      </Text>
      <Text size="xs" c="dimmed" component="dd" m={0}>
        {text}
      </Text>
    </Paper>
  );
}

function Breakdown({ title, rows }: { title: string; rows: Numbers[] }) {
  const { t } = useTranslation("reports");
  const columns: Column<Numbers>[] = [
    { title: t("account"), cell: (row) => (row.platform === undefined ? "–" : <Platform platform={row.platform} name={row.account ?? true} />) },
    ...measures.map((key): Column<Numbers> => ({ title: t(`measure.${key}`), align: "right", cell: (row) => shown(row, key) })),
    { title: t("problems.short"), align: "right", cell: (row) => formatNumber(row.failed + row.needs_attention) },
  ];
  return (
    <Stack gap="sm" className={classes.section}>
      <Title order={2}>{title}</Title>
      <Records<Numbers> label={title} rows={rows} rowKey={(row) => row.integration_id ?? row.platform ?? ""} columns={columns} empty={null} />
    </Stack>
  );
}

const orders = ["newest", "impressions", "reach", "likes", "comments", "shares", "clicks"] as const;

/** Post by post: what did best, and what did not go out. Only what has been loaded is put in order. */
function Posts({ range, problems }: { range: Range; problems: number }) {
  const { t } = useTranslation("reports");
  const customerId = useCustomerId();
  const address = useAddress();
  const order = address.one("order", orders);
  const pages = usePages<ReportPost>([...customerKey(customerId), "report", "posts", range.from, range.to], (cursor) => fanfare.GET("/v1/customers/{customer_id}/report/posts", { params: { path: { customer_id: customerId }, query: { ...range, cursor, limit: 50 } } }), { live: false });
  const out = pages.items?.filter((post) => post.state === "published");
  const failed = pages.items?.filter((post) => post.state !== "published") ?? [];
  const sorted = out === undefined || order === "newest" ? out : [...out].sort((a, b) => (b[order] ?? -1) - (a[order] ?? -1));
  const number = (key: Exclude<Measure, "published">): Column<ReportPost> => ({ title: t(`measure.${key}`), align: "right", cell: (post) => (post[key] === null ? "–" : formatNumber(post[key])) });
  const title: Column<ReportPost> = { title: t("posts.post"), width: "32%", cell: (post) => <PostCell post={post} /> };
  return (
    <>
      <Stack gap="sm" className={classes.section}>
        <Group justify="space-between" align="flex-end">
          <Title order={2}>{t("posts.title")}</Title>
          <NativeSelect className={classes.screen} size="xs" label={t("posts.order")} value={order} onChange={(event) => address.set({ order: event.currentTarget.value })} data={orders.map((value) => ({ value, label: value === "newest" ? t("posts.newest") : t("posts.most", { measure: t(`measure.${value}`) }) }))} />
        </Group>
        {order !== "newest" && pages.hasNextPage && (
          <Text size="sm" c="dimmed">
            {t("posts.loadedOnly", { count: pages.items?.length ?? 0 })}
          </Text>
        )}
        <Records<ReportPost>
          label={t("posts.title")}
          rows={sorted}
          pages={sorted === undefined ? pages : undefined}
          rowKey={(post) => post.platform_post_id}
          columns={[title, { title: t("posts.when"), cell: (post) => <When at={post.published_at ?? post.scheduled_at} date style={{ whiteSpace: "nowrap" }} /> }, number("impressions"), number("reach"), number("likes"), number("comments"), number("shares"), number("clicks")]}
          empty={<Text c="dimmed">{t("posts.none")}</Text>}
        />
        {pages.isError && pages.items !== undefined && <Problem error={pages.error} retry={() => void pages.fetchNextPage()} />}
        {pages.hasNextPage && (
          <Button className={classes.screen} variant="default" style={{ alignSelf: "center" }} loading={pages.isFetchingNextPage} onClick={() => void pages.fetchNextPage()}>
            {t("posts.more")}
          </Button>
        )}
      </Stack>
      {problems > 0 && (
        <Stack gap="sm" className={classes.section}>
          <Divider />
          <Title order={2}>{t("problems.title")}</Title>
          {failed.length < problems && pages.hasNextPage && <Alert color="gray">{t("problems.loadMore", { count: problems })}</Alert>}
          <Records<ReportPost>
            label={t("problems.title")}
            rows={failed}
            rowKey={(post) => post.platform_post_id}
            columns={[title, { title: t("problems.state"), cell: (post) => <State state={post.state} /> }, { title: t("problems.when"), cell: (post) => <When at={post.scheduled_at} /> }, { title: t("problems.why"), cell: (post) => post.problem ?? "–" }]}
            empty={null}
          />
        </Stack>
      )}
    </>
  );
}

function PostCell({ post }: { post: ReportPost }) {
  const { t } = useTranslation("reports");
  const customerId = useCustomerId();
  const { external_url: url } = post;
  return (
    <Stack gap={2}>
      <Anchor lineClamp={2} inherit fw={500} mih={24} renderRoot={(props) => <Link to="/customers/$customerId/posts/$postId" params={{ customerId, postId: post.post_id }} {...props} />}>
        {labelOf(post, 300)}
      </Anchor>
      <Group gap="xs">
        <Text size="xs" c="dimmed" component="span">
          <Platform platform={post.platform} name={post.account} size={14} />
        </Text>
        {url !== null && /^https?:\/\//.test(url) && (
          <Anchor size="xs" href={url} target="_blank" rel="noopener noreferrer" className={classes.screen}>
            {t("posts.open", { platform: platforms[post.platform].name })}
          </Anchor>
        )}
      </Group>
    </Stack>
  );
}
