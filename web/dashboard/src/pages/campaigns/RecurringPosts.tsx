import { Alert, Anchor, Badge, Button, Code, Group, List, Select, Stack, Text, TextInput, Title } from "@mantine/core";
import { IconPlayerPause, IconPlayerPlay, IconRepeat, IconTrash } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import { changed, customerKey, data, fanfare, versioned, type Schemas } from "../../api";
import { Confirm } from "../../components/Confirm";
import { Conflict } from "../../components/Conflict";
import { Empty } from "../../components/Empty";
import { Panel } from "../../components/Panel";
import { Problem } from "../../components/Problem";
import { Records, usePages } from "../../components/Records";
import { Skeletons } from "../../components/Skeletons";
import { When } from "../../components/When";
import { tell, useAct } from "../../lib/act";
import { useAddress } from "../../lib/address";
import { labelOf } from "../../lib/posts";
import { formatTime, zoneName } from "../../lib/time";
import { useVersions, type Seen } from "../../lib/versions";
import { useCustomerId, useMay } from "../../shell/customer";
import { inWords } from "./rule";

type Recurring = Schemas["RecurringPost"];

const colors = { active: "blue", paused: "gray", ended: "gray" } as const;

/** The posts that recur, with what comes next of each. */
export function RecurringPosts() {
  const { t } = useTranslation("campaigns");
  const customerId = useCustomerId();
  const address = useAddress();
  const opened = address.get("recurring") || undefined;
  const pages = usePages<Recurring>([...customerKey(customerId), "recurring", "list"], (cursor) => fanfare.GET("/v1/customers/{customer_id}/recurring-posts", { params: { path: { customer_id: customerId }, query: { cursor } } }));
  const close = () => address.set({ recurring: undefined }, true);
  return (
    <>
      <Records<Recurring>
        label={t("tab.recurring")}
        pages={pages}
        rowKey={(recurring) => recurring.id}
        open={(recurring) => address.set({ recurring: recurring.id }, true)}
        columns={[
          { title: t("recurring.post"), width: "34%", cell: (recurring) => <PostTitle postId={recurring.post_id} /> },
          { title: t("recurring.rule"), cell: (recurring) => <Rule rule={recurring.rrule} /> },
          { title: t("recurring.next"), cell: (recurring) => (recurring.next_at === null ? "–" : <When at={recurring.next_at} />) },
          { title: t("recurring.state"), cell: (recurring) => <RecurringState recurring={recurring} /> },
        ]}
        empty={<Empty icon={IconRepeat} title={t("recurring.empty.title")} text={t("recurring.empty.text")} action={<NewPostLink />} />}
      />
      <Panel title={t("recurring.one")} opened={opened !== undefined} onClose={close}>
        {opened !== undefined && <Opened key={opened} recurringId={opened} close={close} />}
      </Panel>
    </>
  );
}

function NewPostLink() {
  const { t } = useTranslation("campaigns");
  const customerId = useCustomerId();
  return useMay("member") ? <Button renderRoot={(props) => <Link to="/customers/$customerId/posts/new" params={{ customerId }} {...props} />}>{t("recurring.empty.action")}</Button> : null;
}

function usePost(postId: string) {
  const customerId = useCustomerId();
  return useQuery({ queryKey: [...customerKey(customerId), "posts", postId, "title"], queryFn: () => data(fanfare.GET("/v1/customers/{customer_id}/posts/{post_id}", { params: { path: { customer_id: customerId, post_id: postId } } })) });
}

function PostTitle({ postId }: { postId: string }) {
  useTranslation(); // what has no title is called so in the language of the dashboard
  const post = usePost(postId).data;
  return (
    <Text span fw={500} lineClamp={2}>
      {post === undefined ? "…" : labelOf(post)}
    </Text>
  );
}

function Rule({ rule }: { rule: string }) {
  const { t } = useTranslation("campaigns");
  const words = inWords(rule, t);
  return words === undefined ? <Code style={{ overflowWrap: "anywhere" }}>{rule}</Code> : <>{words}</>;
}

function RecurringState({ recurring }: { recurring: Recurring }) {
  const { t } = useTranslation("campaigns");
  const color = recurring.problem !== null ? "orange" : colors[recurring.state];
  return (
    <Badge color={color} variant="light" tt="none" fw={500}>
      {recurring.problem !== null ? t("recurring.problem") : t(`recurring.states.${recurring.state}`)}
    </Badge>
  );
}

