import { Button, Group, Paper, Select, Skeleton, Stack, Table, Text, TextInput, Title } from "@mantine/core";
import { IconChartBar, IconDownload } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { Suspense, useState } from "react";
import { useTranslation } from "react-i18next";
import { customerKey, data, fanfare, type Schemas } from "../../api";
import { Empty } from "../../components/Empty";
import { Problem } from "../../components/Problem";
import { Records } from "../../components/Records";
import { Skeletons } from "../../components/Skeletons";
import { complain } from "../../lib/act";
import { dayOf, useAddress } from "../../lib/address";
import { download, fileName } from "../../lib/download";
import { formatMoney, useUsageKind } from "../../lib/kinds";
import { lazy } from "../../lib/lazy";
import { formatNumber, formatTime } from "../../lib/time";
import { useCustomer, useCustomerId } from "../../shell/customer";

/** How many series the chart can show in colours that differ. */
const SERIES = 8;

const UsageChart = lazy(() => import("./UsageChart"));

type Item = Schemas["UsageItem"];
const groups = ["day", "month", "total"] as const;
const measures = ["count", "tokens", "cost"] as const;
type Measure = (typeof measures)[number];

function amount(item: Pick<Item, "count" | "input_tokens" | "output_tokens" | "cost_microusd">, measure: Measure): number {
  return measure === "count" ? item.count : measure === "tokens" ? item.input_tokens + item.output_tokens : item.cost_microusd;
}

interface Sum {
  name: string;
  count: number;
  input_tokens: number;
  output_tokens: number;
  cost_microusd: number;
}

function sums(items: Item[], name: (item: Item) => string): Sum[] {
  const found = new Map<string, Sum>();
  for (const item of items) {
    const sum = found.get(name(item)) ?? { name: name(item), count: 0, input_tokens: 0, output_tokens: 0, cost_microusd: 0 };
    found.set(sum.name, { name: sum.name, count: sum.count + item.count, input_tokens: sum.input_tokens + item.input_tokens, output_tokens: sum.output_tokens + item.output_tokens, cost_microusd: sum.cost_microusd + item.cost_microusd });
  }
  return [...found.values()].sort((a, b) => a.name.localeCompare(b.name));
}

/** The periods from the first day to the last, also those in which nothing was used. */
function periods(from: string, to: string, by: "day" | "month"): string[] {
  const found: string[] = [];
  const at = new Date(`${from}T00:00:00Z`);
  for (const last = new Date(`${to}T00:00:00Z`); at <= last; at.setUTCDate(at.getUTCDate() + 1)) {
    const period = at.toISOString().slice(0, by === "day" ? 10 : 7);
    if (found.at(-1) !== period) found.push(period);
  }
  return found;
}

/** What was used, by period and by kind: a chart, the same as a table, and as a file. */
export function Used() {
  const { t } = useTranslation("usage");
  const customerId = useCustomerId();
  const customer = useCustomer();
  const { get, one, set } = useAddress();
  const from = dayOf(get("from"));
  const to = dayOf(get("to"));
  const group = one("by", groups);
  const measure = one("show", measures);
  const [saving, setSaving] = useState(false);
  const params = { path: { customer_id: customerId }, query: { from, to, group_by: group } };
  const usage = useQuery({ queryKey: [...customerKey(customerId), "usage", params.query], queryFn: () => data(fanfare.GET("/v1/customers/{customer_id}/usage", { params })) });
  const save = () => {
    setSaving(true);
    download(fileName("csv", "usage", customer?.name, usage.data?.from, usage.data?.to), () => fanfare.GET("/v1/customers/{customer_id}/usage/export", { params, parseAs: "stream" }))
      .catch(complain)
      .finally(() => setSaving(false));
  };
  return (
    <Stack>
      <Group gap="sm" align="flex-end">
        <TextInput type="date" label={t("from")} value={from ?? usage.data?.from ?? ""} max={to} onChange={(event) => set({ from: event.currentTarget.value })} />
        <TextInput type="date" label={t("to")} value={to ?? usage.data?.to ?? ""} min={from} onChange={(event) => set({ to: event.currentTarget.value })} />
        <Select label={t("by")} w={140} allowDeselect={false} data={groups.map((value) => ({ value, label: t(`groups.${value}`) }))} value={group} onChange={(value) => set({ by: value ?? undefined })} />
        <Select label={t("show")} w={160} allowDeselect={false} data={measures.map((value) => ({ value, label: t(`measures.${value}`) }))} value={measure} onChange={(value) => set({ show: value ?? undefined })} />
        <Button variant="default" leftSection={<IconDownload size={16} aria-hidden />} loading={saving} onClick={save}>
          {t("export")}
        </Button>
      </Group>
      <Text size="xs" c="dimmed">
        {t("utc")}
      </Text>
      {usage.isError ? <Problem error={usage.error} retry={() => void usage.refetch()} /> : usage.data === undefined ? <Skeletons /> : <Shown usage={usage.data} group={group} measure={measure} />}
    </Stack>
  );
}

