import { Alert, Button, Group, Stack, Tabs, Text, TextInput } from "@mantine/core";
import { IconArrowLeft, IconUsers } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useParams } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import { customerKey, data, fanfare, versioned, type Schemas } from "../api";
import { Confirm } from "../components/Confirm";
import { Empty } from "../components/Empty";
import { Facts } from "../components/Facts";
import { Page } from "../components/Page";
import { Platform } from "../components/Platform";
import { Problem } from "../components/Problem";
import { Records, usePages } from "../components/Records";
import { Skeletons } from "../components/Skeletons";
import { When } from "../components/When";
import { useAct } from "../lib/act";
import { formatTime, viewerZone } from "../lib/time";
import { useCustomer, useCustomerId, useMay } from "../shell/customer";
import { useSees } from "./connect/access";
import { useAddress } from "../lib/address";
import { useNames } from "../lib/people";
import { ConnectResult } from "./connect/ConnectResult";
import { Credentials } from "./connect/Credentials";
import { EditForm } from "./connect/form";
import { chatPermissions, Permissions, usePermissionWord } from "./connect/Permissions";
import { Memories } from "./space/Memories";
import { Messages } from "./space/Messages";
import { Servers } from "./space/Servers";
import { SpaceState } from "./spaces/SpaceState";

type SpaceRecord = Schemas["Space"];
const one = "/v1/customers/{customer_id}/spaces/{space_id}";

/** A chat of the customer: its people, what was said and is remembered, its keys and its servers. */
export default function Space() {
  const { t } = useTranslation("spaces");
  const customerId = useCustomerId();
  const params: { spaceId?: string } = useParams({ strict: false });
  const spaceId = params.spaceId ?? "";
  const address = useAddress();
  const sees = useSees();
  const space = useQuery({ queryKey: [...customerKey(customerId), "space", spaceId], queryFn: () => data(fanfare.GET(one, { params: { path: { customer_id: customerId, space_id: spaceId } } })) });
  const back = (
    <Button renderRoot={(props) => <Link {...props} to="/customers/$customerId/spaces" params={{ customerId }} />} variant="default" leftSection={<IconArrowLeft size={16} aria-hidden />}>
      {t("title")}
    </Button>
  );
  if (space.isError)
    return (
      <Page title={t("space.one")} actions={back}>
        <Problem error={space.error} retry={() => void space.refetch()} />
      </Page>
    );
  if (space.data === undefined)
    return (
      <Page title={t("space.one")} actions={back}>
        <Skeletons />
      </Page>
    );
  const server = address.get("mcp_server");
  const tab = server !== "" && address.get("tab") === "" ? "servers" : address.one("tab", ["about", "people", "messages", "memories", "keys", "servers"]);
  const title = space.data.title === "" ? space.data.external_id : space.data.title;
  return (
    <Page title={title} actions={back}>
      <Group gap="sm">
        <Platform platform={space.data.platform} name />
        <Text size="sm">{t(`kind.${space.data.kind}`)}</Text>
        <SpaceState space={space.data} />
      </Group>
      <ConnectResult name="" />
      <Tabs value={tab} onChange={(next) => address.set({ tab: next ?? "", q: "", server: "", mcp_server: "" })} keepMounted={false}>
        <Tabs.List mb="md">
          <Tabs.Tab value="about">{t("space.about")}</Tabs.Tab>
          {sees && <Tabs.Tab value="people">{t("space.people")}</Tabs.Tab>}
          {sees && <Tabs.Tab value="messages">{t("space.messages")}</Tabs.Tab>}
          {sees && <Tabs.Tab value="memories">{t("space.memories")}</Tabs.Tab>}
          <Tabs.Tab value="keys">{t("space.keys")}</Tabs.Tab>
          <Tabs.Tab value="servers">{t("space.servers")}</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="about">
          <About space={space.data} title={title} />
        </Tabs.Panel>
        <Tabs.Panel value="people">{sees && <People spaceId={spaceId} />}</Tabs.Panel>
        <Tabs.Panel value="messages">{sees && <Messages spaceId={spaceId} />}</Tabs.Panel>
        <Tabs.Panel value="memories">{sees && <Memories spaceId={spaceId} />}</Tabs.Panel>
        <Tabs.Panel value="keys">
          <Credentials spaceId={spaceId} />
        </Tabs.Panel>
        <Tabs.Panel value="servers">
          <Servers spaceId={spaceId} />
        </Tabs.Panel>
      </Tabs>
    </Page>
  );
}

