import { Autocomplete, Button, Code, CopyButton, Group, Menu, Paper, Select, Stack, Table, Text, TextInput } from "@mantine/core";
import { IconDownload, IconFilterOff, IconListSearch } from "@tabler/icons-react";
import { useState, type FormEvent } from "react";
import { useTranslation } from "react-i18next";
import { Temporal } from "temporal-polyfill";
import type { Page as ApiPage, Schemas } from "../api";
import { complain } from "../lib/act";
import { dayOf, idOf, useAddress } from "../lib/address";
import { viewerZone } from "../lib/time";
import { useCustomer } from "../shell/customer";
import { Empty } from "./Empty";
import { Facts } from "./Facts";
import { Panel } from "./Panel";
import { Records, usePages } from "./Records";
import { When } from "./When";

type AuditEntry = Schemas["AuditEntry"];
const actorKinds = ["", "user", "key", "agent", "worker", "database", "nobody"] as const;
type ActorKind = Exclude<(typeof actorKinds)[number], "">;

/** What the API chooses entries by. */
interface AuditFilters {
  since?: string;
  until?: string;
  actor_id?: string;
  actor_kind?: ActorKind;
  action?: string;
  resource_type?: string;
  resource_id?: string;
}

/** Somebody who may have done something. */
export interface Actor {
  id: string;
  name: string;
}

function beginning(date: string | undefined, zone: string, after = 0): string | undefined {
  return date === undefined ? undefined : Temporal.PlainDate.from(date).add({ days: after }).toZonedDateTime(zone).toInstant().toString();
}

/** An audit log: what happened, who did it, and what it changed, by filters that are in the address. */
export function AuditLog({
  queryKey,
  load,
  actors,
  save,
}: {
  queryKey: readonly unknown[];
  load: (filters: AuditFilters, cursor: string | undefined) => Promise<{ data?: ApiPage<AuditEntry> | undefined }>;
  actors: Actor[];
  /** Saves all entries that the filters choose as a file. */
  save?: (filters: AuditFilters, format: "ndjson" | "csv", days: { from: string | undefined; to: string | undefined }) => Promise<unknown>;
}) {
  const { t } = useTranslation("audit");
  const zone = useCustomer()?.time_zone ?? viewerZone;
  const { get, one, set } = useAddress();
  const from = dayOf(get("from"));
  const to = dayOf(get("to"));
  const kind = one("kind", actorKinds);
  const filters: AuditFilters = Object.fromEntries(
    Object.entries({
      since: beginning(from, zone),
      until: beginning(to, zone, 1),
      actor_id: idOf(get("actor")),
      actor_kind: kind === "" ? undefined : kind,
      action: get("action").slice(0, 100) || undefined,
      resource_type: get("type").slice(0, 100) || undefined,
      resource_id: get("id").slice(0, 200) || undefined,
    }).filter(([, value]) => value !== undefined),
  );
  const pages = usePages<AuditEntry>([...queryKey, filters], (cursor) => load(filters, cursor));
  const opened = pages.items?.find((entry) => entry.id === get("entry"));
  const words = useWords(actors);
  const filtered = Object.keys(filters).length > 0;
  const clear = () => set({ from: undefined, to: undefined, kind: undefined, actor: undefined, action: undefined, type: undefined, id: undefined });
  const seen = (of: (entry: AuditEntry) => string) => [...new Set((pages.items ?? []).map(of))].sort();
  const actorChoices = [{ value: "", label: t("anybody") }, ...actors.map((actor) => ({ value: actor.id, label: actor.name }))];
  if (filters.actor_id !== undefined && !actors.some((actor) => actor.id === filters.actor_id)) actorChoices.push({ value: filters.actor_id, label: filters.actor_id });
  return (
    <Stack>
      <Group gap="sm" align="flex-end">
        <TextInput type="date" label={t("from")} value={from ?? ""} max={to} onChange={(event) => set({ from: event.currentTarget.value })} />
        <TextInput type="date" label={t("to")} value={to ?? ""} min={from} onChange={(event) => set({ to: event.currentTarget.value })} />
        <Select label={t("who")} w={200} searchable allowDeselect={false} data={actorChoices} value={filters.actor_id ?? ""} onChange={(value) => set({ actor: value ?? undefined })} />
        <Select label={t("kindOfActor")} w={170} allowDeselect={false} data={actorKinds.map((value) => ({ value, label: value === "" ? t("anyKind") : t(`kinds.${value}`) }))} value={kind} onChange={(value) => set({ kind: value ?? undefined })} />
        <Typed label={t("action")} placeholder={t("example", { value: "post.update" })} value={get("action")} choices={seen((entry) => entry.action)} onChange={(action) => set({ action })} />
        <Typed label={t("resourceType")} placeholder={t("example", { value: "post" })} value={get("type")} choices={[...new Set([...resources, ...seen((entry) => entry.resource_type)])].sort()} onChange={(type) => set({ type })} />
        <Typed label={t("resourceId")} placeholder={t("example", { value: "01a2091e…" })} value={get("id")} choices={[]} onChange={(id) => set({ id })} />
        {filtered && (
          <Button variant="subtle" leftSection={<IconFilterOff size={16} aria-hidden />} onClick={clear}>
            {t("clear")}
          </Button>
        )}
        {save !== undefined && <Save save={(format) => save(filters, format, { from, to })} />}
      </Group>
      <Records<AuditEntry>
        label={t("title")}
        pages={pages}
        rowKey={(entry) => entry.id}
        open={(entry) => set({ entry: entry.id }, true)}
        columns={[
          {
            title: t("what"),
            cell: (entry) => (
              <Text size="sm" fw={500}>
                {words.what(entry)}
              </Text>
            ),
          },
          { title: t("who"), cell: (entry) => words.who(entry) },
          { title: t("changed"), cell: (entry) => <Summary entry={entry} /> },
          { title: t("when"), cell: (entry) => <When at={entry.occurred_at} style={{ whiteSpace: "nowrap" }} /> },
        ]}
        empty={
          filtered ? (
            <Empty
              icon={IconFilterOff}
              title={t("nothing.title")}
              text={t("nothing.text")}
              action={
                <Button variant="default" onClick={clear}>
                  {t("clear")}
                </Button>
              }
            />
          ) : (
            <Empty icon={IconListSearch} title={t("empty.title")} text={t("empty.text")} />
          )
        }
      />
      <Panel title={opened === undefined ? "" : words.what(opened)} opened={opened !== undefined} onClose={() => set({ entry: undefined })}>
        {opened !== undefined && <Detail entry={opened} who={words.who(opened)} />}
      </Panel>
    </Stack>
  );
}