function Shown({ usage, group, measure }: { usage: Schemas["Usage"]; group: (typeof groups)[number]; measure: Measure }) {
  const { t } = useTranslation("usage");
  const kindName = useUsageKind();
  const name = (item: Item) => kindName(item.kind, item.platform);
  const format = (value: number) => (measure === "cost" ? formatMoney(value) : formatNumber(value));
  const totals = sums(usage.items, name);
  if (totals.length === 0) return <Empty icon={IconChartBar} title={t("empty.title")} text={t("empty.text")} />;
  const series = totals.filter((sum) => amount(sum, measure) > 0).map((sum) => sum.name);
  const all = group === "total" ? ["total"] : periods(usage.from, usage.to, group);
  const values = all.map((period) => {
    const row: Record<string, number> = Object.fromEntries(series.map((one) => [one, 0]));
    for (const item of usage.items) if (item.period === period && name(item) in row) row[name(item)]! += amount(item, measure);
    return { period, row };
  });
  const periodName = (period: string) =>
    period === "total" ? t("groups.total") : formatTime(period.length === 7 ? `${period}-01T00:00:00Z` : `${period}T00:00:00Z`, "UTC", period.length === 7 ? { month: "short", year: "numeric" } : { day: "numeric", month: "short" });
  const largest = totals.filter((sum) => amount(sum, measure) > 0).sort((a, b) => amount(b, measure) - amount(a, measure)).map((sum) => sum.name);
  const charted = largest.length > SERIES ? largest.slice(0, SERIES - 1) : largest;
  const rest = largest.slice(charted.length);
  const others = t("others", { count: rest.length });
  const shown = rest.length === 0 ? charted : [...charted, others];
  const bars = values.map(({ period, row }) => ({
    ...Object.fromEntries(charted.map((one) => [one, row[one] ?? 0])),
    ...(rest.length === 0 ? {} : { [others]: rest.reduce((sum, one) => sum + (row[one] ?? 0), 0) }),
    period: periodName(period),
  }));
  return (
    <Stack gap="lg">
      {series.length === 0 ? (
        <Text c="dimmed" size="sm">
          {t(`nothing.${measure}`)}
        </Text>
      ) : (
        <Paper withBorder p="md">
          <Suspense fallback={<Skeleton height={320} />}>
            <UsageChart label={t("chart", { measure: t(`measures.${measure}`) })} rows={bars} series={shown} format={format} />
          </Suspense>
        </Paper>
      )}
      <Stack gap="xs">
        <Title order={2}>{t("totals")}</Title>
        <Records<Sum>
          label={t("totals")}
          rows={totals}
          rowKey={(sum) => sum.name}
          columns={[
            { title: t("kind"), cell: (sum) => <Text size="sm">{sum.name}</Text> },
            { title: t("measures.count"), align: "right", cell: (sum) => formatNumber(sum.count) },
            { title: t("inputTokens"), align: "right", cell: (sum) => formatNumber(sum.input_tokens) },
            { title: t("outputTokens"), align: "right", cell: (sum) => formatNumber(sum.output_tokens) },
            { title: t("measures.cost"), align: "right", cell: (sum) => formatMoney(sum.cost_microusd) },
          ]}
          empty={null}
        />
      </Stack>
      {series.length > 0 && group !== "total" && (
        <Stack gap="xs">
          <Title order={2}>{t(`table.${group}`, { measure: t(`measures.${measure}`) })}</Title>
          <Paper withBorder>
            <Table.ScrollContainer minWidth={0} mah={420} scrollAreaProps={{ viewportProps: { tabIndex: 0, role: "region", "aria-label": t(`table.${group}`, { measure: t(`measures.${measure}`) }) } }}>
              <Table stickyHeader style={{ fontVariantNumeric: "tabular-nums", whiteSpace: "nowrap" }}>
                <Table.Thead>
                  <Table.Tr>
                    <Table.Th>{t(`groups.${group}`)}</Table.Th>
                    {shown.map((one) => (
                      <Table.Th key={one} ta="right" miw={96} style={{ whiteSpace: "normal" }}>
                        {one}
                      </Table.Th>
                    ))}
                  </Table.Tr>
                </Table.Thead>
                <Table.Tbody>
                  {[...bars].reverse().map(({ period, ...row }: Record<string, string | number>) => (
                    <Table.Tr key={period}>
                      <Table.Th scope="row" fw={400}>
                        {period}
                      </Table.Th>
                      {shown.map((one) => (
                        <Table.Td key={one} ta="right">
                          {format(Number(row[one] ?? 0))}
                        </Table.Td>
                      ))}
                    </Table.Tr>
                  ))}
                </Table.Tbody>
              </Table>
            </Table.ScrollContainer>
          </Paper>
        </Stack>
      )}
    </Stack>
  );
}
