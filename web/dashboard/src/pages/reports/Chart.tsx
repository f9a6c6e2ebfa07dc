import { BarChart } from "@mantine/charts";
import "@mantine/charts/styles.layer.css";
import { Box, Table } from "@mantine/core";
import { useReducedMotion } from "@mantine/hooks";
import { useMemo } from "react";
import { useTranslation } from "react-i18next";
import type { Schemas } from "../../api";
import { platforms, type PlatformName } from "../../components/Platform";
import { inOrder } from "../../lib/posts";
import { formatNumber, formatTime } from "../../lib/time";
import { addDays } from "./range";
import classes from "./Reports.module.css";

type Measure = "published" | "impressions" | "reach" | "likes" | "comments" | "shares" | "clicks";

/** Colours that can be told apart beside each other, on light and on dark. */
const colors: Record<PlatformName, string> = { twitter: "gray.6", linkedin: "blue.7", facebook: "cyan.5", mailchimp: "yellow.6", ghost: "violet.5" };

/** From how many days on a bar stands for a week. */
const WEEKS = 63;

interface Bar {
  day: string;
  values: Partial<Record<PlatformName, number>>;
}

/** A number of a report day by day, by platform, and the same numbers as a table. */
export default function Chart({ days, measure, from, to }: { days: Schemas["ReportNumbers"][]; measure: Measure; from: string; to: string }) {
  const { t } = useTranslation("reports");
  const still = useReducedMotion();
  const shown = useMemo(() => [...new Set(inOrder(days.flatMap(({ platform }) => (platform === undefined ? [] : [{ platform }]))).map((day) => day.platform))], [days]);
  const { bars, step } = useMemo(() => barsOf(days, measure, from, to), [days, measure, from, to]);
  const label = (day: string) => formatTime(`${day}T00:00:00Z`, "UTC", { day: "numeric", month: "short" });
  const long = (day: string) => (step === 1 ? formatTime(`${day}T00:00:00Z`, "UTC", { dateStyle: "medium" }) : t("chart.week", { day: formatTime(`${day}T00:00:00Z`, "UTC", { dateStyle: "medium" }) }));
  const filled = bars.filter((bar) => shown.some((platform) => (bar.values[platform] ?? 0) > 0));
  return (
    <>
      <Box className={classes.chart} role="img" aria-label={t("chart.label", { measure: t(`measure.${measure}`) })}>
        <BarChart
          h={260}
          data={bars.map((bar) => ({ day: label(bar.day), ...Object.fromEntries(shown.map((platform) => [platform, bar.values[platform] ?? 0])) }))}
          dataKey="day"
          type="stacked"
          series={shown.map((platform) => ({ name: platform, label: platforms[platform].name, color: colors[platform] }))}
          withLegend
          tickLine="none"
          valueFormatter={(value) => formatNumber(value)}
          yAxisProps={{ allowDecimals: false, width: 48 }}
          barProps={{ isAnimationActive: !still, animationDuration: 120 }}
          barChartProps={{ accessibilityLayer: false }}
        />
      </Box>
      <details className={classes.table}>
        <summary>{t("chart.table")}</summary>
        <Table.ScrollContainer minWidth={0} scrollAreaProps={{ viewportProps: { tabIndex: 0, role: "region", "aria-label": t("chart.table") } }}>
          <Table aria-label={t(`measure.${measure}`)} style={{ fontVariantNumeric: "tabular-nums" }}>
            <Table.Thead>
              <Table.Tr>
                <Table.Th>{t("chart.day")}</Table.Th>
                {shown.map((platform) => (
                  <Table.Th key={platform} ta="right">
                    {platforms[platform].name}
                  </Table.Th>
                ))}
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {filled.map((bar) => (
                <Table.Tr key={bar.day}>
                  <Table.Th scope="row" fw={400}>
                    {long(bar.day)}
                  </Table.Th>
                  {shown.map((platform) => (
                    <Table.Td key={platform} ta="right">
                      {formatNumber(bar.values[platform] ?? 0)}
                    </Table.Td>
                  ))}
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        </Table.ScrollContainer>
      </details>
    </>
  );
}

function barsOf(days: Schemas["ReportNumbers"][], measure: Measure, from: string, to: string): { bars: Bar[]; step: number } {
  const all: string[] = [];
  for (let day = from; day <= to; day = addDays(day, 1)) all.push(day);
  const step = all.length >= WEEKS ? 7 : 1;
  const bars = all.filter((_, index) => index % step === 0).map((day): Bar => ({ day, values: {} }));
  const places = new Map(all.map((day, index) => [day, Math.floor(index / step)]));
  for (const day of days) {
    const values = bars[places.get(day.day ?? "") ?? -1]?.values;
    if (values !== undefined && day.platform !== undefined) values[day.platform] = (values[day.platform] ?? 0) + day[measure];
  }
  return { bars, step };
}
