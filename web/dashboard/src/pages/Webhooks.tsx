import { Alert, Anchor, Button, Checkbox, Code, Group, SegmentedControl, Stack, Text, TextInput, Textarea } from "@mantine/core";
import { IconAlertCircle, IconArrowLeft, IconCheck, IconClock, IconPlayerPause, IconPlugX, IconPlus, IconSend, IconWebhook, IconX } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { customerKey, data, fanfare, versioned, type Schemas } from "../api";
import { Confirm } from "../components/Confirm";
import { Empty } from "../components/Empty";
import { Facts } from "../components/Facts";
import { Mark } from "../components/Mark";
import { Page } from "../components/Page";
import { Panel } from "../components/Panel";
import { Problem } from "../components/Problem";
import { Records, usePages } from "../components/Records";
import { Secret } from "../components/Secret";
import { Skeletons } from "../components/Skeletons";
import { When } from "../components/When";
import { tell, useAct } from "../lib/act";
import { formatNumber } from "../lib/time";
import { useCustomerId, useMay } from "../shell/customer";
import { useSees } from "./connect/access";
import { useAddress } from "../lib/address";
import { EditForm, Form, useForm } from "./connect/form";

type Webhook = Schemas["Webhook"];
type Delivery = Schemas["WebhookDelivery"];
type Event = NonNullable<Schemas["WebhookCreate"]["events"]>[number];

const events: readonly Event[] = ["post.scheduled", "post.approval_requested", "post.approved", "post.rejected", "post.published", "post.partially_published", "post.failed", "post.needs_attention", "integration.needs_reauth"];

type WordOf<E> = E extends `${infer A}.${infer B}` ? `${A}_${B}` : never;
const wordOf = <E extends Event | "webhook.test">(event: E) => event.replace(".", "_") as WordOf<E>;

/** What is written of an event; one that is new is called as the API calls it. */
function useEventWord() {
  const { t } = useTranslation("webhooks");
  return (event: string) => {
    const known = ([...events, "webhook.test"] as const).find((one) => one === event);
    return known === undefined ? event : t(`event.${wordOf(known)}`);
  };
}

/** Who is told of what happens: the webhooks of a customer, and what was sent to them. */
export default function Webhooks() {
  const { t } = useTranslation("webhooks");
  const customerId = useCustomerId();
  const address = useAddress();
  const may = useMay("admin");
  const sees = useSees();
  const pages = usePages([...customerKey(customerId), "webhooks", { sees }], (cursor) => (sees ? fanfare.GET("/v1/customers/{customer_id}/webhooks", { params: { path: { customer_id: customerId }, query: { cursor } } }) : Promise.resolve({ data: { items: [], next_cursor: null } })));
  const add = may && (
    <Button leftSection={<IconPlus size={16} aria-hidden />} onClick={() => address.set({ webhook: "new" })}>
      {t("new.button")}
    </Button>
  );
  const opened = address.get("webhook");
  const close = () => address.set({ webhook: "", delivery: "", state: "" });
  return (
    <Page title={t("title")} text={t("text")} actions={add}>
      <Records<Webhook>
        label={t("title")}
        pages={pages}
        rowKey={(webhook) => webhook.id}
        open={(webhook) => address.set({ webhook: webhook.id })}
        columns={[
          {
            title: t("address"),
            cell: (webhook) => (
              <div>
                <Text size="sm" fw={500} style={{ overflowWrap: "anywhere" }}>
                  {webhook.url}
                </Text>
                {webhook.description !== "" && (
                  <Text size="xs" c="dimmed">
                    {webhook.description}
                  </Text>
                )}
              </div>
            ),
          },
          { title: t("state"), cell: (webhook) => <WebhookState webhook={webhook} /> },
          { title: t("events"), cell: (webhook) => (webhook.events.length === 0 ? t("everything") : t("someEvents", { count: webhook.events.length })) },
          { title: t("since"), width: 130, cell: (webhook) => <When at={webhook.created_at} date /> },
        ]}
        empty={sees ? <Empty icon={IconWebhook} title={t("empty.title")} text={t("empty.text")} action={add} /> : <Empty icon={IconWebhook} title={t("adminsOnly.title")} text={t("adminsOnly.text")} />}
      />
      <Panel title={opened === "new" ? t("new.button") : t("one")} opened={sees && opened !== ""} onClose={close} size="xl">
        {opened === "new" ? <NewWebhook /> : <Details id={opened} close={close} />}
      </Panel>
    </Page>
  );
}

