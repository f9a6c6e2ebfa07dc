import { Alert, Anchor, Button, Code, Group, List, Select, Stack, Switch, Text } from "@mantine/core";
import { IconCheck, IconHourglass } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { customerKey, data, fanfare, versioned, type Schemas } from "../../api";
import { Facts } from "../../components/Facts";
import { Platform, platforms, type ChatName } from "../../components/Platform";
import { Problem } from "../../components/Problem";
import { Skeletons } from "../../components/Skeletons";
import { useAct } from "../../lib/act";
import { useCustomer, useCustomerId, useMay } from "../../shell/customer";
import { useMayAsMember } from "../connect/access";
import { Form, useForm } from "../connect/form";
import { chatPermissions, Permissions } from "../connect/Permissions";
import { Qr } from "./Qr";

export type Pairing = Schemas["Pairing"];

/** The bots of the installation and of the customer. */
export function useBots() {
  const customerId = useCustomerId();
  return useQuery({ queryKey: [...customerKey(customerId), "bots"], queryFn: () => data(fanfare.GET("/v1/customers/{customer_id}/bots", { params: { path: { customer_id: customerId } } })) });
}

/** What is left of a time, in minutes and seconds, counted every second. */
function useCountdown(until: string): string {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 1000);
    return () => clearInterval(timer);
  }, []);
  const seconds = Math.max(0, Math.floor((new Date(until).getTime() - now) / 1000));
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}

/** Pairs a chat: what it may do, then the code, then who has used it. */
export function Pair({ toBots }: { toBots: () => void }) {
  const { t } = useTranslation("spaces");
  const bots = useBots();
  if (bots.isError) return <Problem error={bots.error} retry={() => void bots.refetch()} />;
  if (bots.data === undefined) return <Skeletons rows={3} />;
  const choices = [...bots.data.shared.map(({ platform, bot, name }) => ({ platform, bot, name })), ...bots.data.items.filter((bot) => bot.state === "active").map(({ platform, bot, name, username }) => ({ platform, bot, name: username === "" ? name : `${name} (${username})` }))];
  if (choices.length === 0)
    return (
      <Stack>
        <Alert>{t("pair.noBot")}</Alert>
        <Group justify="flex-end">
          <Button onClick={toBots}>{t("bots.title")}</Button>
        </Group>
      </Stack>
    );
  return <Begin choices={choices} />;
}

function Begin({ choices }: { choices: { platform: ChatName; bot: string; name: string }[] }) {
  const { t } = useTranslation("spaces");
  const customerId = useCustomerId();
  const customer = useCustomer();
  const form = useForm({ bot: `${choices[0]!.platform} ${choices[0]!.bot}`, own: false, permissions: chatPermissions.filter((one) => one !== "posts:publish" && (one !== "credentials:write" || customer?.role !== "owner")) });
  const chosen = choices.find((one) => `${one.platform} ${one.bot}` === form.value.bot) ?? choices[0]!;
  const make = useAct(
    customerId,
    () => data(fanfare.POST("/v1/customers/{customer_id}/pairings", { params: { path: { customer_id: customerId } }, body: { platform: chosen.platform, bot: chosen.bot, own: form.value.own, permissions: form.value.permissions } })),
    { quiet: true },
  );
  if (make.data !== undefined) return <Waiting made={make.data} bot={chosen.name} again={() => make.reset()} />;
  return (
    <Form label={t("pair.make")} submit={() => make.mutate(undefined)} error={make.error} busy={make.isPending}>
      <Text size="sm">{t("pair.text")}</Text>
      <Select label={t("pair.bot")} data={choices.map((one) => ({ value: `${one.platform} ${one.bot}`, label: `${platforms[one.platform].name}: ${one.name}` }))} value={form.value.bot} allowDeselect={false} onChange={(bot) => bot !== null && form.set("bot", bot)} />
      <Switch label={t("pair.own")} description={t("pair.ownHint")} checked={form.value.own} onChange={(event) => form.set("own", event.currentTarget.checked)} />
      <Permissions label={t("permissions")} description={t("permissionsHint")} all={chatPermissions} value={form.value.permissions} onChange={(value) => form.set("permissions", value)} />
    </Form>
  );
}

