import { Alert, Button, Code, Group, List, PasswordInput, Select, Stack, Text, TextInput } from "@mantine/core";
import { IconAlertCircle, IconCheck, IconClock, IconLogin2, IconPlus, IconTool } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { apiUrl, customerKey, data, fanfare, versioned, type Schemas } from "../../api";
import { Confirm } from "../../components/Confirm";
import { Empty } from "../../components/Empty";
import { Facts } from "../../components/Facts";
import { Mark } from "../../components/Mark";
import { Panel } from "../../components/Panel";
import { Problem } from "../../components/Problem";
import { Records, usePages } from "../../components/Records";
import { Skeletons } from "../../components/Skeletons";
import { When } from "../../components/When";
import { complain, useAct } from "../../lib/act";
import { trimmed } from "../../lib/name";
import { useCustomerId, useMay } from "../../shell/customer";
import { useAddress } from "../../lib/address";
import { EditForm, Form, useForm } from "../connect/form";

type Server = Schemas["MCPServer"];
const list = "/v1/customers/{customer_id}/spaces/{space_id}/mcp-servers";
const one = `${list}/{mcp_server_id}` as const;
const looks = { unchecked: ["gray", IconClock], connected: ["green", IconCheck], needs_login: ["violet", IconLogin2], failing: ["red", IconAlertCircle] } as const;

function Status({ server }: { server: Server }) {
  const { t } = useTranslation("spaces");
  const [color, icon] = looks[server.status];
  return (
    <Mark color={color} icon={icon}>
      {t(`servers.status.${server.status}`)}
    </Mark>
  );
}

/** The MCP servers whose tools the agents of a space may use. */
export function Servers({ spaceId }: { spaceId: string }) {
  const { t } = useTranslation("spaces");
  const { t: common } = useTranslation();
  const customerId = useCustomerId();
  const address = useAddress();
  const may = useMay("admin");
  const path = { customer_id: customerId, space_id: spaceId };
  const pages = usePages([...customerKey(customerId), "mcp-servers", spaceId], (cursor) => fanfare.GET(list, { params: { path, query: { cursor } } }));
  const opened = address.get("server");
  const add = may && (
    <Button variant="default" leftSection={<IconPlus size={16} aria-hidden />} onClick={() => address.set({ server: "new" })} style={{ alignSelf: "flex-start" }}>
      {t("servers.add")}
    </Button>
  );
  return (
    <Stack>
      <Text size="sm" c="dimmed" maw={640}>
        {t("servers.text")}
      </Text>
      {(pages.items?.length ?? 0) > 0 && add}
      <Records<Server>
        label={t("space.servers")}
        pages={pages}
        rowKey={(server) => server.id}
        open={(server) => address.set({ server: server.id })}
        columns={[
          { title: common("name"), cell: (server) => <Text size="sm" fw={500}>{server.name}</Text> },
          { title: t("servers.address"), cell: (server) => server.url },
          { title: t("state"), cell: (server) => <Status server={server} /> },
          { title: t("servers.checked"), cell: (server) => (server.checked_at === null ? "–" : <When at={server.checked_at} relative />) },
        ]}
        empty={<Empty icon={IconTool} title={t("servers.empty.title")} text={t("servers.empty.text")} action={add} />}
      />
      <Panel title={opened === "new" ? t("servers.add") : t("space.servers")} opened={opened !== ""} onClose={() => address.set({ server: "" })}>
        {opened === "new" ? may && <NewServer spaceId={spaceId} /> : <Details spaceId={spaceId} id={opened} close={() => address.set({ server: "" })} />}
      </Panel>
    </Stack>
  );
}

function NewServer({ spaceId }: { spaceId: string }) {
  const { t } = useTranslation("spaces");
  const { t: common } = useTranslation();
  const customerId = useCustomerId();
  const address = useAddress();
  const form = useForm({ name: "", url: "" });
  const add = useAct(customerId, () => data(fanfare.POST(list, { params: { path: { customer_id: customerId, space_id: spaceId } }, body: trimmed(form.value) })), { done: () => t("servers.added"), quiet: true });
  return (
    <Form label={common("add")} submit={() => add.mutate(undefined, { onSuccess: (server) => address.set({ server: server.id }) })} error={add.error} busy={add.isPending}>
      <TextInput label={common("name")} required maxLength={100} data-autofocus {...form.text("name")} />
      <TextInput label={t("servers.address")} description={t("servers.addressHint")} type="url" required maxLength={2048} {...form.text("url")} />
    </Form>
  );
}

