import { Badge, Group, NumberInput, Select, Stack, Text } from "@mantine/core";
import { IconFolder } from "@tabler/icons-react";
import { useNavigate } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import { fanfare, type Schemas } from "../../api";
import { Badged } from "../../components/Badged";
import { Empty } from "../../components/Empty";
import { Records, usePages } from "../../components/Records";
import { When } from "../../components/When";
import { useAddress } from "../../lib/address";
import { formatBytes, formatNumber } from "../../lib/time";
import { looks } from "../workspaces/names";

type Workspace = Schemas["WorkspaceOfCustomer"];
const states = ["", "new", "active", "archiving", "archived", "returning", "restoring", "deleted"] as const;

/** The workspaces of all customers: those first that were not used for the longest. */
export function AllWorkspaces() {
  const { t } = useTranslation("installation");
  const { t: words } = useTranslation("workspaces");
  const navigate = useNavigate();
  const { get, one, set } = useAddress();
  const state = one("state", states);
  const unused = /^\d{1,4}$/.test(get("unused")) ? Math.min(3650, Number(get("unused"))) : undefined;
  const pages = usePages<Workspace>(["installation", "workspaces", state, unused], (cursor) =>
    fanfare.GET("/v1/workspaces", { params: { query: { cursor, limit: 50, state: state === "" ? undefined : state, unused_days: unused } } }),
  );
  return (
    <Stack>
      <Group gap="sm" align="flex-end">
        <Select label={t("state")} w={220} allowDeselect={false} data={states.map((value) => ({ value, label: value === "" ? t("anyState") : words(`states.${value}`) }))} value={state} onChange={(value) => set({ state: value ?? undefined })} />
        <NumberInput label={t("workspaces.unused")} w={220} min={0} max={3650} allowDecimal={false} value={unused ?? ""} onChange={(value) => set({ unused: String(value) })} />
      </Group>
      <Records<Workspace>
        label={t("tabs.workspaces")}
        pages={pages}
        rowKey={(workspace) => workspace.id}
        open={(workspace) => void navigate({ href: `/customers/${workspace.customer_id}/workspaces?workspace=${workspace.id}` })}
        columns={[
          {
            title: t("usage.customer"),
            cell: (workspace) => (
              <Group gap="xs">
                <Text size="sm" fw={500}>
                  {workspace.customer_name}
                </Text>
                {workspace.legal_hold && (
                  <Badge variant="light" color="orange" tt="none">
                    {words("keeping.hold")}
                  </Badge>
                )}
              </Group>
            ),
          },
          { title: t("workspaces.whose"), cell: (workspace) => (workspace.space_id === null ? words("shared") : t("workspaces.space", { id: workspace.space_id.slice(-8) })) },
          {
            title: t("state"),
            cell: (workspace) => (
              <Stack gap={2} align="flex-start">
                <Badged look={workspace.problem === null ? looks[workspace.state] : "attention"} word={words(`states.${workspace.state}`)} />
                {workspace.problem !== null && <Text size="xs">{workspace.problem}</Text>}
              </Stack>
            ),
          },
          { title: words("entries"), align: "right", cell: (workspace) => formatNumber(workspace.entries) },
          { title: words("size"), align: "right", cell: (workspace) => formatBytes(workspace.archive_bytes ?? workspace.bytes) },
          { title: words("used"), cell: (workspace) => <When at={workspace.last_used_at} relative /> },
        ]}
        empty={<Empty icon={IconFolder} title={t("workspaces.empty.title")} text={t("workspaces.empty.text")} />}
      />
    </Stack>
  );
}
