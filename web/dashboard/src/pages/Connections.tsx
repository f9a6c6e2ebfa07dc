import { Button, Menu, PasswordInput, Stack, Tabs, Text, TextInput } from "@mantine/core";
import { IconChevronDown, IconPlug, IconStar } from "@tabler/icons-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { customerKey, data, fanfare } from "../api";
import { Empty } from "../components/Empty";
import { Mark } from "../components/Mark";
import { Page } from "../components/Page";
import { Panel } from "../components/Panel";
import { Platform, platforms } from "../components/Platform";
import { Records, usePages } from "../components/Records";
import { When } from "../components/When";
import { useAct } from "../lib/act";
import { settings } from "../settings";
import { useCustomerId, useMay } from "../shell/customer";
import { useAddress } from "../lib/address";
import { ConnectResult } from "./connect/ConnectResult";
import { Form, useForm } from "./connect/form";
import { Account } from "./connections/Account";
import { ChooseAccounts } from "./connections/ChooseAccounts";
import { Health, signInAt, type Integration } from "./connections/health";
import { Slots } from "./connections/Slots";

/** The accounts on which a customer publishes, whether each works, and the times of its queue. */
export default function Connections() {
  const { t } = useTranslation("connections");
  const customerId = useCustomerId();
  const address = useAddress();
  const may = useMay("admin");
  const tab = address.one("tab", ["accounts", "slots"]);
  const [ghost, setGhost] = useState<string>();
  const pages = usePages([...customerKey(customerId), "integrations"], (cursor) => fanfare.GET("/v1/customers/{customer_id}/integrations", { params: { path: { customer_id: customerId }, query: { cursor, limit: 100 } } }));
  const reconnect = (integration: Integration) => {
    if (integration.platform === "ghost") {
      address.set({ account: "" });
      setGhost(integration.url);
    } else void signInAt(customerId, integration.platform);
  };
  const from = address.get("platform");
  const choosing = address.get("connect") === "choose" && address.get("connect_session") !== "";
  const forget = { connect: "", platform: "", connect_session: "" };
  const connect = may && <Connect ghost={() => setGhost("")} />;
  return (
    <Page title={t("title")} text={t("text")} actions={connect}>
      <ConnectResult name={from in platforms ? platforms[from as keyof typeof platforms].name : ""} />
      <Tabs value={tab} onChange={(next) => address.set({ tab: next === "slots" ? "slots" : "" })} keepMounted={false}>
        <Tabs.List mb="md">
          <Tabs.Tab value="accounts">{t("accounts")}</Tabs.Tab>
          <Tabs.Tab value="slots">{t("slots.title")}</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="accounts">
          <Records<Integration>
            label={t("accounts")}
            pages={pages}
            rowKey={(integration) => integration.id}
            open={(integration) => address.set({ account: integration.id })}
            columns={[
              { title: t("account"), cell: (integration) => (
                  <>
                    <Platform platform={integration.platform} name={integration.name} />
                    <Text size="xs" c="dimmed" fw={400}>
                      {platforms[integration.platform].name}
                    </Text>
                  </>
                ),
              },
              {
                title: t("health"),
                cell: (integration) => (
                  <Stack gap={4} align="flex-start">
                    <Health integration={integration} />
                    {integration.health.reason !== null && <Text size="xs">{t(`reason.${integration.health.reason}`)}</Text>}
                    {integration.health.reconnect_by !== null && (
                      <Text size="xs">
                        {t("reconnectBy")} <When at={integration.health.reconnect_by} />
                      </Text>
                    )}
                  </Stack>
                ),
              },
              { title: t("default.title"), cell: (integration) => (integration.is_default ? <Mark color="accent" icon={IconStar}>{t("default.short")}</Mark> : "–") },
              { title: t("checked"), cell: (integration) => (integration.health.checked_at === null ? t("check.never") : <When at={integration.health.checked_at} relative />) },
            ]}
            actions={(integration) =>
              may && integration.health.status !== "active" ? (
                <Button size="xs" variant={integration.health.status === "disconnected" ? "default" : "filled"} onClick={() => reconnect(integration)}>
                  {t("reconnect", { platform: platforms[integration.platform].name })}
                </Button>
              ) : null
            }
            empty={<Empty icon={IconPlug} title={t("empty.title")} text={may ? t("empty.text") : t("empty.ask")} action={connect} />}
          />
        </Tabs.Panel>
        <Tabs.Panel value="slots">
          <Slots />
        </Tabs.Panel>
      </Tabs>
      <Panel title={t("account")} opened={address.get("account") !== "" && !choosing} onClose={() => address.set({ account: "" })}>
        <Account id={address.get("account")} reconnect={reconnect} close={() => address.set({ account: "" })} />
      </Panel>
      <Panel title={t("ghost.title")} opened={ghost !== undefined} onClose={() => setGhost(undefined)} size="md">
        <Ghost site={ghost ?? ""} done={() => setGhost(undefined)} />
      </Panel>
      <Panel title={t("choose.title")} opened={choosing} onClose={() => address.set(forget)}>
        <ChooseAccounts sessionId={address.get("connect_session")} done={() => address.set(forget)} again={(platform) => void signInAt(customerId, platform)} />
      </Panel>
    </Page>
  );
}

/** Chooses the platform on which an account is connected. */
function Connect({ ghost }: { ghost: () => void }) {
  const { t } = useTranslation("connections");
  const customerId = useCustomerId();
  const [busy, setBusy] = useState(false);
  return (
    <Menu position="bottom-end" withinPortal>
      <Menu.Target>
        <Button rightSection={<IconChevronDown size={16} aria-hidden />} loading={busy}>
          {t("connect")}
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        {settings().platforms.map((platform) => (
          <Menu.Item
            key={platform}
            onClick={() => {
              setBusy(true);
              void signInAt(customerId, platform).finally(() => setBusy(false));
            }}
          >
            <Platform platform={platform} name />
          </Menu.Item>
        ))}
        <Menu.Item onClick={ghost}>
          <Platform platform="ghost" name />
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}

/** Connects a Ghost site by its address and a key. */
function Ghost({ site, done }: { site: string; done: () => void }) {
  const { t } = useTranslation("connections");
  const customerId = useCustomerId();
  const form = useForm({ site_url: site, admin_api_key: "" });
  const connect = useAct(customerId, () => data(fanfare.POST("/v1/customers/{customer_id}/integrations", { params: { path: { customer_id: customerId } }, body: { platform: "ghost", ...form.value } })), {
    done: (integration) => t("ghost.done", { name: integration.name }),
    quiet: true,
  });
  return (
    <Form label={t("ghost.button")} submit={() => connect.mutate(undefined, { onSuccess: done })} error={connect.error} busy={connect.isPending}>
      <Text size="sm">{t("ghost.text")}</Text>
      <TextInput label={t("ghost.site")} type="url" required maxLength={500} placeholder="https://blog.example.com" data-autofocus {...form.text("site_url")} />
      <PasswordInput label={t("ghost.key")} description={t("ghost.keyHint")} required maxLength={200} autoComplete="off" {...form.text("admin_api_key")} />
    </Form>
  );
}
