import { Alert, Button, Fieldset, Group, Paper, Select, Stack, Switch, Text, Textarea, TextInput, Title } from "@mantine/core";
import { IconVersions } from "@tabler/icons-react";
import { type FormEvent } from "react";
import { useTranslation } from "react-i18next";
import { changed, data, fanfare, FanfareError, queryClient, type Schemas } from "../../api";
import { LanguageSelect } from "../../components/LanguageSelect";
import { Problem } from "../../components/Problem";
import { useAct } from "../../lib/act";
import { useDraft } from "../../lib/draft";
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
  const body = Object.fromEntries(changes.map((name) => [name, edited[name]]));
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
  const written = (name: Name, of: Fields) => (typeof of[name] === "boolean" ? (of[name] ? common("yes") : common("no")) : String(of[name]) || "–");
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
        {(conflict || elsewhere.length > 0) && changes.length > 0 ? (
          <Paper withBorder p="md" role="alert">
            <Stack gap="sm">
              <Group gap="xs">
                <IconVersions size={18} aria-hidden />
                <Title order={2}>{t("conflict.title")}</Title>
              </Group>
              <Text size="sm">{t("conflict.text")}</Text>
              {[...new Set([...changes, ...elsewhere])].map((name) => (
                <Stack key={name} gap={4}>
                  <Text size="sm" fw={600}>
                    {name === "name" ? common("name") : t(`fields.${name}`)}
                  </Text>
                  <Group grow align="flex-start" preventGrowOverflow={false}>
                    <Version title={t("conflict.there")} text={written(name, seen)} />
                    <Version title={t("conflict.yours")} text={written(name, fields)} />
                  </Group>
                </Stack>
              ))}
              <Group>
                <Button loading={save.isPending} onClick={() => send(seen.etag)}>
                  {t("conflict.saveMine")}
                </Button>
                <Button variant="default" onClick={forget}>
                  {t("conflict.takeTheirs")}
                </Button>
              </Group>
            </Stack>
          </Paper>
        ) : (
          <>
            {save.error !== null && <Problem error={save.error} />}
            {(admin || mayApprove) && (
              <Group justify="flex-end">
                {changes.length > 0 && (
                  <Button variant="default" onClick={forget}>
                    {t("discard")}
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

function Version({ title, text }: { title: string; text: string }) {
  return (
    <Stack gap={2} miw={200}>
      <Text size="xs" c="dimmed">
        {title}
      </Text>
      <Text size="sm" style={{ whiteSpace: "pre-wrap", overflowWrap: "anywhere" }}>
        {text}
      </Text>
    </Stack>
  );
}

function zones(current: string): string[] {
  const all = Intl.supportedValuesOf("timeZone");
  return all.includes(current) ? all : [current, ...all];
}
