import { Alert, Anchor, Button, Group, Select, Skeleton, Stack, Text } from "@mantine/core";
import { IconActivity, IconFilterOff } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import { customerKey, data, fanfare, type Schemas } from "../api";
import { Badged, type Look } from "../components/Badged";
import { Empty } from "../components/Empty";
import { Facts } from "../components/Facts";
import { Page } from "../components/Page";
import { Panel } from "../components/Panel";
import { Platform } from "../components/Platform";
import { Problem } from "../components/Problem";
import { Records, usePages } from "../components/Records";
import { State } from "../components/State";
import { When } from "../components/When";
import { useAddress } from "../lib/address";
import { formatNumber } from "../lib/time";
import { useCustomerId } from "../shell/customer";

type Job = Schemas["Job"];

const states = ["", "waiting", "running", "failed", "completed", "cancelled"] as const;
const looks: Record<Job["state"], Look> = { waiting: "waiting", running: "running", completed: "good", cancelled: "off", failed: "failed" };

/** Kinds of jobs, and the page that says more about what they do. */
const kinds = {
  publish: "posts",
  measure: "reports",
  webhook_delivery: "webhooks",
  webhook_email: "webhooks",
  check_integration: "connections",
  renew_authorization: "connections",
  revoke_authorization: "connections",
  end_credential: "connections",
  connection_email: "connections",
  check_mcp_server: "spaces",
  chat: "spaces",
  expire_pairing: "spaces",
  embed_memory: "spaces",
  invitation_email: "members",
  workspace: "workspaces",
  workspace_email: "workspaces",
  backup: "workspaces",
  drill: "workspaces",
  restore: "workspaces",
  export: "settings",
  erase: "settings",
  reseal: "settings",
} as const;
type Kind = keyof typeof kinds;

function isKind(kind: string): kind is Kind {
  return kind in kinds;
}

/** What Fanfare does by itself for the customer: what goes on, what waits, and what failed. */
export default function Activity() {
  const { t } = useTranslation("activity");
  const customerId = useCustomerId();
  const { get, one, set } = useAddress();
  const state = one("state", states);
  const kind = get("kind");
  const pages = usePages<Job>([...customerKey(customerId), "jobs"], (cursor) => fanfare.GET("/v1/customers/{customer_id}/jobs", { params: { path: { customer_id: customerId }, query: { cursor, limit: 100 } } }));
  const found = pages.items?.filter((job) => (state === "" || job.state === state) && (kind === "" || job.kind === kind));
  const opened = pages.items?.find((job) => job.id === get("job"));
  const filtered = state !== "" || kind !== "";
  const kindName = useKindName();
  const chosenKinds = [...new Set([...Object.keys(kinds), ...(kind === "" ? [] : [kind]), ...(pages.items ?? []).map((job) => job.kind)])];
  const more = pages.hasNextPage ? (
    <Button variant="default" onClick={() => void pages.fetchNextPage()} loading={pages.isFetchingNextPage}>
      {t("further")}
    </Button>
  ) : undefined;
  const empty = filtered ? (
    <Empty
      icon={IconFilterOff}
      title={t("nothing.title")}
      text={t("nothing.text", { count: pages.items?.length ?? 0 })}
      action={
        <Group>
          <Button variant="default" onClick={() => set({ state: undefined, kind: undefined })}>
            {t("all")}
          </Button>
          {more}
        </Group>
      }
    />
  ) : (
    <Empty
      icon={IconActivity}
      title={t("empty.title")}
      text={t("empty.text")}
      action={
        <Button component={Link} to={`/customers/${customerId}/posts/new`}>
          {t("empty.action")}
        </Button>
      }
    />
  );
  return (
    <Page title={t("title")} text={t("text")}>
      <Group gap="sm" align="flex-end">
        <Select label={t("state")} w={200} allowDeselect={false} data={states.map((value) => ({ value, label: value === "" ? t("anyState") : t(`states.${value}`) }))} value={state} onChange={(value) => set({ state: value ?? undefined })} />
        <Select
          label={t("kind")}
          w={260}
          searchable
          allowDeselect={false}
          data={[{ value: "", label: t("anyKind") }, ...chosenKinds.map((value) => ({ value, label: kindName(value) })).sort((a, b) => a.label.localeCompare(b.label))]}
          value={kind}
          onChange={(value) => set({ kind: value ?? undefined })}
        />
      </Group>
      {pages.items === undefined ? (
        <Records<Job> label={t("title")} pages={pages} rowKey={(job) => job.id} columns={[]} empty={empty} />
      ) : (
        <Records<Job>
          label={t("title")}
          rows={found}
          rowKey={(job) => job.id}
          open={(job) => set({ job: job.id }, true)}
          columns={[
            { title: t("what"), cell: (job) => <What job={job} /> },
            { title: t("state"), cell: (job) => <JobState job={job} /> },
            { title: t("attempts"), align: "right", cell: (job) => formatNumber(job.attempt) },
            { title: t("when"), cell: (job) => <When at={job.finished_at ?? job.scheduled_at} relative /> },
          ]}
          actions={(job) =>
            job.post_id === null ? null : (
              <Anchor component={Link} to={`/customers/${customerId}/posts/${job.post_id}`} size="sm">
                {t("post")}
              </Anchor>
            )
          }
          empty={empty}
        />
      )}
      {pages.isError && pages.items !== undefined && <Problem error={pages.error} retry={() => void pages.refetch()} />}
      {more !== undefined && (found?.length ?? 0) > 0 && <Group justify="center">{more}</Group>}
      <Panel title={opened === undefined ? "" : kindName(opened.kind)} opened={opened !== undefined} onClose={() => set({ job: undefined })}>
        {opened !== undefined && <JobDetail job={opened} />}
      </Panel>
    </Page>
  );
}

