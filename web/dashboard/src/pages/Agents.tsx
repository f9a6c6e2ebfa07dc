import { Button, Code, CopyButton, Group, Select, Stack, Tabs, Text, TextInput, Title } from "@mantine/core";
import { IconBan, IconCheck, IconClock, IconKey, IconPlus, IconRobot } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { apiUrl, customerKey, data, fanfare, versioned, type Schemas } from "../api";
import { Confirm } from "../components/Confirm";
import { Empty } from "../components/Empty";
import { Facts } from "../components/Facts";
import { Mark } from "../components/Mark";
import { Page } from "../components/Page";
import { Panel } from "../components/Panel";
import { Records, usePages } from "../components/Records";
import { Secret } from "../components/Secret";
import { When } from "../components/When";
import { useAct } from "../lib/act";
import { useCustomerId, useMay } from "../shell/customer";
import { useMayAsMember, useSees } from "./connect/access";
import { useAddress } from "../lib/address";
import { useNames } from "../lib/people";
import { Credentials } from "./connect/Credentials";
import { EditForm, Form, useForm } from "./connect/form";
import { agentPermissions, keyPermissions, Permissions, usePermissionWord } from "./connect/Permissions";

type Key = Schemas["APIKey"];
type Token = Schemas["AgentToken"];

/** What programs and AI agents work with: how they connect, their keys and tokens, and the language model. */
export default function Agents() {
  const { t } = useTranslation("agents");
  const address = useAddress();
  const sees = useSees();
  const tab = address.one("tab", ["connect", "keys", "tokens", "model"]);
  return (
    <Page title={t("title")} text={t("text")}>
      <Tabs value={tab} onChange={(next) => address.set({ tab: next === "connect" ? "" : (next ?? "") })} keepMounted={false}>
        <Tabs.List mb="md">
          <Tabs.Tab value="connect">{t("connect.title")}</Tabs.Tab>
          {sees && <Tabs.Tab value="keys">{t("keys.title")}</Tabs.Tab>}
          {sees && <Tabs.Tab value="tokens">{t("tokens.title")}</Tabs.Tab>}
          <Tabs.Tab value="model">{t("keysOf.title")}</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="connect">
          <HowTo toKeys={() => address.set({ tab: "keys" })} />
        </Tabs.Panel>
        <Tabs.Panel value="keys">{sees && <Keys />}</Tabs.Panel>
        <Tabs.Panel value="tokens">{sees && <Tokens />}</Tabs.Panel>
        <Tabs.Panel value="model">
          <Credentials />
        </Tabs.Panel>
      </Tabs>
    </Page>
  );
}

function Snippet({ label, text }: { label: string; text: string }) {
  const { t } = useTranslation();
  return (
    <Stack gap={4}>
      <Group justify="space-between">
        <Text size="sm" fw={500}>
          {label}
        </Text>
        <CopyButton value={text}>
          {({ copied, copy }) => (
            <Button size="compact-xs" variant="default" onClick={copy} aria-label={`${t("copy")}: ${label}`}>
              {copied ? t("copied") : t("copy")}
            </Button>
          )}
        </CopyButton>
      </Group>
      <Code block style={{ whiteSpace: "pre-wrap", overflowWrap: "anywhere" }}>
        {text}
      </Code>
    </Stack>
  );
}

/** How an AI agent connects over MCP. */
function HowTo({ toKeys }: { toKeys: () => void }) {
  const { t } = useTranslation("agents");
  const mayMake = useMayAsMember();
  const url = `${apiUrl}/mcp`;
  const config = { mcpServers: { fanfare: { type: "http", url, headers: { Authorization: "Bearer ${FANFARE_TOKEN}" } } } };
  return (
    <Stack maw={760}>
      <Text size="sm">{t("connect.text")}</Text>
      <Title order={2}>{t("connect.first")}</Title>
      <Text size="sm">{t("connect.firstText")}</Text>
      {mayMake && (
        <Button variant="light" leftSection={<IconKey size={16} aria-hidden />} style={{ alignSelf: "flex-start" }} onClick={toKeys}>
          {t("connect.toKeys")}
        </Button>
      )}
      <Title order={2}>{t("connect.second")}</Title>
      <Snippet label={t("connect.address")} text={url} />
      <Snippet label="Claude Code" text={`claude mcp add --transport http fanfare ${url} --header "Authorization: Bearer ffk_…"`} />
      <Snippet label={t("connect.config")} text={JSON.stringify(config, null, 2)} />
      <Title order={2}>{t("connect.third")}</Title>
      <Text size="sm">{t("connect.careful")}</Text>
    </Stack>
  );
}

