import { Anchor, Group, Paper, Stack, Table, Text, TextInput } from "@mantine/core";
import { IconChartBar } from "@tabler/icons-react";
import { Link } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import { Button } from "@mantine/core";
import { fanfare, type Schemas } from "../../api";
import { Empty } from "../../components/Empty";
import { Problem } from "../../components/Problem";
import { usePages } from "../../components/Records";
import { Skeletons } from "../../components/Skeletons";
import { useAddress } from "../../lib/address";
import { formatMoney, useUsageKind } from "../../lib/kinds";
import { formatNumber } from "../../lib/time";

type CustomerUsage = Schemas["CustomerUsage"];

/** What all customers have used in a month. */
export function AllUsage() {
  const { t } = useTranslation("installation");
  const { t: usage } = useTranslation("usage");
  const { t: common } = useTranslation();
  const kindName = useUsageKind();
  const { get, set } = useAddress();
  const month = /^\d{4}-(0[1-9]|1[0-2])$/.test(get("month")) ? get("month") : new Date().toISOString().slice(0, 7);
  const pages = usePages<CustomerUsage>(["installation", "usage", month], (cursor) => fanfare.GET("/v1/usage", { params: { query: { cursor, month, limit: 50 } } }));
  const lastDay = new Date(Date.UTC(Number(month.slice(0, 4)), Number(month.slice(5)), 0)).toISOString().slice(0, 10);
  return (
    <Stack>
      <Group>
        <TextInput type="month" label={t("usage.month")} value={month} onChange={(event) => set({ month: event.currentTarget.value })} />
      </Group>
      {pages.isError && pages.items === undefined ? (
        <Problem error={pages.error} retry={() => void pages.refetch()} />
      ) : pages.items === undefined ? (
        <Skeletons />
      ) : pages.items.length === 0 ? (
        <Empty icon={IconChartBar} title={t("usage.empty.title")} text={t("usage.empty.text")} />
      ) : (
        <Paper withBorder>
          <Table.ScrollContainer minWidth={0} scrollAreaProps={{ viewportProps: { tabIndex: 0, role: "region", "aria-label": t("tabs.usage") } }}>
            <Table verticalSpacing="xs" horizontalSpacing="md" style={{ fontVariantNumeric: "tabular-nums" }} aria-label={t("tabs.usage")}>
              <Table.Thead>
                <Table.Tr>
                  <Table.Th>{t("usage.customer")}</Table.Th>
                  <Table.Th>{usage("kind")}</Table.Th>
                  <Table.Th ta="right">{usage("measures.count")}</Table.Th>
                  <Table.Th ta="right">{usage("measures.tokens")}</Table.Th>
                  <Table.Th ta="right">{usage("measures.cost")}</Table.Th>
                </Table.Tr>
              </Table.Thead>
              <Table.Tbody>
                {pages.items.flatMap((customer) =>
                  customer.used.map((used, index) => (
                    <Table.Tr key={`${customer.customer_id} ${used.kind} ${used.platform}`}>
                      {index === 0 && (
                        <Table.Th scope="rowgroup" rowSpan={customer.used.length} fw={500} style={{ verticalAlign: "top" }}>
                          <Anchor component={Link} to={`/customers/${customer.customer_id}/usage?from=${month}-01&to=${lastDay}`} size="sm">
                            {customer.name}
                          </Anchor>
                        </Table.Th>
                      )}
                      <Table.Td>{kindName(used.kind, used.platform)}</Table.Td>
                      <Table.Td ta="right">{formatNumber(used.count)}</Table.Td>
                      <Table.Td ta="right">{formatNumber(used.input_tokens + used.output_tokens)}</Table.Td>
                      <Table.Td ta="right">{formatMoney(used.cost_microusd)}</Table.Td>
                    </Table.Tr>
                  )),
                )}
              </Table.Tbody>
            </Table>
          </Table.ScrollContainer>
        </Paper>
      )}
      {pages.hasNextPage && (
        <Button variant="default" loading={pages.isFetchingNextPage} onClick={() => void pages.fetchNextPage()} style={{ alignSelf: "center" }}>
          {common("more")}
        </Button>
      )}
      <Text size="xs" c="dimmed">
        {usage("utc")}
      </Text>
    </Stack>
  );
}
