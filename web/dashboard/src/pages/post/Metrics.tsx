import { Group, Paper, Stack, Table, Text, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { data, fanfare } from "../../api";
import { Platform } from "../../components/Platform";
import { Problem } from "../../components/Problem";
import { Skeletons } from "../../components/Skeletons";
import { When } from "../../components/When";
import { formatNumber } from "../../lib/time";
import type { Account, Versioned } from "../compose/model";
import { postKey } from "../compose/saver";

const numbers = ["impressions", "reach", "likes", "comments", "shares", "clicks"] as const;

/** How the post did on each account. */
export function Metrics({ customerId, post, accounts }: { customerId: string; post: Versioned; accounts: ReadonlyMap<string, Account> }) {
  const { t } = useTranslation("posts");
  const metrics = useQuery({
    queryKey: [...postKey(customerId, post.id), "metrics"],
    queryFn: () => data(fanfare.GET("/v1/customers/{customer_id}/posts/{post_id}/metrics", { params: { path: { customer_id: customerId, post_id: post.id } } })),
  });
  const out = metrics.data?.platform_posts.filter((one) => post.platform_posts.some((other) => other.id === one.platform_post_id && other.state === "published"));
  return (
    <Stack gap="sm" component="section" aria-labelledby="metrics-title">
      <Title order={2} id="metrics-title">
        {t("metrics.title")}
      </Title>
      {metrics.isError && <Problem error={metrics.error} retry={() => void metrics.refetch()} />}
      {metrics.isPending && <Skeletons rows={2} />}
      {out?.map((one) => (
        <Paper key={one.platform_post_id} withBorder p="md">
          <Stack gap="xs">
            <Group justify="space-between" gap="xs">
              <Platform platform={one.platform} name={accounts.get(one.integration_id)?.name ?? true} />
              <Text size="xs" c="dimmed">
                {one.latest !== undefined && <>{t("metrics.asOf")} <When at={one.latest.measured_at} relative /></>} {one.next_at !== null && <>{t("metrics.next")} <When at={one.next_at} relative /></>}
              </Text>
            </Group>
            {one.latest === undefined ? (
              <Text size="sm" c="dimmed">
                {t("metrics.none")}
              </Text>
            ) : (
              <Table.ScrollContainer minWidth={0} scrollAreaProps={{ viewportProps: { tabIndex: 0, role: "region", "aria-label": t("metrics.title") } }}>
                <Table style={{ fontVariantNumeric: "tabular-nums" }}>
                  <Table.Thead>
                    <Table.Tr>
                      <Table.Th>{t("metrics.day")}</Table.Th>
                      {numbers.map((name) => (
                        <Table.Th key={name} ta="right">
                          {t(`metrics.${name}`)}
                        </Table.Th>
                      ))}
                    </Table.Tr>
                  </Table.Thead>
                  <Table.Tbody>
                    {[...one.days].reverse().slice(0, 14).map((day) => (
                      <Table.Tr key={day.day}>
                        <Table.Td style={{ whiteSpace: "nowrap" }}>{day.day}</Table.Td>
                        {numbers.map((name) => (
                          <Table.Td key={name} ta="right">
                            {day[name] === null ? "–" : formatNumber(day[name])}
                          </Table.Td>
                        ))}
                      </Table.Tr>
                    ))}
                  </Table.Tbody>
                </Table>
              </Table.ScrollContainer>
            )}
          </Stack>
        </Paper>
      ))}
    </Stack>
  );
}