/** Whether something gets through to a webhook. */
function WebhookState({ webhook }: { webhook: Webhook }) {
  const { t } = useTranslation("webhooks");
  if (webhook.state === "disabled") return <Mark color="red" icon={IconPlugX}>{t("states.disabled")}</Mark>;
  if (webhook.state === "paused") return <Mark color={webhook.reason === "failing" ? "red" : "gray"} icon={IconPlayerPause}>{webhook.reason === "failing" ? t("states.pausedFailing") : t("states.paused")}</Mark>;
  if (webhook.failing_since !== null) return <Mark color="orange" icon={IconAlertCircle}>{t("states.failing")}</Mark>;
  return <Mark color="green" icon={IconCheck}>{t("states.active")}</Mark>;
}

function Events({ value, onChange }: { value: string[]; onChange: (value: string[]) => void }) {
  const { t } = useTranslation("webhooks");
  return (
    <Checkbox.Group label={t("events")} description={t("eventsHint")} value={value} onChange={onChange}>
      <Stack gap={8} mt="xs">
        {events.map((event) => (
          <Checkbox key={event} value={event} label={t(`event.${wordOf(event)}`)} description={event} />
        ))}
      </Stack>
    </Checkbox.Group>
  );
}

function NewWebhook() {
  const { t } = useTranslation("webhooks");
  const customerId = useCustomerId();
  const address = useAddress();
  const form = useForm({ url: "", description: "", events: [] as string[] });
  const make = useAct(customerId, () => data(fanfare.POST("/v1/customers/{customer_id}/webhooks", { params: { path: { customer_id: customerId } }, body: { ...form.value, events: form.value.events as Event[] } })), { quiet: true });
  if (make.data !== undefined)
    return (
      <Stack>
        <Text size="sm">{t("new.made")}</Text>
        <Secret value={make.data.secret} text={t("secretHint")} />
        <Button variant="default" style={{ alignSelf: "flex-end" }} onClick={() => address.set({ webhook: make.data.id })}>
          {t("new.open")}
        </Button>
      </Stack>
    );
  return (
    <Form label={t("new.create")} submit={() => make.mutate(undefined)} error={make.error} busy={make.isPending}>
      <Text size="sm">{t("new.text")}</Text>
      <TextInput label={t("address")} description={t("addressHint")} type="url" required maxLength={2000} placeholder="https://" data-autofocus {...form.text("url")} />
      <Textarea label={t("description")} autosize maxLength={500} {...form.text("description")} />
      <Events value={form.value.events} onChange={(value) => form.set("events", value)} />
    </Form>
  );
}