function useKindName() {
  const { t } = useTranslation("activity");
  return (kind: string) => (isKind(kind) ? t(`kinds.${kind}`) : kind);
}

function useJobPost(job: Job, enabled: boolean) {
  const customerId = useCustomerId();
  const postId = job.post_id ?? "";
  const post = useQuery({
    queryKey: [...customerKey(customerId), "post", postId, "job"],
    queryFn: () => data(fanfare.GET("/v1/customers/{customer_id}/posts/{post_id}", { params: { path: { customer_id: customerId, post_id: postId } } })),
    enabled: enabled && postId !== "",
  });
  return { ...post, platformPost: post.data?.platform_posts.find((candidate) => candidate.id === job.platform_post_id) };
}

/** What a job does, and for one that did not come to an end, why. */
function What({ job }: { job: Job }) {
  const kindName = useKindName();
  const troubled = job.state === "failed" || (job.state === "waiting" && job.attempt > 0);
  const { data: post, platformPost } = useJobPost(job, troubled);
  return (
    <Stack gap={2}>
      <Group gap={6}>
        <Text size="sm" fw={500}>
          {kindName(job.kind)}
        </Text>
        {platformPost !== undefined && <Platform platform={platformPost.platform} size={14} />}
        {post !== undefined && (
          <Text size="sm" c="dimmed" lineClamp={1}>
            {post.title || post.text}
          </Text>
        )}
      </Group>
      {platformPost !== undefined && platformPost.problem !== null && (
        <Text size="xs" c="dimmed" lineClamp={2}>
          {platformPost.problem}
        </Text>
      )}
    </Stack>
  );
}

function JobState({ job }: { job: Job }) {
  const { t } = useTranslation("activity");
  const retrying = job.state === "waiting" && job.attempt > 0;
  return <Badged look={retrying ? "attention" : looks[job.state]} word={retrying ? t("again") : t(`states.${job.state}`)} />;
}

function JobDetail({ job }: { job: Job }) {
  const { t } = useTranslation("activity");
  const { t: shell } = useTranslation("shell");
  const customerId = useCustomerId();
  const { data: post, platformPost, isLoading, isError, error, refetch } = useJobPost(job, true);
  const page = isKind(job.kind) ? kinds[job.kind] : undefined;
  return (
    <Stack>
      <Group>
        <JobState job={job} />
      </Group>
      <Text size="sm">{t(`means.${job.state}`)}</Text>
      {isLoading && <Skeleton height={64} />}
      {isError && <Problem error={error} retry={() => void refetch()} />}
      {platformPost !== undefined && platformPost.problem !== null && (
        <Alert color={job.state === "failed" ? "red" : "orange"} title={t("why")}>
          {platformPost.problem}
        </Alert>
      )}
      {post !== undefined && (
        <Stack gap={4}>
          <Group gap="xs">
            {platformPost !== undefined && <Platform platform={platformPost.platform} name />}
            <State state={platformPost?.state ?? post.state} />
          </Group>
          <Text size="sm" fw={500} lineClamp={3}>
            {post.title || post.text}
          </Text>
        </Stack>
      )}
      <Facts
        facts={[
          [t("attempts"), formatNumber(job.attempt)],
          [t("made"), <When key="made" at={job.created_at} />],
          [job.state === "waiting" ? (job.attempt > 0 ? t("nextTry") : t("due")) : "", job.state === "waiting" ? <When key="due" at={job.scheduled_at} /> : null],
          [t("began"), job.started_at === null ? null : <When key="began" at={job.started_at} />],
          [t("ended"), job.finished_at === null ? null : <When key="ended" at={job.finished_at} />],
          [t("id"), job.id],
        ]}
      />
      <Group>
        {job.post_id !== null && (
          <Button component={Link} to={`/customers/${customerId}/posts/${job.post_id}`}>
            {t("post")}
          </Button>
        )}
        {page !== undefined && job.post_id === null && (
          <Button component={Link} variant="default" to={`/customers/${customerId}/${page}`}>
            {t("page", { page: shell(`page.${page}`) })}
          </Button>
        )}
      </Group>
    </Stack>
  );
}
