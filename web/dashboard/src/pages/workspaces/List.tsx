import { Progress, Stack, Text } from "@mantine/core";
import { IconFolder } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { customerKey, data, fanfare, versioned } from "../../api";
import { Badged } from "../../components/Badged";
import { Confirm } from "../../components/Confirm";
import { Empty } from "../../components/Empty";
import { Problem } from "../../components/Problem";
import { Records } from "../../components/Records";
import { Skeletons } from "../../components/Skeletons";
import { When } from "../../components/When";
import { useAct } from "../../lib/act";
import { useAddress } from "../../lib/address";
import { formatBytes, formatNumber } from "../../lib/time";
import { settings } from "../../settings";
import { useCustomerId, useMay } from "../../shell/customer";
import { useSees } from "../connect/access";
import { looks, useWorkspaceName, useWorkspaces, type Workspace } from "./names";

/** The workspaces, what is in them, and how they are. */
export function List() {
  const { t } = useTranslation("workspaces");
  const customerId = useCustomerId();
  const mayArchive = useMay("admin") && settings().backups;
  const { set } = useAddress();
  const name = useWorkspaceName();
  const workspaces = useWorkspaces();
  const archive = useAct(customerId, (workspace: Workspace) => data(fanfare.POST("/v1/customers/{customer_id}/workspaces/{workspace_id}/archive", { params: { path: { customer_id: customerId, workspace_id: workspace.id } } })), {
    done: () => t("archive.done"),
    quiet: true,
  });
  if (workspaces.isError) return <Problem error={workspaces.error} retry={() => void workspaces.refetch()} />;
  if (workspaces.data === undefined) return <Skeletons />;
  return (
    <Stack>
      <Quota />
      <Records<Workspace>
        label={t("title")}
        rows={workspaces.data}
        rowKey={(workspace) => workspace.id}
        open={(workspace) => set({ workspace: workspace.id }, true)}
        columns={[
          {
            title: t("workspace"),
            cell: (workspace) => (
              <Text size="sm" fw={500}>
                {name.of(workspace)}
              </Text>
            ),
          },
          {
            title: t("state"),
            cell: (workspace) => (
              <Stack gap={2} align="flex-start">
                <Badged look={workspace.problem === null ? looks[workspace.state] : "attention"} word={t(`states.${workspace.state}`)} />
                {workspace.problem !== null && <Text size="xs">{workspace.problem}</Text>}
                {workspace.announced_at !== null && workspace.state === "active" && (
                  <Text size="xs" c="dimmed">
                    {t("announced")} <When at={workspace.announced_at} relative />
                  </Text>
                )}
              </Stack>
            ),
          },
          { title: t("entries"), align: "right", cell: (workspace) => formatNumber(workspace.entries) },
          { title: t("size"), align: "right", cell: (workspace) => formatBytes(workspace.bytes) },
          { title: t("used"), cell: (workspace) => <When at={workspace.last_used_at} relative /> },
        ]}
        actions={
          mayArchive
            ? (workspace) =>
                workspace.state === "active" && (
                  <Confirm size="compact-sm" title={t("archive.title")} text={t("archive.text")} confirm={t("archive.confirm")} danger={false} act={() => archive.mutateAsync(workspace)}>
                    {t("archive.action")}
                  </Confirm>
                )
            : undefined
        }
        empty={<Empty icon={IconFolder} title={t("empty.title")} text={t("empty.text")} />}
      />
    </Stack>
  );
}

/** How much of what the files may take together is taken. */
export function Quota() {
  const { t } = useTranslation("workspaces");
  const policy = usePolicy().data;
  if (policy === undefined) return null;
  const share = policy.quota === 0 ? 100 : Math.min(100, (100 * policy.bytes) / policy.quota);
  return (
    <Stack gap={4} maw={480}>
      <Text size="sm">{t("quota", { bytes: formatBytes(policy.bytes), quota: formatBytes(policy.quota) })}</Text>
      <Progress value={share} color={share >= 90 ? "red" : "accent"} aria-label={t("quotaLabel")} />
    </Stack>
  );
}

/** How long workspaces are kept and how much they may hold, which only owners and admins are told. */
export function usePolicy() {
  const customerId = useCustomerId();
  return useQuery({ enabled: useSees(), queryKey: [...customerKey(customerId), "workspace-policy"], queryFn: () => versioned(fanfare.GET("/v1/customers/{customer_id}/workspace-policy", { params: { path: { customer_id: customerId } } })) });
}
