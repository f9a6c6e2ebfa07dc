import { Alert, Button, Fieldset, Group, Select, Stack, Switch, Textarea, TextInput } from "@mantine/core";
import { type FormEvent } from "react";
import { useTranslation } from "react-i18next";
import { changed, data, fanfare, FanfareError, queryClient, type Schemas } from "../../api";
import { BothVersions } from "../../components/Conflict";
import { LanguageSelect } from "../../components/LanguageSelect";
import { Problem } from "../../components/Problem";
import { useAct } from "../../lib/act";
import { useDraft } from "../../lib/draft";
import { trimmed } from "../../lib/name";
import { useMay } from "../../shell/customer";

export type Seen = Schemas["CustomerSeen"] & { etag: string };
const names = ["name", "description", "brand_voice", "audience", "language", "time_zone", "approval_required", "approver_role", "self_approval"] as const;
type Name = (typeof names)[number];
type Fields = Pick<Seen, Name>;
const roles = ["member", "admin", "owner"] as const;

function fieldsOf(seen: Fields): Fields {
  return Object.fromEntries(names.map((name) => [name, seen[name]])) as Fields;
}

/** What is typed, and the version that was there when it began. */
interface Draft {
  edited: Partial<Fields>;
  base: { etag: string; fields: Fields } | null;
}
const nothing: Draft = { edited: {}, base: null };

/** The customer itself: what agents and people write by, its clocks, and how posts are approved. */
export function General({ seen }: { seen: Seen }) {
  const { t } = useTranslation("settings");
  const { t: common } = useTranslation();
  const admin = useMay("admin");
  const mayApprove = useMay("viewer") && seen.may_approve && seen.archived_at === null;
  const draft = useDraft<Draft>(`settings.${seen.id}`, nothing);
  const { edited, base } = draft.value;
  const fields: Fields = { ...fieldsOf(seen), ...edited };
  const changes = names.filter((name) => name in edited && edited[name] !== seen[name]);
  const body = trimmed(Object.fromEntries(changes.map((name) => [name, edited[name]])) as Partial<Fields>);
  const save = useAct(seen.id, (etag: string) => data(fanfare.PATCH("/v1/customers/{customer_id}", { params: { path: { customer_id: seen.id }, header: { "If-Match": etag } }, body })), {
    done: () => common("saved"),
    quiet: true,
  });
  const send = (etag: string) =>
    save.mutate(etag, {
      onSuccess: () => {
        draft.set(nothing);
        draft.clear();
        void queryClient.invalidateQueries({ queryKey: ["customers"] });
      },
      onError: () => void changed(seen.id),
    });
  const forget = () => {
    draft.set(nothing);
    draft.clear();
    save.reset();
  };
  const set = <N extends Name>(name: N, value: Fields[N]) => draft.set((before) => ({ edited: { ...before.edited, [name]: value }, base: before.base ?? { etag: seen.etag, fields: fieldsOf(seen) } }));
  const conflict = save.error instanceof FanfareError && save.error.status === 412;
  const elsewhere = base !== null && base.etag !== seen.etag ? names.filter((name) => base.fields[name] !== seen[name]) : [];
  const submit = (event: FormEvent) => {
    event.preventDefault();
    send(base?.etag ?? seen.etag);
  };
  const differs = (conflict || elsewhere.length > 0) && changes.length > 0;
  const text = (name: "description" | "brand_voice" | "audience") => <Textarea label={t(`fields.${name}`)} description={t(`hints.${name}`)} autosize minRows={2} maxLength={10_000} readOnly={!admin} value={fields[name]} onChange={(event) => set(name, event.currentTarget.value)} />;
  return (
    <form onSubmit={submit}>
      <Stack maw={720} gap="lg">
        {!admin && seen.archived_at === null && <Alert color="gray">{t("byAdmins")}</Alert>}
        <Fieldset legend={t("who")} disabled={!admin}>
          <Stack>
            <TextInput label={common("name")} description={t("hints.name")} required minLength={1} maxLength={200} value={fields.name} onChange={(event) => set("name", event.currentTarget.value)} />
            {text("description")}
            {text("brand_voice")}
            {text("audience")}
          </Stack>
        </Fieldset>
        <Fieldset legend={t("where")} disabled={!admin}>
          <Stack>
            <LanguageSelect label={t("fields.language")} value={fields.language} onChange={(tag) => set("language", tag)} />
            <Select label={t("fields.time_zone")} description={t("hints.time_zone")} searchable allowDeselect={false} data={zones(fields.time_zone)} value={fields.time_zone} onChange={(zone) => set("time_zone", zone ?? fields.time_zone)} />
          </Stack>
        </Fieldset>
        <Fieldset legend={t("approval")} disabled={!mayApprove && !admin}>
          <Stack>
            <Switch label={t("fields.approval_required")} description={t("hints.approval_required")} checked={fields.approval_required} onChange={(event) => set("approval_required", event.currentTarget.checked)} />
            <Select label={t("fields.approver_role")} description={t("hints.approver_role")} allowDeselect={false} data={roles.map((value) => ({ value, label: common(`role.${value}`) }))} value={fields.approver_role} onChange={(value) => set("approver_role", value ?? fields.approver_role)} />
            <Switch label={t("fields.self_approval")} description={t("hints.self_approval")} checked={fields.self_approval} onChange={(event) => set("self_approval", event.currentTarget.checked)} />
          </Stack>
        </Fieldset>
        <BothVersions
          fields={differs ? [...new Set([...changes, ...elsewhere])].map((name) => ({ label: name === "name" ? common("name") : t(`fields.${name}`), theirs: seen[name], mine: fields[name] })) : undefined}
          busy={save.isPending}
          keepMine={() => send(seen.etag)}
          takeTheirs={forget}
        />
        {!differs && (
          <>
            {save.error !== null && <Problem error={save.error} />}
            {(admin || mayApprove) && (
              <Group justify="flex-end">
                {changes.length > 0 && (
                  <Button variant="default" onClick={forget}>
                    {common("discard")}
                  </Button>
                )}
                <Button type="submit" loading={save.isPending} disabled={changes.length === 0}>
                  {common("save")}
                </Button>
              </Group>
            )}
          </>
        )}
      </Stack>
    </form>
  );
}

function zones(current: string): string[] {
  const all = Intl.supportedValuesOf("timeZone");
  return all.includes(current) ? all : [current, ...all];
}
