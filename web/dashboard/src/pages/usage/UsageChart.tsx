import { BarChart } from "@mantine/charts";
import "@mantine/charts/styles.layer.css";
import { ColorSwatch, Group, Stack, Text } from "@mantine/core";

const colors = ["light-dark(#3b5bdb, #748ffc)", "light-dark(#0b7285, #3bc9db)", "light-dark(#2b8a3e, #69db7c)", "light-dark(#b35c00, #ffa94d)", "light-dark(#9c36b5, #da77f2)", "light-dark(#c2255c, #f783ac)", "light-dark(#5f6b00, #c0eb75)", "light-dark(#495057, #ced4da)"];

/** Bars by period, stacked by at most as many series as there are colours, and below them which colour is which. The same numbers stand in a table beside it. */
export default function UsageChart({ label, rows, series, format }: { label: string; rows: Record<string, string | number>[]; series: string[]; format: (value: number) => string }) {
  const coloured = series.map((name, index) => ({ name, color: colors[index]! }));
  return (
    <Stack gap="sm">
      <BarChart
        role="img"
        aria-label={label}
        h={280}
        data={rows}
        dataKey="period"
        type="stacked"
        tickLine="none"
        valueFormatter={format}
        series={coloured}
        barChartProps={{ accessibilityLayer: false }}
        yAxisProps={{ allowDecimals: false }}
        barProps={{ isAnimationActive: false }}
        maxBarWidth={40}
      />
      <Group component="ul" gap="xs" m={0} p={0} style={{ listStyle: "none", columnGap: 16 }}>
        {coloured.map(({ name, color }) => (
          <Group key={name} component="li" gap={6} wrap="nowrap">
            <ColorSwatch color={color} size={12} withShadow={false} aria-hidden style={{ flex: "none" }} />
            <Text size="sm">{name}</Text>
          </Group>
        ))}
      </Group>
    </Stack>
  );
}