/** A filter that is typed: it holds once the field is left or Enter is pressed. */
function Typed({ label, placeholder, value, choices, onChange }: { label: string; placeholder: string; value: string; choices: string[]; onChange: (value: string) => void }) {
  const [typed, setTyped] = useState<string>();
  const commit = (next = typed) => {
    if (next !== undefined && next.trim() !== value) onChange(next.trim());
    setTyped(undefined);
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    commit();
  };
  return (
    <form onSubmit={submit}>
      <Autocomplete label={label} placeholder={placeholder} w={190} data={choices} value={typed ?? value} onChange={setTyped} onOptionSubmit={(choice) => commit(choice)} onBlur={() => commit()} autoComplete="off" spellCheck={false} />
    </form>
  );
}

function Save({ save }: { save: (format: "ndjson" | "csv") => Promise<unknown> }) {
  const { t } = useTranslation("audit");
  const [busy, setBusy] = useState(false);
  const run = (format: "ndjson" | "csv") => {
    setBusy(true);
    save(format)
      .catch(complain)
      .finally(() => setBusy(false));
  };
  return (
    <Menu>
      <Menu.Target>
        <Button variant="default" leftSection={<IconDownload size={16} aria-hidden />} loading={busy}>
          {t("export")}
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Item onClick={() => run("csv")}>{t("csv")}</Menu.Item>
        <Menu.Item onClick={() => run("ndjson")}>{t("ndjson")}</Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}

const verbs = ["create", "update", "delete", "access", "credential_use", "use", "refuse", "export", "reveal", "erase", "restore", "archive"] as const;
const resources = [
  "agent_token",
  "api_key",
  "audit_log",
  "authorization",
  "backup",
  "bot",
  "campaign",
  "chat_identity",
  "credential",
  "customer",
  "email_template",
  "erasure",
  "export",
  "file",
  "integration",
  "invitation",
  "llm_budget",
  "mcp_server",
  "media",
  "member",
  "memory",
  "message",
  "old_credential",
  "pairing",
  "platform_post",
  "post",
  "post_review",
  "queue_slot",
  "rate_limit",
  "recurring_post",
  "request",
  "restore",
  "space",
  "system_role",
  "user",
  "webhook",
  "workspace",
  "workspace_policy",
] as const;

/** What entries say, in words. */
function useWords(actors: Actor[]) {
  const { t } = useTranslation("audit");
  return {
    what: (entry: AuditEntry) => {
      const verb = verbs.find((known) => entry.action.endsWith(`.${known}`));
      const subject = entry.action.split(".")[0] ?? "";
      const resource = resources.find((known) => known === subject) ?? resources.find((known) => known === entry.resource_type);
      return verb === undefined || resource === undefined ? entry.action : `${t(`resources.${resource}`)}: ${t(`verbs.${verb}`)}`;
    },
    who: (entry: AuditEntry) => {
      const name = actors.find((actor) => actor.id === entry.actor_id)?.name;
      if (name !== undefined) return entry.system_role === null ? name : `${name} (${t("systemRole")})`;
      if (entry.actor_kind === "database") return `${t("kinds.database")}${entry.database_role === null ? "" : `: ${entry.database_role}`}`;
      if (entry.actor_kind === "user") return entry.system_role === null ? t("former") : t("systemRole");
      return t(`kinds.${entry.actor_kind}`);
    },
  };
}

interface Change {
  field: string;
  from?: unknown;
  to?: unknown;
  /** It changed, and nobody is told from what to what. */
  secret: boolean;
}

/** The fields that an entry changed; its other details have no before. */
function changesOf(entry: AuditEntry): Change[] {
  const changes: unknown = entry.changes;
  if (typeof changes !== "object" || changes === null || Array.isArray(changes)) return [];
  return Object.entries(changes as Record<string, unknown>).map(([field, value]) => {
    if (typeof value !== "object" || value === null || Array.isArray(value)) return { field, to: value, secret: false };
    const change = value as Record<string, unknown>;
    if (change.changed === true && !("to" in change)) return { field, secret: true };
    if (!("from" in change) && !("to" in change)) return { field, to: value, secret: false };
    return { field, from: change.from, to: change.to, secret: false };
  });
}

function written(value: unknown): string {
  if (value === undefined || value === null || value === "") return "–";
  return typeof value === "string" ? value : JSON.stringify(value);
}

function short(text: string): string {
  return text.length > 40 ? `${text.slice(0, 40)}…` : text;
}

function Summary({ entry }: { entry: AuditEntry }) {
  const { t } = useTranslation("audit");
  const changes = changesOf(entry);
  const first = changes[0];
  if (first === undefined) return null;
  const text = first.secret ? t("secret") : first.from === undefined || first.from === null ? short(written(first.to)) : `${short(written(first.from))} → ${short(written(first.to))}`;
  return (
    <Text size="sm" c="dimmed" lineClamp={2} style={{ overflowWrap: "anywhere" }}>
      {first.field}: {text}
      {changes.length > 1 && ` ${t("more", { count: changes.length - 1 })}`}
    </Text>
  );
}

function Detail({ entry, who }: { entry: AuditEntry; who: string }) {
  const { t } = useTranslation("audit");
  const { t: common } = useTranslation();
  const { set } = useAddress();
  const changes = changesOf(entry);
  const all = JSON.stringify(entry, null, 2);
  return (
    <Stack>
      <Facts
        facts={[
          [t("when"), <When key="when" at={entry.occurred_at} />],
          [t("who"), who],
          [t("kindOfActor"), t(`kinds.${entry.actor_kind}`)],
          [t("reason"), entry.reason],
        ]}
      />
      {changes.length > 0 && (
        <Paper withBorder>
          <Table.ScrollContainer minWidth={0} scrollAreaProps={{ viewportProps: { tabIndex: 0, role: "region", "aria-label": t("changed") } }}>
            <Table aria-label={t("changed")} verticalSpacing="xs" style={{ overflowWrap: "anywhere" }}>
              <Table.Thead>
                <Table.Tr>
                  <Table.Th>{t("field")}</Table.Th>
                  <Table.Th>{t("before")}</Table.Th>
                  <Table.Th>{t("after")}</Table.Th>
                </Table.Tr>
              </Table.Thead>
              <Table.Tbody>
                {changes.map((change) => (
                  <Table.Tr key={change.field} style={{ verticalAlign: "top" }}>
                    <Table.Th scope="row" fw={500}>
                      {change.field}
                    </Table.Th>
                    {change.secret ? (
                      <Table.Td colSpan={2}>{t("secret")}</Table.Td>
                    ) : (
                      <>
                        <Table.Td c="dimmed" style={{ whiteSpace: "pre-wrap" }}>
                          {written(change.from)}
                        </Table.Td>
                        <Table.Td style={{ whiteSpace: "pre-wrap" }}>{written(change.to)}</Table.Td>
                      </>
                    )}
                  </Table.Tr>
                ))}
              </Table.Tbody>
            </Table>
          </Table.ScrollContainer>
        </Paper>
      )}
      <Facts
        facts={[
          [t("action"), <Code key="action">{entry.action}</Code>],
          [t("operation"), entry.operation],
          [t("resourceType"), entry.resource_type],
          [t("resourceId"), entry.resource_id],
          [t("actorId"), entry.actor_id],
          [t("ip"), entry.ip],
          [t("userAgent"), entry.user_agent],
          [t("requestId"), entry.request_id],
          [t("entryId"), entry.id],
        ]}
      />
      <Group gap="xs">
        {entry.resource_id !== null && (
          <Button variant="default" onClick={() => set({ type: entry.resource_type, id: entry.resource_id ?? undefined, entry: undefined })}>
            {t("sameResource")}
          </Button>
        )}
        {entry.actor_id !== null && (
          <Button variant="default" onClick={() => set({ actor: entry.actor_id ?? undefined, entry: undefined })}>
            {t("sameActor")}
          </Button>
        )}
        <CopyButton value={all}>
          {({ copied, copy }) => (
            <Button variant="default" onClick={copy}>
              {copied ? common("copied") : common("copy")}
            </Button>
          )}
        </CopyButton>
      </Group>
    </Stack>
  );
}