/** The active spaces, by their id. */
function useSpaces() {
  const customerId = useCustomerId();
  return useQuery({ queryKey: [...customerKey(customerId), "spaces", "names"], queryFn: () => data(fanfare.GET("/v1/customers/{customer_id}/spaces", { params: { path: { customer_id: customerId }, query: { limit: 100 } } })) }).data?.items ?? [];
}

function SpaceSelect({ value, onChange }: { value: string; onChange: (value: string) => void }) {
  const { t } = useTranslation("agents");
  const spaces = useSpaces().filter((space) => space.state !== "ended");
  return (
    <Select
      label={t("space")}
      description={t("spaceHint")}
      data={[{ value: "", label: t("wholeCustomer") }, ...spaces.map((space) => ({ value: space.id, label: space.title === "" ? space.external_id : space.title }))]}
      value={value}
      allowDeselect={false}
      onChange={(next) => onChange(next ?? "")}
    />
  );
}

function useSpaceName(): (spaceId: string | null) => string {
  const { t } = useTranslation("agents");
  const spaces = useSpaces();
  return (spaceId) => {
    if (spaceId === null) return t("wholeCustomer");
    const space = spaces.find((one) => one.id === spaceId);
    return space === undefined || space.title === "" ? t("aSpace") : space.title;
  };
}

/** Whether a key or token works. */
function KeyState({ one }: { one: { revoked_at: string | null; expires_at: string | null } }) {
  const { t } = useTranslation("agents");
  const [now] = useState(() => Date.now());
  if (one.revoked_at !== null) return <Mark color="gray" icon={IconBan}>{t("states.revoked")}</Mark>;
  if (one.expires_at !== null && new Date(one.expires_at).getTime() < now) return <Mark color="gray" icon={IconClock}>{t("states.expired")}</Mark>;
  return <Mark color="green" icon={IconCheck}>{t("states.active")}</Mark>;
}

function Keys() {
  const { t } = useTranslation("agents");
  const { t: common } = useTranslation();
  const customerId = useCustomerId();
  const address = useAddress();
  const may = useMay("admin");
  const mayMake = useMayAsMember();
  const names = useNames();
  const pages = usePages([...customerKey(customerId), "api-keys"], (cursor) => fanfare.GET("/v1/customers/{customer_id}/api-keys", { params: { path: { customer_id: customerId }, query: { cursor } } }));
  const opened = address.get("key");
  const close = () => address.set({ key: "" });
  const key = pages.items?.find((one) => one.id === opened);
  const make = mayMake && (
    <Button leftSection={<IconPlus size={16} aria-hidden />} onClick={() => address.set({ key: "new" })} style={{ alignSelf: "flex-start" }}>
      {t("keys.new")}
    </Button>
  );
  return (
    <Stack>
      {(pages.items?.length ?? 0) > 0 && make}
      <Records<Key>
        label={t("keys.title")}
        pages={pages}
        rowKey={(one) => one.id}
        open={(one) => address.set({ key: one.id })}
        columns={[
          {
            title: common("name"),
            cell: (one) => (
              <div>
                <Text size="sm" fw={500}>
                  {one.name}
                </Text>
                <Text size="xs" c="dimmed" ff="monospace">
                  {one.prefix}…
                </Text>
              </div>
            ),
          },
          { title: t("state"), cell: (one) => <KeyState one={one} /> },
          { title: t("permissions"), cell: (one) => t("count", { count: one.permissions.length }) },
          { title: t("lastUsed"), cell: (one) => (one.last_used_at === null ? common("never") : <When at={one.last_used_at} relative />) },
          { title: t("expires"), cell: (one) => (one.expires_at === null ? common("never") : <When at={one.expires_at} date />) },
          { title: t("by"), cell: (one) => names(one.created_by) },
        ]}
        empty={<Empty icon={IconKey} title={t("keys.empty.title")} text={t("keys.empty.text")} action={make} />}
      />
      <Panel title={opened === "new" ? t("keys.new") : (key?.name ?? t("keys.one"))} opened={opened !== ""} onClose={close}>
        {opened === "new" ? mayMake && <NewKey /> : key !== undefined && <KeyDetails apiKey={key} may={may} />}
      </Panel>
    </Stack>
  );
}