function Details({ id, close }: { id: string; close: () => void }) {
  const { t } = useTranslation("webhooks");
  const { t: common } = useTranslation();
  const customerId = useCustomerId();
  const address = useAddress();
  const may = useMay("admin");
  const word = useEventWord();
  const [editing, setEditing] = useState(false);
  const path = { customer_id: customerId, webhook_id: id };
  const one = useQuery({ enabled: id !== "", queryKey: [...customerKey(customerId), "webhook", id], queryFn: () => data(fanfare.GET("/v1/customers/{customer_id}/webhooks/{webhook_id}", { params: { path } })) });
  const patch = (state: "active" | "paused") => data(fanfare.PATCH("/v1/customers/{customer_id}/webhooks/{webhook_id}", { params: { path }, body: { state } }));
  const pause = useAct(customerId, patch, {
    done: (webhook) => (webhook.state === "active" ? t("resumed") : t("paused")),
    undo: (webhook) => patch(webhook.state === "active" ? "paused" : "active"),
  });
  const test = useAct(customerId, () => data(fanfare.POST("/v1/customers/{customer_id}/webhooks/{webhook_id}/test", { params: { path } })), { done: () => t("tested") });
  const rotate = useAct(customerId, () => data(fanfare.POST("/v1/customers/{customer_id}/webhooks/{webhook_id}/rotate-secret", { params: { path } })), { quiet: true });
  const remove = useAct(customerId, () => data(fanfare.DELETE("/v1/customers/{customer_id}/webhooks/{webhook_id}", { params: { path } })), { quiet: true });
  if (one.isError) return <Problem error={one.error} retry={() => void one.refetch()} />;
  if (one.data === undefined) return <Skeletons />;
  const webhook = one.data;
  if (address.get("delivery") !== "") return <DeliveryDetails webhookId={id} id={address.get("delivery")} />;
  if (editing)
    return (
      <Stack>
        <Back onClick={() => setEditing(false)} />
        <EditForm
          id={`webhook ${id}`}
          load={() => versioned(fanfare.GET("/v1/customers/{customer_id}/webhooks/{webhook_id}", { params: { path } }))}
          values={(now) => ({ url: now.url, description: now.description, events: now.events })}
          words={{ url: t("address"), description: t("description"), events: t("events") }}
          save={(changes, etag) => data(fanfare.PATCH("/v1/customers/{customer_id}/webhooks/{webhook_id}", { params: { path, header: { "If-Match": etag } }, body: { ...changes, events: changes.events as Event[] | undefined } }))}
          done={() => setEditing(false)}
        >
          {(form) => (
            <>
              <TextInput label={t("address")} description={t("addressHint")} type="url" required maxLength={2000} {...form.text("url")} />
              <Textarea label={t("description")} autosize maxLength={500} {...form.text("description")} />
              <Events value={form.value.events} onChange={(value) => form.set("events", value)} />
            </>
          )}
        </EditForm>
      </Stack>
    );
  return (
    <Stack>
      <Group gap="xs">
        <WebhookState webhook={webhook} />
        {webhook.state !== "active" && (
          <Text size="sm" c="dimmed">
            {t("stateSince")} <When at={webhook.state_since} relative />
          </Text>
        )}
      </Group>
      {webhook.reason !== null && <Alert color={webhook.reason === "person" ? "gray" : "red"}>{t(`reasons.${webhook.reason}`)}</Alert>}
      {webhook.state === "active" && webhook.failing_since !== null && (
        <Alert color="orange" icon={<IconAlertCircle aria-hidden />}>
          {t("failingText")} <When at={webhook.failing_since} relative />
        </Alert>
      )}
      <Facts
        facts={[
          [t("address"), webhook.url],
          [t("description"), webhook.description],
          [t("events"), webhook.events.length === 0 ? t("everything") : webhook.events.map(word).join(", ")],
          [t("oldSecret"), webhook.old_secret_until === null ? null : <When at={webhook.old_secret_until} />],
          [t("changed"), <When key="changed" at={webhook.updated_at} />],
        ]}
      />
      {rotate.data !== undefined && <Secret value={rotate.data.secret} text={t("rotate.hint")} />}
      {may && (
        <Group gap="xs">
          <Button size="xs" variant="light" leftSection={<IconSend size={14} aria-hidden />} loading={test.isPending} onClick={() => test.mutate(undefined)}>
            {t("test")}
          </Button>
          <Button size="xs" variant="default" onClick={() => setEditing(true)}>
            {common("edit")}
          </Button>
          <Button size="xs" variant="default" loading={pause.isPending} onClick={() => pause.mutate(webhook.state === "active" ? "paused" : "active")}>
            {webhook.state === "active" ? t("pause") : t("resume")}
          </Button>
          <Confirm size="xs" title={t("rotate.title")} text={t("rotate.text")} confirm={t("rotate.button")} danger={false} act={() => rotate.mutateAsync(undefined)}>
            {t("rotate.button")}
          </Confirm>
          <Confirm
            size="xs"
            title={t("delete.title")}
            text={t("delete.text")}
            confirm={t("delete.button")}
            act={async () => {
              close();
              await remove.mutateAsync(undefined);
              tell(t("delete.done"));
            }}
          >
            {t("delete.button")}
          </Confirm>
        </Group>
      )}
      <Deliveries webhookId={id} />
    </Stack>
  );
}

function Back({ onClick }: { onClick: () => void }) {
  const { t } = useTranslation();
  return (
    <Anchor component="button" type="button" size="sm" onClick={onClick} style={{ alignSelf: "flex-start" }}>
      <Group gap={4}>
        <IconArrowLeft size={14} aria-hidden />
        {t("back")}
      </Group>
    </Anchor>
  );
}

const deliveryLooks = { pending: ["blue", IconClock], delivered: ["green", IconCheck], failed: ["red", IconX] } as const;

function DeliveryState({ delivery }: { delivery: Delivery }) {
  const { t } = useTranslation("webhooks");
  const [color, icon] = deliveryLooks[delivery.state];
  return (
    <Mark color={color} icon={icon}>
      {t(`deliveries.states.${delivery.state}`)}
    </Mark>
  );
}

function Deliveries({ webhookId }: { webhookId: string }) {
  const { t } = useTranslation("webhooks");
  const customerId = useCustomerId();
  const address = useAddress();
  const word = useEventWord();
  const state = address.one("state", ["all", "pending", "delivered", "failed"]);
  const path = { customer_id: customerId, webhook_id: webhookId };
  const pages = usePages([...customerKey(customerId), "deliveries", webhookId, state], (cursor) =>
    fanfare.GET("/v1/customers/{customer_id}/webhooks/{webhook_id}/deliveries", { params: { path, query: { cursor, state: state === "all" ? undefined : state } } }),
  );
  return (
    <Stack gap="sm">
      <Group justify="space-between">
        <Text component="h2" size="lg" fw={600} m={0}>
          {t("deliveries.title")}
        </Text>
        <SegmentedControl size="xs" aria-label={t("deliveries.filter")} value={state} onChange={(next) => address.set({ state: next === "all" ? "" : next })} data={(["all", "pending", "delivered", "failed"] as const).map((value) => ({ value, label: t(`deliveries.states.${value}`) }))} />
      </Group>
      <Records<Delivery>
        label={t("deliveries.title")}
        pages={pages}
        rowKey={(delivery) => delivery.id}
        open={(delivery) => address.set({ delivery: delivery.id })}
        columns={[
          { title: t("deliveries.event"), cell: (delivery) => <Text size="sm" fw={500}>{word(delivery.event)}</Text> },
          { title: t("state"), cell: (delivery) => <DeliveryState delivery={delivery} /> },
          { title: t("deliveries.answer"), cell: (delivery) => delivery.status ?? "–" },
          { title: t("deliveries.when"), cell: (delivery) => <When at={delivery.created_at} relative /> },
        ]}
        empty={<Text size="sm" c="dimmed">{state === "all" ? t("deliveries.empty") : t("deliveries.emptyState")}</Text>}
      />
    </Stack>
  );
}