interface Values extends Record<string, string> {
  rrule: string;
  starts_local: string;
  time_zone: string;
}

const seenOf = (recurring: Recurring & { etag: string }): Seen<Values> => ({ values: { rrule: recurring.rrule, starts_local: recurring.starts_local.slice(0, 16), time_zone: recurring.time_zone }, etag: recurring.etag });

function Opened({ recurringId, close }: { recurringId: string; close: () => void }) {
  const { t } = useTranslation("campaigns");
  const customerId = useCustomerId();
  const may = useMay("member");
  const params = { path: { customer_id: customerId, recurring_post_id: recurringId } };
  const key = [...customerKey(customerId), "recurring", recurringId];
  const recurring = useQuery({ queryKey: key, queryFn: () => versioned(fanfare.GET("/v1/customers/{customer_id}/recurring-posts/{recurring_post_id}", { params })) });
  const pause = () => data(fanfare.POST("/v1/customers/{customer_id}/recurring-posts/{recurring_post_id}/pause", { params }));
  const resume = () => data(fanfare.POST("/v1/customers/{customer_id}/recurring-posts/{recurring_post_id}/resume", { params }));
  const toggle = useAct(customerId, (to: "pause" | "resume") => (to === "pause" ? pause() : resume()), {
    done: (_, to) => t(to === "pause" ? "done.paused" : "done.resumed"),
    undo: (_, to) => (to === "pause" ? resume() : pause()),
  });
  const remove = async () => {
    await fanfare.DELETE("/v1/customers/{customer_id}/recurring-posts/{recurring_post_id}", { params });
    close();
    tell(t("done.recurringDeleted"));
    await changed(customerId);
  };
  if (recurring.isError && recurring.data === undefined) return <Problem error={recurring.error} retry={() => void recurring.refetch()} />;
  if (recurring.data === undefined) return <Skeletons />;
  const { post_id: postId, state, problem, skipped } = recurring.data;
  return (
    <Stack>
      <Stack gap={4} align="flex-start">
        <PostTitle postId={postId} />
        <Group gap="xs">
          <RecurringState recurring={recurring.data} />
          <Anchor size="sm" renderRoot={(props) => <Link to="/customers/$customerId/posts/$postId" params={{ customerId, postId }} {...props} />}>
            {t("recurring.open")}
          </Anchor>
          {may && (
            <Anchor size="sm" renderRoot={(props) => <Link to="/customers/$customerId/posts/$postId/edit" params={{ customerId, postId }} {...props} />}>
              {t("recurring.editText")}
            </Anchor>
          )}
        </Group>
      </Stack>
      {problem !== null && (
        <Alert color="orange" title={t("recurring.problem")}>
          {problem}
        </Alert>
      )}
      {skipped > 0 && (
        <Text size="sm" c="dimmed">
          {t("recurring.skipped", { count: skipped })}
        </Text>
      )}
      {may && state !== "ended" && (
        <Button
          variant="default"
          style={{ alignSelf: "flex-start" }}
          loading={toggle.isPending}
          leftSection={state === "paused" ? <IconPlayerPlay size={16} aria-hidden /> : <IconPlayerPause size={16} aria-hidden />}
          onClick={() => toggle.mutate(state === "paused" ? "resume" : "pause")}
        >
          {t(state === "paused" ? "recurring.resume" : "recurring.pause")}
        </Button>
      )}
      {state === "active" && <Occurrences recurringId={recurringId} />}
      <Form recurringId={recurringId} seen={seenOf(recurring.data)} may={may} />
      {may && (
        <Group>
          <Confirm title={t("recurring.delete.title")} text={t("recurring.delete.text")} confirm={t("recurring.delete.confirm")} act={remove} leftSection={<IconTrash size={16} aria-hidden />}>
            {t("delete.action")}
          </Confirm>
        </Group>
      )}
    </Stack>
  );
}