/** The code and the link of a pairing, and what has become of it since. */
function Waiting({ made, bot, again }: { made: Schemas["NewPairing"]; bot: string; again: () => void }) {
  const { t } = useTranslation("spaces");
  const customerId = useCustomerId();
  const left = useCountdown(made.expires_at);
  const path = { customer_id: customerId, pairing_id: made.id };
  const live = useQuery({
    queryKey: [...customerKey(customerId), "pairing", made.id],
    queryFn: () => data(fanfare.GET("/v1/customers/{customer_id}/pairings/{pairing_id}", { params: { path } })),
    refetchInterval: (query) => (query.state.data === undefined || query.state.data.state === "open" || query.state.data.state === "claimed" ? 2000 : false),
  });
  const state = live.data?.state ?? made.state;
  const platform = made.platform;
  const spaceId = live.data?.space_id ?? undefined;
  if (state === "claimed" && live.data !== undefined) return <Claimed pairing={live.data} />;
  if (state === "done")
    return (
      <Stack>
        <Alert color="green" role="status" icon={<IconCheck aria-hidden />} title={t("pair.done")}>
          {t("pair.doneText", { chat: live.data?.chat_title ?? live.data?.person_name ?? "" })}
        </Alert>
        {spaceId !== undefined && (
          <Button renderRoot={(props) => <Link {...props} to="/customers/$customerId/spaces/$spaceId" params={{ customerId, spaceId }} />} style={{ alignSelf: "flex-end" }}>
            {t("pair.open")}
          </Button>
        )}
      </Stack>
    );
  if (state !== "open")
    return (
      <Stack>
        <Alert color="orange" role="status" title={t(`pairings.states.${state}`)}>
          {t("pair.over")}
        </Alert>
        <Button onClick={again} style={{ alignSelf: "flex-end" }}>
          {t("pair.again")}
        </Button>
      </Stack>
    );
  return (
    <Stack>
      <Group gap="xs" role="status">
        <IconHourglass size={16} aria-hidden />
        <Text size="sm">{t("pair.waiting")}</Text>
      </Group>
      <Group align="flex-start" gap="lg">
        <Stack gap={4}>
          <Text size="sm" c="dimmed">
            {t("pair.code")}
          </Text>
          <Text fz={40} lh={1.2} fw={700} ff="monospace" style={{ letterSpacing: "0.1em" }} data-code>
            {made.code}
          </Text>
          <Text size="sm" c="dimmed" style={{ fontVariantNumeric: "tabular-nums" }}>
            {t("pair.left", { time: left })}
          </Text>
        </Stack>
        {made.link !== null && <Qr text={made.link} label={t("pair.qr", { bot })} />}
      </Group>
      <List size="sm" type="ordered" spacing={6}>
        {made.link !== null && (
          <List.Item>
            {t("pair.byLink")}{" "}
            <Anchor href={/^https?:\/\//.test(made.link) ? made.link : undefined} target="_blank" rel="noreferrer" underline="always">
              {t("pair.openChat", { bot })}
            </Anchor>
          </List.Item>
        )}
        <List.Item>
          {t(`pair.how.${platform}.one`, { bot })} <Code>{platform === "slack" ? `pair ${made.code}` : `/pair ${made.code}`}</Code>
        </List.Item>
        <List.Item>
          {t(`pair.how.${platform}.group`, { bot })} {platform !== "whatsapp" && <Code>{platform === "telegram" ? `/pair ${made.code}` : `@${bot.replace(/ \(.*/, "")} pair ${made.code}`}</Code>}
        </List.Item>
      </List>
      <Text size="sm" c="dimmed">
        {t("pair.guess")}
      </Text>
    </Stack>
  );
}

/** A chat in which a code was typed: who, where, and whether it is to be paired. */
export function Claimed({ pairing }: { pairing: Pairing }) {
  const { t } = useTranslation("spaces");
  const customerId = useCustomerId();
  const may = useMay("admin");
  const mayConfirm = useMayAsMember();
  const left = useCountdown(pairing.expires_at);
  const path = { customer_id: customerId, pairing_id: pairing.id };
  // What is confirmed is the chat that is shown: its version is fetched with it.
  const seen = useQuery({ queryKey: [...customerKey(customerId), "claimed", pairing.id, pairing.updated_at], queryFn: () => versioned(fanfare.GET("/v1/customers/{customer_id}/pairings/{pairing_id}", { params: { path } })) });
  const confirm = useAct(customerId, (etag: string) => data(fanfare.POST("/v1/customers/{customer_id}/pairings/{pairing_id}/confirm", { params: { path, header: { "If-Match": etag } } })), { done: () => t("claimed.confirmed"), quiet: true });
  const deny = useAct(customerId, () => data(fanfare.POST("/v1/customers/{customer_id}/pairings/{pairing_id}/deny", { params: { path } })), { done: () => t("claimed.denied"), quiet: true });
  const shown = seen.data ?? pairing;
  const waits = shown.confirmed_at !== null || shown.claimed_by === "link";
  return (
    <Alert color="violet" icon={<IconHourglass aria-hidden />} title={waits ? t("claimed.waits") : t("claimed.title")}>
      <Stack gap="sm">
        <Facts
          facts={[
            [t("platform"), <Platform key="platform" platform={shown.platform} name />],
            [t("claimed.who"), shown.person_name ?? shown.person_id],
            [t("claimed.chat"), shown.chat_title],
            [t("kind.title"), shown.chat_kind === null ? null : t(`kind.${shown.chat_kind}`)],
            [t("claimed.id"), shown.chat_id],
            [t("claimed.left"), left],
          ]}
        />
        {shown.held_elsewhere && <Text size="sm">{t("claimed.held")}</Text>}
        {shown.own && <Text size="sm">{t("claimed.own")}</Text>}
        {!waits && <Text size="sm">{t("claimed.text")}</Text>}
        {(confirm.error ?? deny.error ?? seen.error) !== null && <Problem error={confirm.error ?? deny.error ?? seen.error} />}
        <Group gap="xs">
          {mayConfirm && !waits && (
            <Button size="xs" loading={confirm.isPending} disabled={seen.data === undefined} onClick={() => seen.data !== undefined && confirm.mutate(seen.data.etag, { onError: () => void seen.refetch() })}>
              {t("claimed.confirm")}
            </Button>
          )}
          {may && (
            <Button size="xs" variant="default" loading={deny.isPending} onClick={() => deny.mutate(undefined)}>
              {t("claimed.deny")}
            </Button>
          )}
        </Group>
      </Stack>
    </Alert>
  );
}
