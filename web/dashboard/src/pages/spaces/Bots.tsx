import { Alert, Button, Code, PasswordInput, Select, Stack, Text, TextInput } from "@mantine/core";
import { IconAlertCircle, IconCheck, IconPlus, IconRobot } from "@tabler/icons-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { data, fanfare, type Schemas } from "../../api";
import { Confirm } from "../../components/Confirm";
import { Empty } from "../../components/Empty";
import { Facts } from "../../components/Facts";
import { Mark } from "../../components/Mark";
import { Panel } from "../../components/Panel";
import { Platform, platforms, type ChatName } from "../../components/Platform";
import { Problem } from "../../components/Problem";
import { Records } from "../../components/Records";
import { Secret } from "../../components/Secret";
import { When } from "../../components/When";
import { useAct } from "../../lib/act";
import { useCustomerId, useMay } from "../../shell/customer";
import { Form, useForm } from "../connect/form";
import { useBots } from "./Pair";

type Bot = Schemas["Bot"];

/** The bots with which people chat: those of the installation, and the customer's own. */
export function Bots() {
  const { t } = useTranslation("spaces");
  const { t: common } = useTranslation();
  const customerId = useCustomerId();
  const may = useMay("admin");
  const bots = useBots();
  const [opened, setOpened] = useState<Bot | "new">();
  const remove = useAct(customerId, (id: string) => data(fanfare.DELETE("/v1/customers/{customer_id}/bots/{bot_id}", { params: { path: { customer_id: customerId, bot_id: id } } })), { done: () => t("bots.removed"), quiet: true });
  if (bots.isError) return <Problem error={bots.error} retry={() => void bots.refetch()} />;
  const add = may && (
    <Button variant="default" leftSection={<IconPlus size={16} aria-hidden />} onClick={() => setOpened("new")} style={{ alignSelf: "flex-start" }}>
      {t("bots.add")}
    </Button>
  );
  return (
    <Stack>
      {bots.data !== undefined && bots.data.shared.length > 0 && (
        <Text size="sm">
          {t("bots.shared")} {bots.data.shared.map((bot) => `${bot.name} (${platforms[bot.platform].name})`).join(", ")}
        </Text>
      )}
      <Records<Bot>
        label={t("bots.own")}
        rows={bots.data?.items}
        rowKey={(bot) => bot.id}
        columns={[
          { title: common("name"), cell: (bot) => <Platform platform={bot.platform} name={bot.name} /> },
          { title: t("bots.username"), cell: (bot) => bot.username || bot.bot },
          {
            title: t("state"),
            cell: (bot) => (
              <Stack gap={4} align="flex-start">
                <Mark color={bot.state === "active" && bot.problem === null ? "green" : "red"} icon={bot.state === "active" && bot.problem === null ? IconCheck : IconAlertCircle}>
                  {t(`bots.states.${bot.state}`)}
                </Mark>
                {bot.problem !== null && <Text size="xs">{bot.problem}</Text>}
              </Stack>
            ),
          },
          { title: t("since"), cell: (bot) => <When at={bot.created_at} date /> },
        ]}
        actions={
          may
            ? (bot) => (
                <>
                  <Button size="xs" variant="default" mr="xs" onClick={() => setOpened(bot)}>
                    {t("bots.newToken")}
                  </Button>
                  <Confirm size="xs" title={t("bots.remove.title", { name: bot.name })} text={t("bots.remove.text")} confirm={common("remove")} act={() => remove.mutateAsync(bot.id)}>
                    {common("remove")}
                  </Confirm>
                </>
              )
            : undefined
        }
        empty={<Empty icon={IconRobot} title={t("bots.empty.title")} text={t("bots.empty.text")} action={add} />}
      />
      {bots.data !== undefined && bots.data.items.length > 0 && add}
      <Panel title={opened === "new" ? t("bots.add") : t("bots.newToken")} opened={opened !== undefined} onClose={() => setOpened(undefined)}>
        {opened === "new" ? <NewBot /> : opened !== undefined && <NewToken bot={opened} done={() => setOpened(undefined)} />}
      </Panel>
    </Stack>
  );
}

