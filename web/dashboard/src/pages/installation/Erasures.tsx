import { Group, Stack, Table, Text } from "@mantine/core";
import { IconTrashOff } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import { fanfare, type Schemas } from "../../api";
import { Badged, type Look } from "../../components/Badged";
import { Empty } from "../../components/Empty";
import { Facts } from "../../components/Facts";
import { Panel } from "../../components/Panel";
import { Records, usePages } from "../../components/Records";
import { When } from "../../components/When";
import { useAddress } from "../../lib/address";
import { formatNumber } from "../../lib/time";

export type Erasure = Schemas["Erasure"];
const looks: Record<Erasure["state"], Look> = { requested: "waiting", running: "running", finished: "good" };

/** Receipts of erasures: all that is left of customers that were erased. */
export function Erasures() {
  const { t } = useTranslation("installation");
  const { get, set } = useAddress();
  const pages = usePages<Erasure>(["erasures"], (cursor) => fanfare.GET("/v1/erasures", { params: { query: { cursor } } }));
  const opened = pages.items?.find((erasure) => erasure.id === get("entry"));
  return (
    <>
      <Records<Erasure>
        label={t("tabs.erasures")}
        pages={pages}
        rowKey={(erasure) => erasure.id}
        open={(erasure) => set({ entry: erasure.id }, true)}
        columns={[
          { title: t("erasures.customer"), cell: (erasure) => erasure.customer_id },
          { title: t("state"), cell: (erasure) => <Badged look={looks[erasure.state]} word={t(`erasures.states.${erasure.state}`)} /> },
          { title: t("erasures.requested"), cell: (erasure) => <When at={erasure.requested_at} /> },
          { title: t("erasures.finished"), cell: (erasure) => (erasure.finished_at === null ? "–" : <When at={erasure.finished_at} />) },
        ]}
        empty={<Empty icon={IconTrashOff} title={t("erasures.empty.title")} text={t("erasures.empty.text")} />}
      />
      <Panel title={t("erasures.receipt")} opened={opened !== undefined} onClose={() => set({ entry: undefined })}>
        {opened !== undefined && <Receipt erasure={opened} />}
      </Panel>
    </>
  );
}

function Receipt({ erasure }: { erasure: Erasure }) {
  const { t } = useTranslation("installation");
  const rows = Object.entries(erasure.rows).filter(([, count]) => count > 0);
  return (
    <Stack>
      <Group>
        <Badged look={looks[erasure.state]} word={t(`erasures.states.${erasure.state}`)} />
      </Group>
      <Facts
        facts={[
          [t("erasures.id"), erasure.id],
          [t("erasures.customer"), erasure.customer_id],
          [t("erasures.by"), erasure.requested_by],
          [t("erasures.requested"), <When key="requested" at={erasure.requested_at} />],
          [t("erasures.finished"), erasure.finished_at === null ? null : <When key="finished" at={erasure.finished_at} />],
          [t("erasures.files"), formatNumber(erasure.files)],
        ]}
      />
      {rows.length > 0 && (
        <Table aria-label={t("erasures.rows")}>
          <Table.Thead>
            <Table.Tr>
              <Table.Th>{t("erasures.table")}</Table.Th>
              <Table.Th ta="right">{t("erasures.rows")}</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {rows.map(([table, count]) => (
              <Table.Tr key={table}>
                <Table.Td>{table}</Table.Td>
                <Table.Td ta="right">{formatNumber(count)}</Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      )}
      <Text size="sm" c="dimmed">
        {t("erasures.keep")}
      </Text>
    </Stack>
  );
}
