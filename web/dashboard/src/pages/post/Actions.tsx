import { Button, Group, Modal, Stack, Textarea } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { IconArrowBackUp, IconBan, IconCalendarPlus, IconCheck, IconPlayerPlay, IconSend } from "@tabler/icons-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { data, fanfare, type Schemas } from "../../api";
import { Confirm } from "../../components/Confirm";
import { Problem } from "../../components/Problem";
import { useAct } from "../../lib/act";
import { formatTime } from "../../lib/time";
import { useCustomer } from "../../shell/customer";
import type { Check, Post, Versioned } from "../compose/model";
import { PublishText } from "../compose/Planner";
import { TimeField } from "../compose/TimeField";
import { localOf, nextHour, zoned } from "../compose/zoned";

/** What can be done with a post in each of its states. */
const offered: Record<Post["state"], { publish?: true; schedule?: true; submit?: true; withdraw?: true; cancel?: true }> = {
  draft: { publish: true, schedule: true, submit: true, cancel: true },
  failed: { publish: true, schedule: true, submit: true, cancel: true },
  cancelled: { publish: true, schedule: true, submit: true },
  pending_approval: { withdraw: true, cancel: true },
  approved: { publish: true, schedule: true, cancel: true },
  scheduled: { publish: true, schedule: true, cancel: true },
  needs_attention: {},
  publishing: {},
  published: {},
  partially_published: {},
};

/** What can be done with the whole post now. */
export function Actions({ customerId, post, checks }: { customerId: string; post: Versioned; checks: Check[] }) {
  const customer = useCustomer();
  if (customer === undefined) return null;
  return <Buttons customerId={customerId} customer={customer} post={post} checks={checks} />;
}

function Buttons({ customerId, customer, post, checks }: { customerId: string; customer: Schemas["Customer"]; post: Versioned; checks: Check[] }) {
  const { t } = useTranslation("posts");
  const { t: composer } = useTranslation("composer");
  const [asking, { open: ask, close: closeAsk }] = useDisclosure();
  const [timing, { open: time, close: closeTime }] = useDisclosure();
  const params = { path: { customer_id: customerId, post_id: post.id } };
  const headers = { "If-Match": post.etag };
  const can = offered[post.state];
  const unapproved = customer.approval_required && post.state !== "approved" && post.state !== "scheduled";
  const schedule = (at: string) => data(fanfare.POST("/v1/customers/{customer_id}/posts/{post_id}/schedule", { params, body: { scheduled_at: at } }));
  const cancelled = () => data(fanfare.POST("/v1/customers/{customer_id}/posts/{post_id}/cancel", { params }));
  const undoTime = () => (post.state === "scheduled" && post.scheduled_at !== null ? schedule(post.scheduled_at) : cancelled());
  const said = (out: Post) => composer("done.scheduled", { time: out.scheduled_at === null ? "" : formatTime(out.scheduled_at, customer.time_zone) });
  const queue = useAct(customerId, () => data(fanfare.POST("/v1/customers/{customer_id}/posts/{post_id}/queue", { params, headers })), { done: said, undo: undoTime });
  const withdraw = useAct(customerId, () => data(fanfare.POST("/v1/customers/{customer_id}/posts/{post_id}/withdraw", { params, headers })), { done: () => t("done.withdrawn"), undo: () => data(fanfare.POST("/v1/customers/{customer_id}/posts/{post_id}/submit", { params, body: {} })) });
  const back = post.scheduled_at !== null && post.state === "scheduled" ? { undo: undoTime } : {};
  const cancel = useAct(customerId, () => data(fanfare.POST("/v1/customers/{customer_id}/posts/{post_id}/cancel", { params, headers })), { done: () => t("done.cancelled"), ...back });
  const publish = useAct(customerId, () => data(fanfare.POST("/v1/customers/{customer_id}/posts/{post_id}/publish", { params, headers })), { done: () => t("done.publishing"), quiet: true });
  const empty = post.platform_posts.length === 0;
  if (Object.keys(can).length === 0) return null;
  return (
    <Group gap="xs">
      {can.publish === true && !unapproved && (
        <Confirm danger={false} variant={post.state === "scheduled" ? "default" : "filled"} disabled={empty} leftSection={<IconSend size={16} aria-hidden />} title={composer("publish.title")} confirm={composer("publish.confirm")} act={() => publish.mutateAsync(undefined)} text={<PublishText checks={checks} count={post.platform_posts.length} />}>
          {composer("act.publish")}
        </Confirm>
      )}
      {can.submit === true && (
        <Button variant={unapproved ? "filled" : "default"} disabled={empty} leftSection={<IconCheck size={16} aria-hidden />} onClick={ask}>
          {composer(unapproved ? "act.submit" : "act.ask")}
        </Button>
      )}
      {can.schedule === true && !unapproved && (
        <>
          <Button variant="default" disabled={empty} leftSection={<IconCalendarPlus size={16} aria-hidden />} onClick={time}>
            {t(post.state === "scheduled" ? "move" : "schedule")}
          </Button>
          <Button variant="default" disabled={empty} leftSection={<IconPlayerPlay size={16} aria-hidden />} loading={queue.isPending} onClick={() => queue.mutate(undefined)}>
            {composer("act.queue")}
          </Button>
        </>
      )}
      {can.withdraw === true && (
        <Button variant="default" leftSection={<IconArrowBackUp size={16} aria-hidden />} loading={withdraw.isPending} onClick={() => withdraw.mutate(undefined)}>
          {t("withdraw")}
        </Button>
      )}
      {can.cancel === true && (
        <Button variant="subtle" color="gray" leftSection={<IconBan size={16} aria-hidden />} loading={cancel.isPending} onClick={() => cancel.mutate(undefined)}>
          {t("cancelPost")}
        </Button>
      )}
      {timing && <Timing customerId={customerId} post={post} zone={customer.time_zone} close={closeTime} undo={undoTime} />}
      {asking && <Asking customerId={customerId} post={post} close={closeAsk} />}
    </Group>
  );
}