/** What has to be entered at the platform, so that it delivers messages. */
function Addresses({ bot }: { bot: Bot }) {
  const { t } = useTranslation("spaces");
  return (
    <Facts
      facts={[
        [t("bots.webhookUrl"), bot.webhook_url === null ? null : <Code>{bot.webhook_url}</Code>],
        [t("bots.actionsUrl"), bot.actions_url === null ? null : <Code>{bot.actions_url}</Code>],
      ]}
    />
  );
}

function NewBot() {
  const { t } = useTranslation("spaces");
  const customerId = useCustomerId();
  const form = useForm<{ platform: ChatName; token: string; app_secret: string; phone_number_id: string; signing_secret: string }>({ platform: "telegram", token: "", app_secret: "", phone_number_id: "", signing_secret: "" });
  const { platform, token, app_secret, phone_number_id, signing_secret } = form.value;
  const add = useAct(
    customerId,
    () =>
      data(
        fanfare.POST("/v1/customers/{customer_id}/bots", {
          params: { path: { customer_id: customerId } },
          body: { platform, token, ...(platform === "whatsapp" ? { app_secret, phone_number_id } : platform === "slack" ? { signing_secret } : {}) },
        }),
      ),
    { quiet: true },
  );
  if (add.data !== undefined)
    return (
      <Stack>
        <Alert color="green" role="status" icon={<IconCheck aria-hidden />}>
          {t("bots.added", { name: add.data.name })}
        </Alert>
        {add.data.webhook_url !== null && <Text size="sm">{t("bots.enter", { platform: platforms[platform].name })}</Text>}
        <Addresses bot={add.data} />
        {add.data.verify_token !== null && <Secret value={add.data.verify_token} text={t("bots.verifyToken")} />}
      </Stack>
    );
  return (
    <Form label={t("bots.add")} submit={() => add.mutate(undefined)} error={add.error} busy={add.isPending}>
      <Select label={t("platform")} data={(["telegram", "whatsapp", "slack"] as const).map((value) => ({ value, label: platforms[value].name }))} value={platform} allowDeselect={false} onChange={(value) => value !== null && form.set("platform", value)} />
      <Text size="sm">{t(`bots.how.${platform}`)}</Text>
      {platform === "whatsapp" && <TextInput label={t("bots.phoneNumberId")} required maxLength={100} {...form.text("phone_number_id")} />}
      <PasswordInput label={t("bots.token")} required maxLength={1000} autoComplete="off" {...form.text("token")} />
      {platform === "whatsapp" && <PasswordInput label={t("bots.appSecret")} required maxLength={500} autoComplete="off" {...form.text("app_secret")} />}
      {platform === "slack" && <PasswordInput label={t("bots.signingSecret")} required maxLength={500} autoComplete="off" {...form.text("signing_secret")} />}
    </Form>
  );
}

function NewToken({ bot, done }: { bot: Bot; done: () => void }) {
  const { t } = useTranslation("spaces");
  const { t: common } = useTranslation();
  const customerId = useCustomerId();
  const form = useForm({ token: "", secret: "" });
  const secret = bot.platform === "whatsapp" ? "app_secret" : "signing_secret";
  const give = useAct(
    customerId,
    () =>
      data(
        fanfare.PATCH("/v1/customers/{customer_id}/bots/{bot_id}", {
          params: { path: { customer_id: customerId, bot_id: bot.id } },
          body: { ...(form.value.token === "" ? {} : { token: form.value.token }), ...(form.value.secret === "" ? {} : { [secret]: form.value.secret }) },
        }),
      ),
    { done: () => common("saved"), quiet: true },
  );
  return (
    <Form label={common("save")} submit={() => give.mutate(undefined, { onSuccess: done })} error={give.error} busy={give.isPending} disabled={form.value.token === "" && form.value.secret === ""}>
      <Text size="sm">{t("bots.newTokenText", { name: bot.name })}</Text>
      <Addresses bot={bot} />
      <PasswordInput label={t("bots.token")} maxLength={1000} autoComplete="off" {...form.text("token")} />
      {bot.platform !== "telegram" && <PasswordInput label={bot.platform === "whatsapp" ? t("bots.appSecret") : t("bots.signingSecret")} maxLength={500} autoComplete="off" {...form.text("secret")} />}
    </Form>
  );
}
