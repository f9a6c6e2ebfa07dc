import { Alert, Badge, Button, Group, Paper, Skeleton, Stack, Table, Text } from "@mantine/core";
import { IconRestore } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { changed, customerKey, data, fanfare, versioned, type Schemas } from "../../api";
import { Badged, type Look } from "../../components/Badged";
import { Confirm } from "../../components/Confirm";
import { Empty } from "../../components/Empty";
import { Facts } from "../../components/Facts";
import { Panel } from "../../components/Panel";
import { Problem } from "../../components/Problem";
import { Records, usePages } from "../../components/Records";
import { When } from "../../components/When";
import { useAct } from "../../lib/act";
import { idOf, useAddress } from "../../lib/address";
import { formatBytes, formatNumber } from "../../lib/time";
import { useCustomerId, useMay } from "../../shell/customer";
import { useWorkspaceName, useWorkspaces } from "./names";

type Restore = Schemas["Restore"];

const looks: Record<Restore["state"], Look> = { planning: "running", planned: "attention", queued: "waiting", running: "running", applying: "running", done: "good", failed: "failed" };
const moving: Restore["state"][] = ["planning", "queued", "running", "applying"];

/** Files put back from backups: plans, and what came of them. */
export function Restores() {
  const { t } = useTranslation("workspaces");
  const customerId = useCustomerId();
  const { get, set } = useAddress();
  const what = useWhat();
  const pages = usePages<Restore>([...customerKey(customerId), "restores"], (cursor) => fanfare.GET("/v1/customers/{customer_id}/restores", { params: { path: { customer_id: customerId }, query: { cursor, limit: 50 } } }));
  const opened = idOf(get("restore"));
  return (
    <Stack>
      <Text size="sm" maw={640}>
        {t("restores.text")}
      </Text>
      <Records<Restore>
        label={t("tabs.restores")}
        pages={pages}
        rowKey={(restore) => restore.id}
        open={(restore) => set({ restore: restore.id }, true)}
        columns={[
          {
            title: t("restores.what"),
            cell: (restore) => (
              <Text size="sm" fw={500}>
                {what(restore)}
              </Text>
            ),
          },
          {
            title: t("state"),
            cell: (restore) => (
              <Stack gap={2} align="flex-start">
                <Badged look={looks[restore.state]} word={t(`restores.states.${restore.state}`)} />
                {restore.problem !== null && <Text size="xs">{restore.problem}</Text>}
              </Stack>
            ),
          },
          { title: t("restores.when"), cell: (restore) => <When at={restore.finished_at ?? restore.created_at} relative /> },
        ]}
        empty={
          <Empty
            icon={IconRestore}
            title={t("restores.empty.title")}
            text={t("restores.empty.text")}
            action={<Button onClick={() => set({ tab: "backups" }, true)}>{t("restores.empty.action")}</Button>}
          />
        }
      />
      <Panel title={t("restores.one")} opened={opened !== undefined} onClose={() => set({ restore: undefined })} size="xl">
        {opened !== undefined && <RestoreDetail key={opened} restoreId={opened} close={() => set({ restore: undefined })} />}
      </Panel>
    </Stack>
  );
}

/** What a restore puts back. */
function useWhat() {
  const { t } = useTranslation("workspaces");
  const workspaces = useWorkspaces().data;
  const name = useWorkspaceName();
  const workspaceName = (id: string) => {
    const found = workspaces?.find((workspace) => workspace.id === id);
    return found === undefined ? id : name.of(found);
  };
  return (restore: Restore) => {
    const from = restore.workspace_id === null ? t("plan.all") : workspaceName(restore.workspace_id);
    const part = restore.path === null ? from : `${from}: ${restore.path}`;
    return restore.to === null ? part : `${part} → ${workspaceName(restore.to.workspace_id)}: ${restore.to.path}`;
  };
}

