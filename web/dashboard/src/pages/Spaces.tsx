import { Button, Group, SegmentedControl, Stack, Tabs, Text } from "@mantine/core";
import { IconAlertCircle, IconBan, IconCheck, IconClock, IconHourglass, IconLink, IconMessages, IconUnlink } from "@tabler/icons-react";
import { useNavigate } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import { customerKey, data, fanfare, type Schemas } from "../api";
import { Confirm } from "../components/Confirm";
import { Empty } from "../components/Empty";
import { Mark } from "../components/Mark";
import { Page } from "../components/Page";
import { Panel } from "../components/Panel";
import { Platform, platforms } from "../components/Platform";
import { Records, usePages } from "../components/Records";
import { When } from "../components/When";
import { useAct } from "../lib/act";
import { useCustomerId, useMay } from "../shell/customer";
import { useMayAsMember, useSees } from "./connect/access";
import { useAddress } from "../lib/address";
import { useNames } from "../lib/people";
import { Bots } from "./spaces/Bots";
import { Claimed, Pair, type Pairing } from "./spaces/Pair";
import { SpaceState } from "./spaces/SpaceState";

/** The chats of a customer, and how others get to be its chats. */
export default function Spaces() {
  const { t } = useTranslation("spaces");
  const address = useAddress();
  const sees = useSees();
  const mayPair = useMayAsMember();
  const tab = address.one("tab", ["chats", "pairings", "bots"]);
  const pair = mayPair && (
    <Button leftSection={<IconLink size={16} aria-hidden />} onClick={() => address.set({ pair: "new" })}>
      {t("pair.button")}
    </Button>
  );
  const pairing = mayPair && address.get("pair") !== "";
  return (
    <Page title={t("title")} text={t("text")} actions={pair}>
      {sees && !pairing && <Waiting />}
      <Tabs value={tab} onChange={(next) => address.set({ tab: next === "chats" ? "" : (next ?? ""), state: "" })} keepMounted={false}>
        <Tabs.List mb="md">
          <Tabs.Tab value="chats">{t("chats")}</Tabs.Tab>
          {sees && <Tabs.Tab value="pairings">{t("pairings.title")}</Tabs.Tab>}
          <Tabs.Tab value="bots">{t("bots.title")}</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="chats">
          <Chats pair={pair} />
        </Tabs.Panel>
        <Tabs.Panel value="pairings">{sees && <Pairings pair={pair} />}</Tabs.Panel>
        <Tabs.Panel value="bots">
          <Bots />
        </Tabs.Panel>
      </Tabs>
      <Panel title={t("pair.button")} opened={pairing} onClose={() => address.set({ pair: "" })}>
        <Pair toBots={() => address.set({ pair: "", tab: "bots" })} />
      </Panel>
    </Page>
  );
}

function usePairings() {
  const customerId = useCustomerId();
  return usePages([...customerKey(customerId), "pairings"], (cursor) => fanfare.GET("/v1/customers/{customer_id}/pairings", { params: { path: { customer_id: customerId }, query: { cursor, limit: 50 } } }));
}

/** The chats that wait for somebody to confirm them. */
function Waiting() {
  const pairings = usePairings();
  return pairings.items?.filter((pairing) => pairing.state === "claimed").map((pairing) => <Claimed key={pairing.id} pairing={pairing} />);
}

