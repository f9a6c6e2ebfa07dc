import { Alert, Button, Group, Radio, SegmentedControl, Select, SimpleGrid, Paper, Stack, Switch, Text, TextInput } from "@mantine/core";
import { IconDatabaseExport, IconShieldCheck } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useState, type FormEvent } from "react";
import { useTranslation } from "react-i18next";
import { customerKey, data, fanfare, type Schemas } from "../../api";
import { Badged, type Look } from "../../components/Badged";
import { Empty } from "../../components/Empty";
import { Facts } from "../../components/Facts";
import { Panel } from "../../components/Panel";
import { Problem } from "../../components/Problem";
import { Records, usePages } from "../../components/Records";
import { When } from "../../components/When";
import { useAct } from "../../lib/act";
import { useAddress } from "../../lib/address";
import { formatBytes, formatNumber } from "../../lib/time";
import { useCustomerId, useMay } from "../../shell/customer";
import { useWorkspaceName, useWorkspaces } from "./names";

type Backup = Schemas["Backup"];

const backupLooks: Record<Backup["state"], Look> = { queued: "waiting", running: "running", ready: "good", failed: "failed" };

/** Backups of all files, and the way back from each. */
export function Backups() {
  const { t } = useTranslation("workspaces");
  const customerId = useCustomerId();
  const may = useMay("admin");
  const { get, set } = useAddress();
  const pages = usePages<Backup>([...customerKey(customerId), "backups"], (cursor) => fanfare.GET("/v1/customers/{customer_id}/backups", { params: { path: { customer_id: customerId }, query: { cursor, limit: 50 } } }));
  const make = useAct(customerId, (full: boolean) => data(fanfare.POST("/v1/customers/{customer_id}/backups", { params: { path: { customer_id: customerId } }, body: { full } })), { done: () => t("backups.asked") });
  const opened = pages.items?.find((backup) => backup.id === get("backup"));
  const action = may && (
    <Group gap="xs">
      <Button loading={make.isPending} onClick={() => make.mutate(false)}>
        {t("backups.make")}
      </Button>
      <Button variant="default" loading={make.isPending} onClick={() => make.mutate(true)}>
        {t("backups.makeFull")}
      </Button>
    </Group>
  );
  return (
    <Stack>
      <Text size="sm" maw={640}>
        {t("backups.text")}
      </Text>
      <Status />
      {action}
      <Records<Backup>
        label={t("tabs.backups")}
        pages={pages}
        rowKey={(backup) => backup.id}
        open={(backup) => set({ backup: backup.id }, true)}
        columns={[
          { title: t("backups.when"), cell: (backup) => <When at={backup.created_at} fw={500} /> },
          {
            title: t("state"),
            cell: (backup) => (
              <Stack gap={2} align="flex-start">
                <Badged look={backup.damaged_at === null ? backupLooks[backup.state] : "failed"} word={backup.damaged_at === null ? t(`backups.states.${backup.state}`) : t("backups.damaged")} />
                {backup.problem !== null && <Text size="xs">{backup.problem}</Text>}
              </Stack>
            ),
          },
          { title: t("backups.files"), align: "right", cell: (backup) => (backup.files === null ? "–" : formatNumber(backup.files)) },
          { title: t("size"), align: "right", cell: (backup) => (backup.bytes === null ? "–" : formatBytes(backup.bytes)) },
          { title: t("backups.by"), cell: (backup) => (backup.requested_by === null ? t("backups.night") : t("backups.person")) },
        ]}
        empty={<Empty icon={IconDatabaseExport} title={t("backups.empty.title")} text={t("backups.empty.text")} action={action} />}
      />
      <Panel title={t("backups.one")} opened={opened !== undefined} onClose={() => set({ backup: undefined })}>
        {opened !== undefined && <BackupDetail key={opened.id} backup={opened} />}
      </Panel>
    </Stack>
  );
}

function Status() {
  const { t } = useTranslation("workspaces");
  const { t: common } = useTranslation();
  const customerId = useCustomerId();
  const status = useQuery({ queryKey: [...customerKey(customerId), "backup-status"], queryFn: () => data(fanfare.GET("/v1/customers/{customer_id}/backup-status", { params: { path: { customer_id: customerId } } })) });
  if (status.isError) return <Problem error={status.error} retry={() => void status.refetch()} />;
  if (status.data === undefined) return null;
  const { enabled, last_good_at: good, last_failed_at: failed, last_good_drill_at: drill, last_failed_drill_at: drillFailed } = status.data;
  if (!enabled) return <Alert color="orange">{t("backups.disabled")}</Alert>;
  const broken = failed !== null && (good === null || failed > good);
  const unproven = drillFailed !== null && (drill === null || drillFailed > drill);
  return (
    <SimpleGrid cols={{ base: 1, sm: 2 }}>
      <Paper withBorder p="md">
        <Group gap="sm" wrap="nowrap" align="flex-start">
          <Badged look={broken ? "failed" : good === null ? "waiting" : "good"} word={t("backups.lastGood")} />
          <Text size="sm">{good === null ? common("never") : <When at={good} relative />}</Text>
        </Group>
        {broken && (
          <Text size="sm" mt="xs">
            {t("backups.lastFailed")} <When at={failed} relative />
          </Text>
        )}
      </Paper>
      <Paper withBorder p="md">
        <Group gap="sm" wrap="nowrap" align="flex-start">
          <Badged look={unproven ? "failed" : drill === null ? "waiting" : "good"} word={t("backups.lastDrill")} />
          <Text size="sm">{drill === null ? common("never") : <When at={drill} relative />}</Text>
        </Group>
        {unproven && (
          <Text size="sm" mt="xs">
            {t("backups.drillFailed")} <When at={drillFailed} relative />
          </Text>
        )}
      </Paper>
    </SimpleGrid>
  );
}