function KeyDetails({ apiKey, may }: { apiKey: Key; may: boolean }) {
  const { t } = useTranslation("agents");
  const { t: common } = useTranslation();
  const customerId = useCustomerId();
  const names = useNames();
  const spaceName = useSpaceName();
  const word = usePermissionWord();
  const path = { customer_id: customerId, api_key_id: apiKey.id };
  const revoke = useAct(customerId, () => data(fanfare.DELETE("/v1/customers/{customer_id}/api-keys/{api_key_id}", { params: { path } })), { done: () => t("keys.revoked"), quiet: true });
  return (
    <Stack>
      <Facts
        facts={[
          [t("state"), <KeyState key="state" one={apiKey} />],
          [t("begins"), <Code key="prefix">{apiKey.prefix}…</Code>],
          [t("space"), spaceName(apiKey.space_id)],
          [t("permissions"), apiKey.permissions.map(word).join("; ")],
          [t("lastUsed"), apiKey.last_used_at === null ? common("never") : <When at={apiKey.last_used_at} />],
          [t("expires"), apiKey.expires_at === null ? common("never") : <When at={apiKey.expires_at} />],
          [t("by"), names(apiKey.created_by)],
          [t("since"), <When key="since" at={apiKey.created_at} />],
          [t("revokedAt"), apiKey.revoked_at === null ? null : <When at={apiKey.revoked_at} />],
        ]}
      />
      {may && apiKey.revoked_at === null && (
        <>
          <EditForm
            id={`key ${apiKey.id}`}
            load={() => versioned(fanfare.GET("/v1/customers/{customer_id}/api-keys/{api_key_id}", { params: { path } }))}
            values={(now) => ({ name: now.name })}
            words={{ name: common("name") }}
            save={(changes, etag) => data(fanfare.PATCH("/v1/customers/{customer_id}/api-keys/{api_key_id}", { params: { path, header: { "If-Match": etag } }, body: { name: changes.name?.trim() ?? "" } }))}
          >
            {(form) => <TextInput label={common("name")} required maxLength={200} {...form.text("name")} />}
          </EditForm>
          <Group>
            <Confirm title={t("keys.revoke.title", { name: apiKey.name })} text={t("keys.revoke.text")} confirm={t("revoke")} act={() => revoke.mutateAsync(undefined)}>
              {t("revoke")}
            </Confirm>
          </Group>
        </>
      )}
    </Stack>
  );
}

const lifetimes = ["30", "90", "365", ""] as const;

function NewKey() {
  const { t } = useTranslation("agents");
  const { t: common } = useTranslation();
  const customerId = useCustomerId();
  const form = useForm({ name: "", permissions: ["customer:read", "posts:read", "posts:write"] as Schemas["APIKeyCreate"]["permissions"], days: "90", space: "" });
  const make = useAct(
    customerId,
    () => {
      const { name, permissions, days, space } = form.value;
      const expires = days === "" ? null : new Date(Date.now() + Number(days) * 86_400_000).toISOString();
      return data(fanfare.POST("/v1/customers/{customer_id}/api-keys", { params: { path: { customer_id: customerId } }, body: { name: name.trim(), permissions, expires_at: expires, space_id: space === "" ? null : space } }));
    },
    { quiet: true },
  );
  if (make.data !== undefined)
    return (
      <Stack>
        <Text size="sm">{t("keys.made", { name: make.data.name })}</Text>
        <Secret value={make.data.key} />
        <Snippet label="Claude Code" text={`claude mcp add --transport http fanfare ${apiUrl}/mcp --header "Authorization: Bearer ${make.data.key}"`} />
      </Stack>
    );
  return (
    <Form label={t("keys.make")} submit={() => make.mutate(undefined)} error={make.error} busy={make.isPending} disabled={form.value.permissions.length === 0}>
      <Text size="sm">{t("keys.text")}</Text>
      <TextInput label={common("name")} description={t("keys.nameHint")} required maxLength={200} data-autofocus {...form.text("name")} />
      <SpaceSelect value={form.value.space} onChange={(space) => form.set("space", space)} />
      <Select label={t("expires")} data={lifetimes.map((days) => ({ value: days, label: days === "" ? common("never") : t("inDays", { count: Number(days) }) }))} value={form.value.days} allowDeselect={false} onChange={(days) => form.set("days", days ?? "90")} />
      <Permissions label={t("permissions")} description={t("permissionsHint")} all={keyPermissions} value={form.value.permissions} onChange={(value) => form.set("permissions", value)} />
    </Form>
  );
}

