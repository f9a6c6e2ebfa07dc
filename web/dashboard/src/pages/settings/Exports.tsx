import { Alert, Button, Code, Group, Stack, Text } from "@mantine/core";
import { IconDownload, IconPackageExport } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import { customerKey, data, fanfare, type Schemas } from "../../api";
import { Badged, type Look } from "../../components/Badged";
import { Confirm } from "../../components/Confirm";
import { Empty } from "../../components/Empty";
import { Records, usePages } from "../../components/Records";
import { When } from "../../components/When";
import { complain, useAct } from "../../lib/act";
import { download } from "../../lib/download";
import { formatBytes } from "../../lib/time";
import { useMe } from "../../shell/customer";
import type { Seen } from "./General";

type Export = Schemas["Export"];
const looks: Record<Export["state"], Look> = { queued: "waiting", running: "running", ready: "good", failed: "failed", expired: "off" };

/** Everything that the customer has, as a file; also of an archived customer. */
export function Exports({ customer }: { customer: Seen }) {
  const { t } = useTranslation("settings");
  const { t: common } = useTranslation();
  const me = useMe();
  const path = { customer_id: customer.id };
  const member = customer.role === "owner" || customer.role === "admin";
  const may = member || (customer.role === null && me?.system_role === "admin");
  const sees = may || (customer.role === null && me !== undefined && me.system_role !== null);
  const make = useAct(customer.id, () => data(fanfare.POST("/v1/customers/{customer_id}/exports", { params: { path } })), { done: () => t("exports.asked") });
  const remove = useAct(customer.id, (one: Export) => data(fanfare.DELETE("/v1/customers/{customer_id}/exports/{export_id}", { params: { path: { ...path, export_id: one.id } } })), { done: () => t("exports.deleted"), quiet: true });
  const save = (one: Export) =>
    void download(
      `${customer.name}-${one.created_at.slice(0, 10)}.zip`,
      () => fanfare.GET("/v1/customers/{customer_id}/exports/{export_id}/download", { params: { path: { ...path, export_id: one.id } }, parseAs: "stream" }),
      one.size_bytes ?? undefined,
    ).catch(complain);
  if (!sees) return <Alert color="gray">{t("exports.byAdmins")}</Alert>;
  const action = may && (
    <Button leftSection={<IconPackageExport size={16} aria-hidden />} loading={make.isPending} onClick={() => make.mutate(undefined)}>
      {t("exports.make")}
    </Button>
  );
  return (
    <Stack>
      <Text size="sm" maw={640}>
        {t("exports.text")}
      </Text>
      {action && <Group>{action}</Group>}
      <List customer={customer} save={save} remove={may ? (one) => remove.mutateAsync(one) : undefined} looks={looks} removeLabel={common("remove")} />
    </Stack>
  );
}

function List({ customer, save, remove, looks, removeLabel }: { customer: Seen; save: (one: Export) => void; remove: ((one: Export) => Promise<unknown>) | undefined; looks: Record<Export["state"], Look>; removeLabel: string }) {
  const { t } = useTranslation("settings");
  const pages = usePages<Export>([...customerKey(customer.id), "exports"], (cursor) => fanfare.GET("/v1/customers/{customer_id}/exports", { params: { path: { customer_id: customer.id }, query: { cursor, limit: 50 } } }));
  return (
    <Records<Export>
      label={t("tabs.exports")}
      pages={pages}
      rowKey={(one) => one.id}
      columns={[
        { title: t("exports.when"), cell: (one) => <When at={one.created_at} fw={500} /> },
        {
          title: t("exports.state"),
          cell: (one) => (
            <Stack gap={2} align="flex-start">
              <Badged look={looks[one.state]} word={t(`exports.states.${one.state}`)} />
              {one.problem !== null && <Text size="xs">{one.problem}</Text>}
            </Stack>
          ),
        },
        { title: t("exports.size"), align: "right", cell: (one) => (one.size_bytes === null ? "–" : formatBytes(one.size_bytes)) },
        { title: t("exports.until"), cell: (one) => (one.expires_at === null ? "–" : <When at={one.expires_at} />) },
        { title: "SHA-256", cell: (one) => (one.sha256 === null ? "–" : <Code style={{ overflowWrap: "anywhere" }}>{one.sha256.slice(0, 16)}…</Code>) },
      ]}
      actions={(one) => (
        <Group gap="xs" wrap="nowrap" justify="flex-end">
          {one.state === "ready" && (
            <Button size="compact-sm" leftSection={<IconDownload size={14} aria-hidden />} onClick={() => save(one)}>
              {t("exports.download")}
            </Button>
          )}
          {remove !== undefined && one.state !== "expired" && (
            <Confirm size="compact-sm" title={t("exports.delete.title")} text={t("exports.delete.text")} confirm={t("exports.delete.confirm")} act={() => remove(one)}>
              {removeLabel}
            </Confirm>
          )}
        </Group>
      )}
      empty={<Empty icon={IconPackageExport} title={t("exports.empty.title")} text={t("exports.empty.text")} />}
    />
  );
}