function Details({ spaceId, id, close }: { spaceId: string; id: string; close: () => void }) {
  const { t } = useTranslation("spaces");
  const { t: common } = useTranslation();
  const customerId = useCustomerId();
  const may = useMay("admin");
  const mayCheck = useMay("member");
  const [form, setForm] = useState<"edit" | "token" | "client">();
  const path = { customer_id: customerId, space_id: spaceId, mcp_server_id: id };
  const query = useQuery({ enabled: id !== "", queryKey: [...customerKey(customerId), "mcp-server", id], queryFn: () => data(fanfare.GET(one, { params: { path } })), refetchInterval: (now) => (now.state.data?.status === "unchecked" ? 2000 : false) });
  const check = useAct(customerId, () => data(fanfare.POST(`${one}/check`, { params: { path } })), { done: () => t("servers.asked") });
  const signOut = useAct(customerId, (owner: "me" | "space") => data(fanfare.DELETE(`${one}/login`, { params: { path, query: { owner } } })), { done: () => t("servers.signedOut"), quiet: true });
  const remove = useAct(customerId, () => data(fanfare.DELETE(one, { params: { path } })), { done: () => t("servers.remove.done"), quiet: true });
  const signIn = (owner: "me" | "space") =>
    void data(fanfare.GET(`${one}/connect`, { params: { path, query: { owner, return_to: window.location.origin + window.location.pathname } } })).then(({ authorize_url }) => window.location.assign(authorize_url), complain);
  if (query.isError) return <Problem error={query.error} retry={() => void query.refetch()} />;
  if (query.data === undefined) return <Skeletons />;
  const server = query.data;
  const { credential, failure, server: info } = server;
  const own = credential?.owner === "me" ? "me" : credential?.owner === "space" ? "space" : undefined;
  const toggle = (which: "edit" | "token" | "client") => setForm((now) => (now === which ? undefined : which));
  return (
    <Stack>
      <Group gap="xs">
        <Text component="h2" size="lg" fw={600} m={0}>
          {server.name}
        </Text>
        <Status server={server} />
      </Group>
      {failure !== undefined && (
        <Alert color="red" icon={<IconAlertCircle aria-hidden />} title={t("servers.failure")}>
          {failure.message} {failure.code !== "" && <Code>{failure.code}</Code>}
        </Alert>
      )}
      <Facts
        facts={[
          [t("servers.address"), server.url],
          [t("servers.checked"), server.checked_at === null ? null : <When at={server.checked_at} relative />],
          [t("servers.login"), server.login === null ? null : t(`servers.logins.${server.login}`)],
          [t("servers.access"), credential === undefined ? null : t(`servers.loginOwner.${credential.owner}`)],
          [t("servers.accessUntil"), credential?.expires_at ? <When key="until" at={credential.expires_at} /> : null],
          [t("servers.client"), server.has_client ? t("servers.hasClient") : null],
          [t("servers.calls"), info === undefined ? null : `${info.title || info.name} ${info.version}`],
          [t("servers.protocol"), info?.protocol],
        ]}
      />
      <Group gap="xs">
        {may && server.login === "oauth" && (
          <>
            <Button size="xs" onClick={() => signIn("space")}>
              {t("servers.signInSpace")}
            </Button>
            <Button size="xs" variant="default" onClick={() => signIn("me")}>
              {t("servers.signInMe")}
            </Button>
          </>
        )}
        {may && server.login === "token" && (
          <Button size="xs" onClick={() => toggle("token")} aria-expanded={form === "token"}>
            {t("servers.giveToken")}
          </Button>
        )}
        {mayCheck && (
          <Button size="xs" variant="default" loading={check.isPending} onClick={() => check.mutate(undefined)}>
            {t("servers.check")}
          </Button>
        )}
        {may && server.login === "oauth" && (
          <Button size="xs" variant="default" onClick={() => toggle("client")} aria-expanded={form === "client"}>
            {t("servers.giveClient")}
          </Button>
        )}
        {may && (
          <Button size="xs" variant="default" onClick={() => toggle("edit")} aria-expanded={form === "edit"}>
            {common("edit")}
          </Button>
        )}
        {may && own !== undefined && (
          <Confirm size="xs" title={t("servers.signOutTitle", { name: server.name })} text={t("servers.signOutText")} confirm={t("servers.signOut")} act={() => signOut.mutateAsync(own)}>
            {t("servers.signOut")}
          </Confirm>
        )}
        {may && (
          <Confirm
            size="xs"
            title={t("servers.remove.title", { name: server.name })}
            text={t("servers.remove.text")}
            confirm={common("remove")}
            act={async () => {
              close();
              await remove.mutateAsync(undefined);
            }}
          >
            {common("remove")}
          </Confirm>
        )}
      </Group>
      {form === "token" && <GiveToken path={path} done={() => setForm(undefined)} />}
      {form === "client" && <GiveClient path={path} done={() => setForm(undefined)} />}
      {form === "edit" && (
        <EditForm
          id={`server ${id}`}
          load={() => versioned(fanfare.GET(one, { params: { path } }))}
          values={(now) => ({ name: now.name, url: now.url })}
          words={{ name: common("name"), url: t("servers.address") }}
          save={(changes, etag) => data(fanfare.PATCH(one, { params: { path, header: { "If-Match": etag } }, body: trimmed(changes) }))}
          done={() => setForm(undefined)}
        >
          {(edit) => (
            <>
              <TextInput label={common("name")} required maxLength={100} {...edit.text("name")} />
              <TextInput label={t("servers.address")} description={t("servers.other")} type="url" required maxLength={2048} {...edit.text("url")} />
            </>
          )}
        </EditForm>
      )}
      {info?.tools !== undefined && (
        <Stack gap="xs">
          <Text component="h3" size="md" fw={600} m={0}>
            {t("servers.tools")}
          </Text>
          <Text size="sm" c="dimmed">
            {t("servers.toolsHint")} {info.more_tools && t("servers.moreTools")}
          </Text>
          <List size="sm" spacing={6}>
            {info.tools.map((tool) => (
              <List.Item key={tool.name}>
                <Text span inherit fw={500}>
                  {tool.title || tool.name}
                </Text>
                {tool.read_only && (
                  <Text span inherit c="dimmed">
                    {" "}
                    ({t("servers.readOnly")})
                  </Text>
                )}
                <Text size="sm" style={{ overflowWrap: "anywhere" }}>
                  {tool.description}
                </Text>
              </List.Item>
            ))}
          </List>
        </Stack>
      )}
    </Stack>
  );
}