function Chats({ pair }: { pair: React.ReactNode }) {
  const { t } = useTranslation("spaces");
  const customerId = useCustomerId();
  const address = useAddress();
  const navigate = useNavigate();
  const names = useNames();
  const state = address.one("state", ["all", "active", "unreachable", "ended"]);
  const pages = usePages([...customerKey(customerId), "spaces", state], (cursor) => fanfare.GET("/v1/customers/{customer_id}/spaces", { params: { path: { customer_id: customerId }, query: { cursor, state: state === "all" ? undefined : state } } }));
  return (
    <Stack gap="sm">
      <SegmentedControl size="xs" style={{ alignSelf: "flex-start" }} aria-label={t("filter")} value={state} onChange={(next) => address.set({ state: next === "all" ? "" : next })} data={(["all", "active", "unreachable", "ended"] as const).map((value) => ({ value, label: t(`states.${value}`) }))} />
      <Records<Schemas["Space"]>
        label={t("chats")}
        pages={pages}
        rowKey={(space) => space.id}
        open={(space) => void navigate({ to: "/customers/$customerId/spaces/$spaceId", params: { customerId, spaceId: space.id } })}
        columns={[
          {
            title: t("chat"),
            cell: (space) => (
              <>
                <Platform platform={space.platform} name={space.title === "" ? space.external_id : space.title} />
                <Text size="xs" c="dimmed" fw={400}>
                  {platforms[space.platform].name}
                </Text>
              </>
            ),
          },
          { title: t("kind.title"), cell: (space) => t(`kind.${space.kind}`) },
          { title: t("state"), cell: (space) => <SpaceState space={space} /> },
          { title: t("pairedBy"), cell: (space) => names(space.paired_by) },
          { title: t("since"), cell: (space) => <When at={space.created_at} date /> },
        ]}
        empty={state === "all" ? <Empty icon={IconMessages} title={t("empty.title")} text={t("empty.text")} action={pair} /> : <Text size="sm" c="dimmed">{t("emptyState")}</Text>}
      />
    </Stack>
  );
}

const looks = { open: ["blue", IconClock], claimed: ["violet", IconHourglass], done: ["green", IconCheck], denied: ["red", IconBan], expired: ["gray", IconAlertCircle], revoked: ["gray", IconUnlink] } as const;

function Pairings({ pair }: { pair: React.ReactNode }) {
  const { t } = useTranslation("spaces");
  const customerId = useCustomerId();
  const may = useMay("admin");
  const names = useNames();
  const pages = usePairings();
  const revoke = useAct(customerId, (id: string) => data(fanfare.DELETE("/v1/customers/{customer_id}/pairings/{pairing_id}", { params: { path: { customer_id: customerId, pairing_id: id } } })), { done: () => t("pairings.revoked"), quiet: true });
  return (
    <Records<Pairing>
      label={t("pairings.title")}
      pages={pages}
      rowKey={(pairing) => pairing.id}
      columns={[
        { title: t("platform"), cell: (pairing) => <Platform platform={pairing.platform} name /> },
        {
          title: t("state"),
          cell: (pairing) => {
            const [color, icon] = looks[pairing.state];
            return (
              <Mark color={color} icon={icon}>
                {t(`pairings.states.${pairing.state}`)}
              </Mark>
            );
          },
        },
        { title: t("chat"), cell: (pairing) => (pairing.chat_title === null && pairing.person_name === null ? "–" : [pairing.chat_title, pairing.person_name].filter((one) => one !== null && one !== "").join(", ")) },
        { title: t("pairings.by"), cell: (pairing) => names(pairing.created_by) },
        {
          title: t("pairings.when"),
          cell: (pairing) =>
            pairing.state === "open" || pairing.state === "claimed" ? (
              <Group gap={4}>
                {t("pairings.until")} <When at={pairing.expires_at} />
              </Group>
            ) : (
              <When at={pairing.updated_at} relative />
            ),
        },
      ]}
      actions={(pairing) =>
        may && pairing.state === "open" ? (
          <Confirm size="xs" title={t("pairings.revoke.title")} text={t("pairings.revoke.text")} confirm={t("pairings.revoke.button")} act={() => revoke.mutateAsync(pairing.id)}>
            {t("pairings.revoke.button")}
          </Confirm>
        ) : null
      }
      empty={<Empty icon={IconLink} title={t("pairings.empty.title")} text={t("pairings.empty.text")} action={pair} />}
    />
  );
}