function About({ space, title }: { space: SpaceRecord; title: string }) {
  const { t } = useTranslation("spaces");
  const customerId = useCustomerId();
  const customer = useCustomer();
  const navigate = useNavigate();
  const may = useMay("admin");
  const names = useNames();
  const word = usePermissionWord();
  const path = { customer_id: customerId, space_id: space.id };
  const release = useAct(customerId, () => data(fanfare.DELETE(one, { params: { path } })), { done: () => t("space.release.done"), quiet: true });
  const live = space.state !== "ended";
  return (
    <Stack maw={760}>
      {space.unreachable_at !== null && live && <Alert color="orange">{t("space.unreachable", { when: formatTime(space.unreachable_at, customer?.time_zone ?? viewerZone) })}</Alert>}
      {space.ended_because !== null && <Alert color="gray">{t(`space.ended.${space.ended_because}`)}</Alert>}
      {space.move_requested_at !== null && live && <Alert color="violet">{t("space.wanted")}</Alert>}
      <Facts
        facts={[
          [t("pairedBy"), names(space.paired_by)],
          [t("since"), <When key="since" at={space.created_at} />],
          [t("space.endedAt"), space.ended_at === null ? null : <When at={space.ended_at} />],
          [t("space.id"), space.external_id],
          [t("space.bot"), space.bot],
          [t("permissions"), may && live ? null : space.permissions.map(word).join("; ")],
        ]}
      />
      {may && live && (
        <>
          <EditForm
            id={`space ${space.id}`}
            load={() => versioned(fanfare.GET(one, { params: { path } }))}
            values={(now) => ({ title: now.title, permissions: now.permissions })}
            words={{ title: t("space.name"), permissions: t("permissions") }}
            save={(changes, etag) => data(fanfare.PATCH(one, { params: { path, header: { "If-Match": etag } }, body: changes.title === undefined ? changes : { ...changes, title: changes.title.trim() } }))}
          >
            {(form) => (
              <>
                <TextInput label={t("space.name")} maxLength={300} {...form.text("title")} />
                <Permissions label={t("permissions")} description={t("permissionsHint")} all={chatPermissions} value={form.value.permissions} onChange={(value) => form.set("permissions", value)} />
              </>
            )}
          </EditForm>
          <Group>
            <Confirm
              title={`${t("space.release.title")} (${title})`}
              text={t("space.release.text")}
              confirm={t("space.release.button")}
              act={async () => {
                await release.mutateAsync(undefined);
                await navigate({ to: "/customers/$customerId/spaces", params: { customerId } });
              }}
            >
              {t("space.release.button")}
            </Confirm>
          </Group>
        </>
      )}
    </Stack>
  );
}

function People({ spaceId }: { spaceId: string }) {
  const { t } = useTranslation("spaces");
  const { t: common } = useTranslation();
  const customerId = useCustomerId();
  const names = useNames();
  const pages = usePages([...customerKey(customerId), "space-people", spaceId], (cursor) => fanfare.GET(`${one}/people`, { params: { path: { customer_id: customerId, space_id: spaceId }, query: { cursor } } }));
  return (
    <Records<Schemas["SpacePerson"]>
      label={t("space.people")}
      pages={pages}
      rowKey={(person) => person.id}
      columns={[
        { title: common("name"), cell: (person) => <Text size="sm" fw={500}>{person.name || person.external_id}</Text> },
        { title: t("people.username"), cell: (person) => (person.username === "" ? "–" : `@${person.username}`) },
        { title: t("people.member"), cell: (person) => (person.user_id === null ? <Text size="sm" c="dimmed">{t("people.nobody")}</Text> : names(person.user_id)) },
        { title: t("people.joined"), cell: (person) => <When at={person.joined_at} date /> },
        { title: t("people.left"), cell: (person) => (person.left_at === null ? "–" : <When at={person.left_at} date />) },
      ]}
      empty={<Empty icon={IconUsers} title={t("people.empty.title")} text={t("people.empty.text")} />}
    />
  );
}