type Path = { customer_id: string; space_id: string; mcp_server_id: string };

function GiveToken({ path, done }: { path: Path; done: () => void }) {
  const { t } = useTranslation("spaces");
  const { t: common } = useTranslation();
  const form = useForm<{ owner: "me" | "space"; token: string }>({ owner: "space", token: "" });
  const give = useAct(path.customer_id, () => data(fanfare.PUT(`${one}/login`, { params: { path }, body: form.value })), { done: () => t("servers.tokenGiven"), quiet: true });
  return (
    <Form label={common("save")} submit={() => give.mutate(undefined, { onSuccess: done })} error={give.error} busy={give.isPending}>
      <Select label={t("servers.tokenOwner")} data={(["space", "me"] as const).map((value) => ({ value, label: t(`servers.loginOwner.${value}`) }))} value={form.value.owner} allowDeselect={false} onChange={(owner) => owner !== null && form.set("owner", owner)} />
      <PasswordInput label={t("servers.token")} description={t("servers.tokenHint")} required minLength={8} maxLength={8000} autoComplete="off" {...form.text("token")} />
    </Form>
  );
}

function GiveClient({ path, done }: { path: Path; done: () => void }) {
  const { t } = useTranslation("spaces");
  const { t: common } = useTranslation();
  const form = useForm({ client_id: "", client_secret: "" });
  const give = useAct(path.customer_id, () => data(fanfare.PUT(`${one}/client`, { params: { path }, body: form.value })), { done: () => t("servers.clientGiven"), quiet: true });
  return (
    <Form label={common("save")} submit={() => give.mutate(undefined, { onSuccess: done })} error={give.error} busy={give.isPending}>
      <Text size="sm">
        {t("servers.clientText")} <Code>{`${apiUrl}/v1/oauth/mcp/callback`}</Code>
      </Text>
      <TextInput label={t("servers.clientId")} required maxLength={4000} autoComplete="off" {...form.text("client_id")} />
      <PasswordInput label={`${t("servers.clientSecret")} (${common("optional")})`} maxLength={4000} autoComplete="off" {...form.text("client_secret")} />
    </Form>
  );
}