/** Chooses the time at which it goes out. */
function Timing({ customerId, post, zone, close, undo }: { customerId: string; post: Versioned; zone: string; close: () => void; undo: () => Promise<unknown> }) {
  const { t } = useTranslation("posts");
  const { t: composer } = useTranslation("composer");
  const { t: common } = useTranslation();
  const [local, setLocal] = useState(() => (post.scheduled_at !== null && new Date(post.scheduled_at) > new Date() ? localOf(post.scheduled_at, zone) : nextHour(zone)));
  const [second, setSecond] = useState(false);
  const time = zoned(local, zone);
  const at = time === undefined ? undefined : second && time.second !== null ? time.second : time.at;
  const act = useAct(
    customerId,
    (when: string) => data(fanfare.POST("/v1/customers/{customer_id}/posts/{post_id}/schedule", { params: { path: { customer_id: customerId, post_id: post.id } }, body: { scheduled_at: when }, headers: { "If-Match": post.etag } })),
    { done: (out) => composer("done.scheduled", { time: out.scheduled_at === null ? "" : formatTime(out.scheduled_at, zone) }), undo, quiet: true },
  );
  return (
    <Modal opened onClose={close} title={t("schedule")} closeButtonProps={{ "aria-label": common("close") }} styles={{ title: { fontWeight: 600 } }}>
      <Stack>
        <TimeField label={composer("when.time")} zone={zone} value={local} onChange={setLocal} second={second} setSecond={setSecond} />
        {act.isError && <Problem error={act.error} />}
        <Group justify="flex-end">
          <Button variant="default" onClick={close}>
            {common("cancel")}
          </Button>
          <Button loading={act.isPending} disabled={at === undefined} onClick={() => at !== undefined && act.mutate(at, { onSuccess: close })}>
            {t(post.state === "scheduled" ? "move" : "schedule")}
          </Button>
        </Group>
      </Stack>
    </Modal>
  );
}

/** Submits it for approval, with a word for whoever approves. */
function Asking({ customerId, post, close }: { customerId: string; post: Versioned; close: () => void }) {
  const { t: composer } = useTranslation("composer");
  const { t: common } = useTranslation();
  const [comment, setComment] = useState("");
  const params = { path: { customer_id: customerId, post_id: post.id } };
  const act = useAct(customerId, () => data(fanfare.POST("/v1/customers/{customer_id}/posts/{post_id}/submit", { params, body: comment === "" ? {} : { comment }, headers: { "If-Match": post.etag } })), {
    done: () => composer("done.submitted"),
    undo: () => data(fanfare.POST("/v1/customers/{customer_id}/posts/{post_id}/withdraw", { params })),
    quiet: true,
  });
  return (
    <Modal opened onClose={close} title={composer("act.submit")} closeButtonProps={{ "aria-label": common("close") }} styles={{ title: { fontWeight: 600 } }}>
      <Stack>
        <Textarea label={composer("approval.comment")} maxLength={5000} autosize minRows={2} value={comment} onChange={(event) => setComment(event.currentTarget.value)} data-autofocus />
        {act.isError && <Problem error={act.error} />}
        <Group justify="flex-end">
          <Button variant="default" onClick={close}>
            {common("cancel")}
          </Button>
          <Button loading={act.isPending} onClick={() => act.mutate(undefined, { onSuccess: close })}>
            {composer("act.submit")}
          </Button>
        </Group>
      </Stack>
    </Modal>
  );
}