function Tokens() {
  const { t } = useTranslation("agents");
  const { t: common } = useTranslation();
  const customerId = useCustomerId();
  const address = useAddress();
  const may = useMay("admin");
  const mayMake = useMayAsMember();
  const names = useNames();
  const spaceName = useSpaceName();
  const pages = usePages([...customerKey(customerId), "agent-tokens"], (cursor) => fanfare.GET("/v1/customers/{customer_id}/agent-tokens", { params: { path: { customer_id: customerId }, query: { cursor } } }));
  const revoke = useAct(customerId, (id: string) => data(fanfare.DELETE("/v1/customers/{customer_id}/agent-tokens/{agent_token_id}", { params: { path: { customer_id: customerId, agent_token_id: id } } })), { done: () => t("tokens.revoked"), quiet: true });
  const [now] = useState(() => Date.now());
  const make = mayMake && (
    <Button leftSection={<IconPlus size={16} aria-hidden />} onClick={() => address.set({ token: "new" })} style={{ alignSelf: "flex-start" }}>
      {t("tokens.new")}
    </Button>
  );
  return (
    <Stack>
      {(pages.items?.length ?? 0) > 0 && make}
      <Records<Token>
        label={t("tokens.title")}
        pages={pages}
        rowKey={(token) => token.id}
        columns={[
          { title: common("name"), cell: (token) => <Text size="sm" fw={500}>{token.name}</Text> },
          { title: t("state"), cell: (token) => <KeyState one={token} /> },
          { title: t("space"), cell: (token) => spaceName(token.space_id) },
          { title: t("tokens.person"), cell: (token) => token.person ?? "–" },
          { title: t("expires"), cell: (token) => <When at={token.expires_at} relative /> },
          { title: t("by"), cell: (token) => (token.created_by === null ? t("tokens.byKey") : names(token.created_by)) },
        ]}
        actions={
          may
            ? (token) =>
                token.revoked_at === null && new Date(token.expires_at).getTime() > now ? (
                  <Confirm size="xs" title={t("tokens.revoke.title", { name: token.name })} text={t("tokens.revoke.text")} confirm={t("revoke")} act={() => revoke.mutateAsync(token.id)}>
                    {t("revoke")}
                  </Confirm>
                ) : null
            : undefined
        }
        empty={<Empty icon={IconRobot} title={t("tokens.empty.title")} text={t("tokens.empty.text")} action={make} />}
      />
      <Panel title={t("tokens.new")} opened={mayMake && address.get("token") !== ""} onClose={() => address.set({ token: "" })}>
        <NewToken />
      </Panel>
    </Stack>
  );
}

function NewToken() {
  const { t } = useTranslation("agents");
  const { t: common } = useTranslation();
  const customerId = useCustomerId();
  const form = useForm({ name: "", permissions: ["customer:read", "posts:read", "posts:write"] as Schemas["AgentTokenCreate"]["permissions"], minutes: "60", space: "", person: "" });
  const make = useAct(
    customerId,
    () => {
      const { name, permissions, minutes, space, person } = form.value;
      return data(
        fanfare.POST("/v1/customers/{customer_id}/agent-tokens", {
          params: { path: { customer_id: customerId } },
          body: { name: name.trim(), permissions, lifetime_seconds: Number(minutes) * 60, space_id: space === "" ? null : space, person: space === "" || person === "" ? null : person },
        }),
      );
    },
    { quiet: true },
  );
  if (make.data !== undefined)
    return (
      <Stack>
        <Text size="sm">
          {t("tokens.made")} <When at={make.data.expires_at} />
        </Text>
        <Secret value={make.data.token} />
      </Stack>
    );
  return (
    <Form label={t("tokens.make")} submit={() => make.mutate(undefined)} error={make.error} busy={make.isPending} disabled={form.value.permissions.length === 0}>
      <Text size="sm">{t("tokens.text")}</Text>
      <TextInput label={common("name")} description={t("tokens.nameHint")} required maxLength={200} data-autofocus {...form.text("name")} />
      <Select label={t("tokens.lifetime")} data={["5", "15", "60"].map((minutes) => ({ value: minutes, label: t("tokens.minutes", { count: Number(minutes) }) }))} value={form.value.minutes} allowDeselect={false} onChange={(minutes) => form.set("minutes", minutes ?? "60")} />
      <SpaceSelect value={form.value.space} onChange={(space) => form.set("space", space)} />
      {form.value.space !== "" && <TextInput label={`${t("tokens.person")} (${common("optional")})`} description={t("tokens.personHint")} maxLength={100} {...form.text("person")} />}
      <Permissions label={t("permissions")} description={t("permissionsHint")} all={agentPermissions} value={form.value.permissions} onChange={(value) => form.set("permissions", value)} />
    </Form>
  );
}
