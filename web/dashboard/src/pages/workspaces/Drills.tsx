import { Stack, Text } from "@mantine/core";
import { IconLifebuoy } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import { customerKey, fanfare, type Schemas } from "../../api";
import { Badged, type Look } from "../../components/Badged";
import { Empty } from "../../components/Empty";
import { Records, usePages } from "../../components/Records";
import { When } from "../../components/When";
import { formatBytes, formatNumber } from "../../lib/time";
import { useCustomerId } from "../../shell/customer";

type Drill = Schemas["Drill"];
const looks: Record<Drill["state"], Look> = { running: "running", good: "good", failed: "failed" };

/** Backups that were restored elsewhere and compared, to see that they can be. */
export function Drills() {
  const { t } = useTranslation("workspaces");
  const customerId = useCustomerId();
  const pages = usePages<Drill>([...customerKey(customerId), "drills"], (cursor) => fanfare.GET("/v1/customers/{customer_id}/drills", { params: { path: { customer_id: customerId }, query: { cursor, limit: 50 } } }));
  const last = pages.items?.find((drill) => drill.finished_at !== null);
  return (
    <Stack>
      <Text size="sm" maw={640}>
        {t("drills.text")}
      </Text>
      {last !== undefined && last.finished_at !== null && (
        <Text size="sm">
          {t("drills.last")} <When at={last.finished_at} relative />: {t(`drills.results.${last.state}`, { files: formatNumber(last.files ?? 0), bytes: formatBytes(last.bytes ?? 0), differences: formatNumber(last.differences ?? 0) })}
        </Text>
      )}
      <Records<Drill>
        label={t("tabs.drills")}
        pages={pages}
        rowKey={(drill) => drill.id}
        columns={[
          { title: t("restores.when"), cell: (drill) => <When at={drill.created_at} fw={500} /> },
          {
            title: t("state"),
            cell: (drill) => (
              <Stack gap={2} align="flex-start">
                <Badged look={looks[drill.state]} word={t(`drills.states.${drill.state}`)} />
                {drill.problem !== null && <Text size="xs">{drill.problem}</Text>}
              </Stack>
            ),
          },
          { title: t("drills.compared"), align: "right", cell: (drill) => (drill.files === null ? "–" : formatNumber(drill.files)) },
          { title: t("size"), align: "right", cell: (drill) => (drill.bytes === null ? "–" : formatBytes(drill.bytes)) },
          { title: t("drills.differences"), align: "right", cell: (drill) => (drill.differences === null ? "–" : formatNumber(drill.differences)) },
        ]}
        empty={<Empty icon={IconLifebuoy} title={t("drills.empty.title")} text={t("drills.empty.text")} />}
      />
    </Stack>
  );
}
