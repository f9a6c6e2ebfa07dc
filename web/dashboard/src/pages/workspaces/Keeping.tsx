import { Alert, Button, Group, NumberInput, Stack, Switch, Text, Textarea } from "@mantine/core";
import { IconLock } from "@tabler/icons-react";
import { useState, type FormEvent } from "react";
import { useTranslation } from "react-i18next";
import { changed, data, fanfare, FanfareError, type Schemas } from "../../api";
import { BothVersions } from "../../components/Conflict";
import { Facts } from "../../components/Facts";
import { Problem } from "../../components/Problem";
import { Reason } from "../../components/Reason";
import { Skeletons } from "../../components/Skeletons";
import { useAct } from "../../lib/act";
import { formatBytes } from "../../lib/time";
import { useCustomer, useCustomerId, useMay, useMe } from "../../shell/customer";
import { Quota, usePolicy } from "./List";

type Policy = Schemas["WorkspacePolicy"] & { etag: string };
type Update = Schemas["WorkspacePolicyUpdate"];
const MB = 1_000_000;

/** How long unused workspaces are kept, how much they may hold, and the legal hold. Owners change it; the quota is for system admins. */
export function Keeping() {
  const { t } = useTranslation("workspaces");
  const policy = usePolicy();
  if (policy.isError) return <Problem error={policy.error} retry={() => void policy.refetch()} />;
  if (policy.data === undefined) return <Skeletons rows={3} />;
  return (
    <Stack gap="lg" maw={640}>
      <Text size="sm">{t("keeping.text", { unused: policy.data.unused_days, notice: policy.data.notice_days, archive: policy.data.archive_days })}</Text>
      {policy.data.legal_hold && (
        <Alert color="orange" icon={<IconLock aria-hidden />} title={t("keeping.held")}>
          {policy.data.hold_reason}
          {policy.data.hold_locked && <Text size="sm">{t("keeping.locked")}</Text>}
        </Alert>
      )}
      <Quota />
      <Change policy={policy.data} />
    </Stack>
  );
}

interface Fields {
  unused_days: number | string;
  archive_days: number | string;
  quota: number | string;
  legal_hold: boolean;
  hold_reason: string;
}

function fieldsOf(policy: Policy): Fields {
  return { unused_days: policy.unused_days, archive_days: policy.archive_days, quota: policy.quota / MB, legal_hold: policy.legal_hold, hold_reason: policy.hold_reason ?? "" };
}

function Change({ policy }: { policy: Policy }) {
  const { t } = useTranslation("workspaces");
  const { t: common } = useTranslation();
  const customerId = useCustomerId();
  const customer = useCustomer();
  const owner = useMay("owner");
  const admin = useMe()?.system_role === "admin" && customer?.archived_at === null;
  const [seen, setSeen] = useState(policy);
  const [edited, setEdited] = useState<Partial<Fields>>({});
  const fields: Fields = { ...fieldsOf(policy), ...edited };
  const set = (change: Partial<Fields>) => {
    if (Object.keys(edited).length === 0) setSeen(policy);
    setEdited((before) => ({ ...before, ...change }));
  };
  const body: Update = {
    ...(edited.unused_days === undefined ? {} : { unused_days: edited.unused_days === "" ? null : Number(edited.unused_days) }),
    ...(edited.archive_days === undefined ? {} : { archive_days: edited.archive_days === "" ? null : Number(edited.archive_days) }),
    ...(edited.quota === undefined ? {} : { quota: edited.quota === "" ? null : Math.round(Number(edited.quota) * MB) }),
    ...(edited.legal_hold === undefined ? {} : { legal_hold: edited.legal_hold }),
    ...(edited.legal_hold === true || (edited.hold_reason !== undefined && fields.legal_hold) ? { legal_hold: true, hold_reason: fields.hold_reason } : {}),
  };
  const save = useAct(customerId, (etag: string) => data(fanfare.PATCH("/v1/customers/{customer_id}/workspace-policy", { params: { path: { customer_id: customerId }, header: { "If-Match": etag } }, body })), { done: () => common("saved"), quiet: true });
  const conflict = save.error instanceof FanfareError && save.error.status === 412;
  const send = (etag: string) => save.mutate(etag, { onSuccess: () => setEdited({}), onError: () => void changed(customerId) });
  if (!owner && !admin)
    return (
      <Facts
        facts={[
          [t("keeping.unused"), t("keeping.days", { count: policy.unused_days })],
          [t("keeping.archive"), t("keeping.days", { count: policy.archive_days })],
          [t("keeping.quota"), formatBytes(policy.quota)],
          [t("keeping.hold"), policy.legal_hold ? common("yes") : common("no")],
          [common("details"), t("keeping.byOwners")],
        ]}
      />
    );
  const needsReason = edited.quota !== undefined || customer?.role === null;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    send(seen.etag);
  };
  const shown = (value: Fields[keyof Fields]) => (typeof value === "number" ? String(value) : value);
  const labels: Record<keyof Fields, string> = { unused_days: t("keeping.unused"), archive_days: t("keeping.archive"), quota: t("keeping.quota"), legal_hold: t("keeping.hold"), hold_reason: t("keeping.holdReason") };
  return (
    <form onSubmit={submit}>
      <Stack>
        <NumberInput label={t("keeping.unused")} description={t("keeping.unusedHint")} min={1} max={3650} allowDecimal={false} disabled={!owner} value={fields.unused_days} onChange={(unused_days) => set({ unused_days })} />
        <NumberInput label={t("keeping.archive")} description={t("keeping.archiveHint")} min={1} max={3650} allowDecimal={false} disabled={!owner} value={fields.archive_days} onChange={(archive_days) => set({ archive_days })} />
        <NumberInput label={t("keeping.quota")} description={admin ? t("keeping.quotaHint") : t("keeping.quotaByAdmins")} min={0} decimalScale={6} thousandSeparator=" " disabled={!admin} value={fields.quota} onChange={(quota) => set({ quota })} />
        <Switch label={t("keeping.hold")} description={t("keeping.holdHint")} disabled={!owner || (policy.hold_locked && !admin)} checked={fields.legal_hold} onChange={(event) => set({ legal_hold: event.currentTarget.checked })} />
        {fields.legal_hold && <Textarea label={t("keeping.holdReason")} required maxLength={1000} autosize disabled={!owner || (policy.hold_locked && !admin)} value={fields.hold_reason} onChange={(event) => set({ hold_reason: event.currentTarget.value })} />}
        {needsReason && <Reason />}
        <BothVersions
          fields={conflict ? (Object.keys(edited) as (keyof Fields)[]).map((name) => ({ label: labels[name], theirs: shown(fieldsOf(policy)[name]), mine: shown(fields[name]) })) : undefined}
          busy={save.isPending}
          keepMine={() => send(policy.etag)}
          takeTheirs={() => {
            setEdited({});
            save.reset();
          }}
        />
        {!conflict && save.error !== null && <Problem error={save.error} />}
        {!conflict && (
          <Group justify="flex-end">
            {policy.own && owner && Object.keys(edited).length === 0 && (
              <Button variant="default" onClick={() => set({ unused_days: "", archive_days: "" })}>
                {t("keeping.defaults")}
              </Button>
            )}
            <Button type="submit" loading={save.isPending} disabled={Object.keys(edited).length === 0}>
              {common("save")}
            </Button>
          </Group>
        )}
      </Stack>
    </form>
  );
}