function BackupDetail({ backup }: { backup: Backup }) {
  const { t } = useTranslation("workspaces");
  const { t: common } = useTranslation();
  const may = useMay("admin");
  const count = (value: number | null) => (value === null ? null : formatNumber(value));
  const size = (value: number | null) => (value === null ? null : formatBytes(value));
  return (
    <Stack gap="lg">
      <Group>
        <Badged look={backupLooks[backup.state]} word={t(`backups.states.${backup.state}`)} />
      </Group>
      {backup.problem !== null && (
        <Alert color="red" title={backup.damaged_at === null ? t("backups.why") : t("backups.damaged")}>
          {backup.problem}
        </Alert>
      )}
      <Facts
        facts={[
          [t("backups.when"), <When key="created" at={backup.created_at} />],
          [t("backups.finished"), backup.finished_at === null ? null : <When key="finished" at={backup.finished_at} />],
          [t("backups.kind"), backup.full ? t("backups.full") : t("backups.changes")],
          [t("backups.files"), count(backup.files)],
          [t("size"), size(backup.bytes)],
          [t("backups.stored"), size(backup.stored_bytes)],
          [t("backups.leftOut"), backup.left_out === 0 ? null : count(backup.left_out)],
          [t("backups.unstable"), backup.unstable === 0 ? null : count(backup.unstable)],
          [common("details"), backup.id],
        ]}
      />
      {may && backup.state === "ready" && <PlanForm backup={backup} />}
    </Stack>
  );
}

/** What to put back, and where to. It only makes a plan. */
function PlanForm({ backup }: { backup: Backup }) {
  const { t } = useTranslation("workspaces");
  const customerId = useCustomerId();
  const { set } = useAddress();
  const workspaces = useWorkspaces().data ?? [];
  const name = useWorkspaceName();
  const [what, setWhat] = useState<"all" | "workspace" | "path">("all");
  const [workspaceId, setWorkspaceId] = useState<string | null>(null);
  const [path, setPath] = useState("");
  const [where, setWhere] = useState<"same" | "elsewhere">("same");
  const [place, setPlace] = useState<string | null>(null);
  const [directory, setDirectory] = useState(`restored-${backup.created_at.slice(0, 10)}`);
  const [exact, setExact] = useState(false);
  const choices = workspaces.map((workspace) => ({ value: workspace.id, label: name.of(workspace) }));
  const elsewhere = where === "elsewhere";
  const plan = useAct(
    customerId,
    () =>
      data(
        fanfare.POST("/v1/customers/{customer_id}/backups/{backup_id}/restores", {
          params: { path: { customer_id: customerId, backup_id: backup.id } },
          body: {
            ...(what === "all" || workspaceId === null ? {} : { workspace_id: workspaceId }),
            ...(what === "path" ? { path: path.trim() } : {}),
            ...(elsewhere && place !== null ? { to: { workspace_id: place, path: directory.trim() } } : {}),
            ...(exact && !elsewhere ? { exact } : {}),
          },
        }),
      ),
    { quiet: true },
  );
  const submit = (event: FormEvent) => {
    event.preventDefault();
    plan.mutate(undefined, { onSuccess: (restore) => set({ tab: "restores", backup: undefined, restore: restore.id }, true) });
  };
  return (
    <form onSubmit={submit}>
      <Stack>
        <Text fw={600}>{t("plan.title")}</Text>
        <Text size="sm" c="dimmed">
          {t("plan.text")}
        </Text>
        <Radio.Group label={t("plan.what")} value={what} onChange={(value) => setWhat(value)}>
          <Stack gap={6} mt={6}>
            <Radio value="all" label={t("plan.all")} />
            <Radio value="workspace" label={t("plan.workspace")} />
            <Radio value="path" label={t("plan.path")} />
          </Stack>
        </Radio.Group>
        {what !== "all" && <Select label={t("workspace")} required data={choices} value={workspaceId} onChange={setWorkspaceId} />}
        {what === "path" && <TextInput label={t("plan.pathLabel")} required maxLength={1024} value={path} onChange={(event) => setPath(event.currentTarget.value)} />}
        <Stack gap={4}>
          <Text size="sm" fw={500} id="plan-where">
            {t("plan.where")}
          </Text>
          <SegmentedControl
            aria-labelledby="plan-where"
            value={where}
            onChange={(value) => setWhere(value)}
            data={[
              { value: "same", label: t("plan.same") },
              { value: "elsewhere", label: t("plan.elsewhere") },
            ]}
          />
        </Stack>
        {elsewhere ? (
          <>
            <Select label={t("plan.place")} required data={choices} value={place} onChange={setPlace} />
            <TextInput label={t("plan.directory")} description={t("plan.directoryHint")} required maxLength={1024} value={directory} onChange={(event) => setDirectory(event.currentTarget.value)} />
          </>
        ) : (
          <Switch label={t("plan.exact")} description={t("plan.exactHint")} checked={exact} onChange={(event) => setExact(event.currentTarget.checked)} />
        )}
        {plan.error !== null && <Problem error={plan.error} />}
        <Group justify="flex-end">
          <Button type="submit" leftSection={<IconShieldCheck size={16} aria-hidden />} loading={plan.isPending}>
            {t("plan.action")}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