function DeliveryDetails({ webhookId, id }: { webhookId: string; id: string }) {
  const word = useEventWord();
  const { t } = useTranslation("webhooks");
  const customerId = useCustomerId();
  const address = useAddress();
  const may = useMay("admin");
  const path = { customer_id: customerId, webhook_id: webhookId, delivery_id: id };
  const one = useQuery({
    queryKey: [...customerKey(customerId), "delivery", id],
    queryFn: () => data(fanfare.GET("/v1/customers/{customer_id}/webhooks/{webhook_id}/deliveries/{delivery_id}", { params: { path } })),
    refetchInterval: (query) => (query.state.data?.state === "pending" ? 3000 : false),
  });
  const resend = useAct(customerId, () => data(fanfare.POST("/v1/customers/{customer_id}/webhooks/{webhook_id}/deliveries/{delivery_id}/resend", { params: { path } })), { done: () => t("deliveries.resent") });
  if (one.isError) return <Problem error={one.error} retry={() => void one.refetch()} />;
  if (one.data === undefined) return <Skeletons />;
  const delivery = one.data;
  return (
    <Stack>
      <Back onClick={() => address.set({ delivery: "" })} />
      <Group gap="xs">
        <Text component="h2" size="lg" fw={600} m={0}>
          {word(delivery.event)}
        </Text>
        <DeliveryState delivery={delivery} />
      </Group>
      {delivery.problem !== null && <Alert color={delivery.state === "failed" ? "red" : "orange"}>{delivery.problem}</Alert>}
      <Facts
        facts={[
          [t("deliveries.event"), <Code key="event">{delivery.event}</Code>],
          [t("deliveries.when"), <When key="when" at={delivery.created_at} />],
          [t("deliveries.arrived"), delivery.delivered_at === null ? null : <When at={delivery.delivered_at} />],
          [t("deliveries.next"), delivery.next_attempt_at === null ? null : <When at={delivery.next_attempt_at} relative />],
          [t("deliveries.attempts"), formatNumber(delivery.attempts)],
          ["webhook-id", <Code key="id">{delivery.id}</Code>],
        ]}
      />
      {may && (
        <Button size="xs" variant="light" style={{ alignSelf: "flex-start" }} loading={resend.isPending} onClick={() => resend.mutate(undefined)}>
          {t("deliveries.resend")}
        </Button>
      )}
      <Text component="h3" size="md" fw={600} m={0}>
        {t("deliveries.log")}
      </Text>
      {delivery.log.length === 0 && <Text size="sm" c="dimmed">{t("deliveries.noAttempt")}</Text>}
      {delivery.log.map((attempt) => (
        <Stack key={attempt.number} gap={4}>
          <Group gap="xs">
            <Mark color={attempt.problem === null ? "green" : "red"} icon={attempt.problem === null ? IconCheck : IconX}>
              {t("deliveries.attempt", { number: attempt.number })}
            </Mark>
            <Text size="sm">{attempt.status ?? t("deliveries.noAnswer")}</Text>
            <Text size="sm" c="dimmed">
              <When at={attempt.at} />, {formatNumber(attempt.duration_ms)} ms
            </Text>
          </Group>
          {attempt.problem !== null && <Text size="sm">{attempt.problem}</Text>}
          {attempt.excerpt !== "" && (
            <Code block style={{ whiteSpace: "pre-wrap", overflowWrap: "anywhere" }}>
              {attempt.excerpt}
            </Code>
          )}
        </Stack>
      ))}
      <Text component="h3" size="md" fw={600} m={0}>
        {t("deliveries.payload")}
      </Text>
      <Code block style={{ whiteSpace: "pre-wrap", overflowWrap: "anywhere" }}>
        {JSON.stringify(delivery.payload, null, 2)}
      </Code>
    </Stack>
  );
}