function RestoreDetail({ restoreId, close }: { restoreId: string; close: () => void }) {
  const { t } = useTranslation("workspaces");
  const { t: common } = useTranslation();
  const customerId = useCustomerId();
  const may = useMay("admin");
  const what = useWhat();
  const path = { customer_id: customerId, restore_id: restoreId };
  const restore = useQuery({
    queryKey: [...customerKey(customerId), "restores", restoreId],
    queryFn: () => versioned(fanfare.GET("/v1/customers/{customer_id}/restores/{restore_id}", { params: { path } })),
    refetchInterval: (query) => (query.state.data !== undefined && moving.includes(query.state.data.state) ? 2000 : false),
  });
  const start = async (etag: string) => {
    await data(fanfare.POST("/v1/customers/{customer_id}/restores/{restore_id}/start", { params: { path, header: { "If-Match": etag } } }));
    await changed(customerId);
  };
  const forget = useAct(customerId, (etag: string) => data(fanfare.DELETE("/v1/customers/{customer_id}/restores/{restore_id}", { params: { path, header: { "If-Match": etag } } })), { done: () => t("restores.forgotten") });
  if (restore.isError) return <Problem error={restore.error} retry={() => void restore.refetch()} />;
  const seen = restore.data;
  if (seen === undefined) return <Skeleton height={200} />;
  const plan = seen.plan;
  const changes = plan === null ? 0 : plan.create + plan.replace + plan.remove;
  return (
    <Stack>
      <Group>
        <Badged look={looks[seen.state]} word={t(`restores.states.${seen.state}`)} />
        {seen.exact && (
          <Badge variant="light" color="orange" tt="none">
            {t("plan.exact")}
          </Badge>
        )}
      </Group>
      <Text size="sm">{t(`restores.means.${seen.state}`)}</Text>
      {seen.problem !== null && (
        <Alert color="red" title={t("backups.why")}>
          {seen.problem}
        </Alert>
      )}
      <Facts
        facts={[
          [t("restores.what"), what(seen)],
          [t("restores.asked"), <When key="created" at={seen.created_at} />],
          [t("backups.finished"), seen.finished_at === null ? null : <When key="finished" at={seen.finished_at} />],
          ...(plan === null
            ? []
            : ([
                [t("restores.create"), formatNumber(plan.create)],
                [t("restores.replace"), formatNumber(plan.replace)],
                [t("restores.remove"), formatNumber(plan.remove)],
                [t("restores.unchanged"), formatNumber(plan.unchanged)],
                [t("restores.kept"), plan.kept === 0 ? null : formatNumber(plan.kept)],
                [t("restores.bytes"), formatBytes(plan.bytes)],
              ] satisfies [string, string | null][])),
        ]}
      />
      {may && seen.state === "planned" && (
        <Group>
          {changes > 0 && (
            <Confirm
              variant="filled"
              title={t("restores.start.title")}
              text={t("restores.start.text", { create: formatNumber(plan?.create ?? 0), replace: formatNumber(plan?.replace ?? 0), remove: formatNumber(plan?.remove ?? 0) })}
              confirm={t("restores.start.action")}
              danger={(plan?.replace ?? 0) + (plan?.remove ?? 0) > 0}
              act={() => start(seen.etag)}
            >
              {t("restores.start.action")}
            </Confirm>
          )}
          <Button variant="default" loading={forget.isPending} onClick={() => forget.mutate(seen.etag, { onSuccess: close })}>
            {t("restores.forget")}
          </Button>
        </Group>
      )}
      {plan !== null && changes === 0 && <Alert color="green">{t("restores.nothing")}</Alert>}
      {plan !== null && plan.changes.length > 0 && (
        <Paper withBorder>
          <Table.ScrollContainer minWidth={0} mah={480} scrollAreaProps={{ viewportProps: { tabIndex: 0, role: "region", "aria-label": t("restores.changes") } }}>
            <Table stickyHeader verticalSpacing={4} aria-label={t("restores.changes")}>
              <Table.Thead>
                <Table.Tr>
                  <Table.Th>{t("files.path")}</Table.Th>
                  <Table.Th>{t("restores.change")}</Table.Th>
                  <Table.Th ta="right">{t("size")}</Table.Th>
                </Table.Tr>
              </Table.Thead>
              <Table.Tbody>
                {plan.changes.map((change, index) => (
                  <Table.Tr key={index}>
                    <Table.Td style={{ overflowWrap: "anywhere" }}>
                      {change.path}
                      <Text size="xs" c="dimmed">
                        <Source source={change.source} />
                      </Text>
                    </Table.Td>
                    <Table.Td>
                      <Badge variant="light" tt="none" color={change.action === "remove" ? "red" : change.action === "replace" ? "orange" : "green"}>
                        {t(`restores.${change.action}`)}
                      </Badge>
                    </Table.Td>
                    <Table.Td ta="right">{formatBytes(change.bytes)}</Table.Td>
                  </Table.Tr>
                ))}
              </Table.Tbody>
            </Table>
          </Table.ScrollContainer>
        </Paper>
      )}
      {plan !== null && changes > plan.changes.length && (
        <Text size="sm" c="dimmed">
          {t("restores.first", { shown: formatNumber(plan.changes.length), all: formatNumber(changes) })}
        </Text>
      )}
      <Text size="xs" c="dimmed">
        {common("details")}: {seen.id}
      </Text>
    </Stack>
  );
}

/** Whose a changed file is. */
function Source({ source }: { source: string }) {
  const { t } = useTranslation("workspaces");
  const name = useWorkspaceName();
  if (source === "media") return t("media");
  return source.startsWith("spaces/") ? name.ofSpace(source.slice("spaces/".length)) : name.ofSpace(null);
}