/** The next times of a post that recurs, by the clocks of its zone. */
function Occurrences({ recurringId }: { recurringId: string }) {
  const { t } = useTranslation("campaigns");
  const customerId = useCustomerId();
  const next = useQuery({
    queryKey: [...customerKey(customerId), "recurring", recurringId, "occurrences"],
    queryFn: () => data(fanfare.GET("/v1/customers/{customer_id}/recurring-posts/{recurring_post_id}/occurrences", { params: { path: { customer_id: customerId, recurring_post_id: recurringId }, query: { limit: 6 } } })),
  });
  if (next.isError) return <Problem error={next.error} retry={() => void next.refetch()} />;
  if (next.data === undefined) return <Skeletons rows={3} height={24} />;
  const zone = next.data.time_zone;
  return (
    <Stack gap="xs">
      <Title order={3}>{t("recurring.times")}</Title>
      <List size="sm">
        {next.data.items.map((item) => (
          <List.Item key={item.at}>
            <time dateTime={item.at}>{formatTime(item.at, zone, { dateStyle: "full", timeStyle: "short" })}</time> {zoneName(zone, new Date(item.at))}
            {item.shift !== null && ` – ${t(`recurring.shift.${item.shift}`)}`}
            {item.post_id !== null && (
              <>
                {" · "}
                <Anchor inherit renderRoot={(props) => <Link to="/customers/$customerId/posts/$postId" params={{ customerId, postId: item.post_id ?? "" }} {...props} />}>
                  {t("recurring.copy")}
                </Anchor>
              </>
            )}
          </List.Item>
        ))}
      </List>
    </Stack>
  );
}

const usual = ["FREQ=DAILY", "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR", "FREQ=WEEKLY", "FREQ=WEEKLY;INTERVAL=2", "FREQ=MONTHLY"];

function Form({ recurringId, seen, may }: { recurringId: string; seen: Seen<Values>; may: boolean }) {
  const { t } = useTranslation("campaigns");
  const { t: common } = useTranslation();
  const customerId = useCustomerId();
  const params = { path: { customer_id: customerId, recurring_post_id: recurringId } };
  const edit = useVersions({
    draftKey: `recurring.${recurringId}`,
    seen,
    load: async () => seenOf(await versioned(fanfare.GET("/v1/customers/{customer_id}/recurring-posts/{recurring_post_id}", { params }))),
    save: async (changes, etag) => seenOf(await versioned(fanfare.PATCH("/v1/customers/{customer_id}/recurring-posts/{recurring_post_id}", { params: { ...params, header: { "If-Match": etag } }, body: changes }))),
  });
  const saved = () => tell(t("done.recurringSaved"));
  const known = usual.includes(edit.values.rrule) ? usual : [...usual, edit.values.rrule];
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        void edit.save().then((ok) => ok && saved());
      }}
    >
      <Stack gap="sm">
        <Title order={3}>{t("recurring.when")}</Title>
        <Select
          label={t("recurring.rule")}
          readOnly={!may}
          allowDeselect={false}
          data={known.map((rule) => ({ value: rule, label: inWords(rule, t) ?? rule }))}
          value={edit.values.rrule}
          onChange={(rule) => rule !== null && edit.set("rrule", rule)}
        />
        <TextInput label={t("recurring.ownRule")} description={t("recurring.ownRuleHint")} readOnly={!may} required maxLength={500} value={edit.values.rrule} onChange={(event) => edit.set("rrule", event.currentTarget.value.trim())} styles={{ input: { fontFamily: "var(--mantine-font-family-monospace)" } }} />
        <TextInput type="datetime-local" label={t("recurring.starts")} readOnly={!may} required value={edit.values.starts_local} onChange={(event) => edit.set("starts_local", event.currentTarget.value)} />
        <Select label={t("recurring.zone")} readOnly={!may} searchable allowDeselect={false} data={zones(edit.values.time_zone)} value={edit.values.time_zone} onChange={(zone) => zone !== null && edit.set("time_zone", zone)} />
        <Conflict edit={edit} labels={{ rrule: t("recurring.rule"), starts_local: t("recurring.starts"), time_zone: t("recurring.zone") }} onSaved={saved} />
        {edit.error !== undefined && <Problem error={edit.error} />}
        {may && edit.dirty && (
          <>
            <Text size="sm" c="dimmed">
              {t("recurring.remade")}
            </Text>
            <Group justify="flex-end" gap="xs">
              <Button variant="default" onClick={edit.discard}>
                {common("discard")}
              </Button>
              <Button type="submit" loading={edit.busy}>
                {common("save")}
              </Button>
            </Group>
          </>
        )}
      </Stack>
    </form>
  );
}

function zones(own: string): string[] {
  const all = Intl.supportedValuesOf("timeZone");
  return all.includes(own) ? all : [own, ...all];
}
