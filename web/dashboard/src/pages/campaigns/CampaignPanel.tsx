import { Alert, Anchor, Button, Divider, Group, SimpleGrid, Stack, Text, Textarea, TextInput, Title } from "@mantine/core";
import { IconArchive, IconTrash } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState, type FormEvent } from "react";
import { useTranslation } from "react-i18next";
import { changed, customerKey, data, fanfare, versioned, type Schemas } from "../../api";
import { Confirm } from "../../components/Confirm";
import { Conflict } from "../../components/Conflict";
import { Problem } from "../../components/Problem";
import { Skeletons } from "../../components/Skeletons";
import { State } from "../../components/State";
import { When } from "../../components/When";
import { tell } from "../../lib/act";
import { useDraft } from "../../lib/draft";
import { trimmed } from "../../lib/name";
import { labelOf } from "../../lib/posts";
import { useVersions, type Seen } from "../../lib/versions";
import { useCustomerId, useMay } from "../../shell/customer";

interface Values extends Record<string, string> {
  name: string;
  goal: string;
  starts_on: string;
  ends_on: string;
}

const empty: Values = { name: "", goal: "", starts_on: "", ends_on: "" };

/** Days that are not given are left out; those that were taken away are null. */
function body(values: Partial<Values>): Schemas["CampaignUpdate"] {
  const day = (field: "starts_on" | "ends_on") => (values[field] === undefined ? {} : { [field]: values[field] === "" ? null : values[field] });
  return { ...(values.name === undefined ? {} : { name: values.name }), ...(values.goal === undefined ? {} : { goal: values.goal }), ...day("starts_on"), ...day("ends_on") };
}

function Fields({ values, set, readOnly = false }: { values: Values; set: (field: keyof Values & string, value: string) => void; readOnly?: boolean }) {
  const { t } = useTranslation("campaigns");
  const { t: common } = useTranslation();
  return (
    <>
      <TextInput label={common("name")} required maxLength={200} readOnly={readOnly} value={values.name} onChange={(event) => set("name", event.currentTarget.value)} data-autofocus />
      <Textarea label={t("field.goal")} description={t("field.goalHint")} autosize minRows={3} maxRows={14} maxLength={10_000} readOnly={readOnly} value={values.goal} onChange={(event) => set("goal", event.currentTarget.value)} />
      <SimpleGrid cols={{ base: 1, xs: 2 }}>
        <TextInput type="date" label={t("field.first")} readOnly={readOnly} max={values.ends_on === "" ? undefined : values.ends_on} value={values.starts_on} onChange={(event) => set("starts_on", event.currentTarget.value)} />
        <TextInput type="date" label={t("field.last")} readOnly={readOnly} min={values.starts_on === "" ? undefined : values.starts_on} value={values.ends_on} onChange={(event) => set("ends_on", event.currentTarget.value)} />
      </SimpleGrid>
    </>
  );
}

/** Makes a campaign. */
export function NewCampaign({ done }: { done: (id: string) => void }) {
  const { t } = useTranslation("campaigns");
  const { t: common } = useTranslation();
  const customerId = useCustomerId();
  const draft = useDraft(`campaign.new.${customerId}`, empty);
  const [error, setError] = useState<unknown>();
  const [busy, setBusy] = useState(false);
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setBusy(true);
    setError(undefined);
    try {
      const { name, goal, starts_on: first, ends_on: last } = draft.value;
      const campaign = await data(
        fanfare.POST("/v1/customers/{customer_id}/campaigns", {
          params: { path: { customer_id: customerId } },
          body: { name: name.trim(), goal, ...(first === "" ? {} : { starts_on: first }), ...(last === "" ? {} : { ends_on: last }) },
        }),
      );
      draft.clear();
      tell(t("done.created"));
      await changed(customerId);
      done(campaign.id);
    } catch (problem) {
      setError(problem);
      setBusy(false);
    }
  };
  return (
    <form onSubmit={(event) => void submit(event)}>
      <Stack>
        <Fields values={draft.value} set={(field, value) => draft.set((before) => ({ ...before, [field]: value }))} />
        {error !== undefined && <Problem error={error} />}
        <Group justify="flex-end">
          <Button type="submit" loading={busy}>
            {common("create")}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

const seenOf = (campaign: Schemas["Campaign"] & { etag: string }): Seen<Values> & { archived: boolean } => ({
  values: { name: campaign.name, goal: campaign.goal, starts_on: campaign.starts_on ?? "", ends_on: campaign.ends_on ?? "" },
  etag: campaign.etag,
  archived: campaign.archived_at !== null,
});

/** A campaign: what it is, its posts, and what can be done with it. */
export function CampaignPanel({ campaignId, close }: { campaignId: string; close: () => void }) {
  const customerId = useCustomerId();
  const load = async () => seenOf(await versioned(fanfare.GET("/v1/customers/{customer_id}/campaigns/{campaign_id}", { params: { path: { customer_id: customerId, campaign_id: campaignId } } })));
  const seen = useQuery({ queryKey: [...customerKey(customerId), "campaigns", campaignId], queryFn: load, gcTime: 0, staleTime: Infinity, meta: { live: false }, refetchOnWindowFocus: false });
  if (seen.isError) return <Problem error={seen.error} retry={() => void seen.refetch()} />;
  if (seen.data === undefined) return <Skeletons />;
  return (
    <Stack>
      <Form campaignId={campaignId} seen={seen.data} archived={seen.data.archived} load={load} />
      <Divider />
      <Posts campaignId={campaignId} />
      <Divider />
      <Ending campaignId={campaignId} name={seen.data.values.name} archived={seen.data.archived} close={close} />
    </Stack>
  );
}

function Form({ campaignId, seen, archived, load }: { campaignId: string; seen: Seen<Values>; archived: boolean; load: () => Promise<Seen<Values>> }) {
  const { t } = useTranslation("campaigns");
  const { t: common } = useTranslation();
  const customerId = useCustomerId();
  const may = useMay("member");
  const edit = useVersions({
    draftKey: `campaign.${campaignId}`,
    seen,
    load,
    save: async (changes, etag) =>
      seenOf(await versioned(fanfare.PATCH("/v1/customers/{customer_id}/campaigns/{campaign_id}", { params: { path: { customer_id: customerId, campaign_id: campaignId }, header: { "If-Match": etag } }, body: body(trimmed(changes)) }))),
  });
  const saved = () => tell(t("done.saved"));
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        void edit.save().then((ok) => ok && saved());
      }}
    >
      <Stack>
        {archived && <Alert color="gray">{t("archivedText")}</Alert>}
        <Fields values={edit.values} set={edit.set} readOnly={!may} />
        <Conflict edit={edit} labels={{ name: common("name"), goal: t("field.goal"), starts_on: t("field.first"), ends_on: t("field.last") }} onSaved={saved} />
        {edit.error !== undefined && <Problem error={edit.error} />}
        {may && edit.dirty && (
          <Group justify="flex-end" gap="xs">
            <Button variant="default" onClick={edit.discard}>
              {common("discard")}
            </Button>
            <Button type="submit" loading={edit.busy}>
              {common("save")}
            </Button>
          </Group>
        )}
      </Stack>
    </form>
  );
}

function Posts({ campaignId }: { campaignId: string }) {
  const { t } = useTranslation("campaigns");
  const customerId = useCustomerId();
  const posts = useQuery({
    queryKey: [...customerKey(customerId), "posts", "campaign", campaignId],
    queryFn: () => data(fanfare.GET("/v1/customers/{customer_id}/posts", { params: { path: { customer_id: customerId }, query: { campaign_id: campaignId, limit: 5 } } })),
  });
  return (
    <Stack gap="xs">
      <Group justify="space-between">
        <Title order={3}>{t("posts.title")}</Title>
        {posts.data !== undefined && posts.data.items.length > 0 && (
          <Anchor size="sm" renderRoot={(props) => <Link to="/customers/$customerId/posts" params={{ customerId }} search={{ campaign: campaignId } as never} {...props} />}>
            {t("posts.all")}
          </Anchor>
        )}
      </Group>
      {posts.isError && <Problem error={posts.error} retry={() => void posts.refetch()} />}
      {posts.isPending && <Skeletons rows={2} height={28} />}
      {posts.data?.items.length === 0 && (
        <Text size="sm" c="dimmed">
          {t("posts.none")}
        </Text>
      )}
      {posts.data?.items.map((post) => (
        <Group key={post.id} justify="space-between" wrap="nowrap" gap="sm">
          <Anchor size="sm" truncate renderRoot={(props) => <Link to="/customers/$customerId/posts/$postId" params={{ customerId, postId: post.id }} {...props} />}>
            {labelOf(post)}
          </Anchor>
          <Group gap="xs" wrap="nowrap" style={{ flex: "none" }}>
            {post.scheduled_at !== null && <When at={post.scheduled_at} size="xs" c="dimmed" date />}
            <State state={post.state} />
          </Group>
        </Group>
      ))}
    </Stack>
  );
}

/** How a campaign ends: off the list, or gone. */
function Ending({ campaignId, name, archived, close }: { campaignId: string; name: string; archived: boolean; close: () => void }) {
  const { t } = useTranslation("campaigns");
  const customerId = useCustomerId();
  const may = useMay("member");
  const params = { path: { customer_id: customerId, campaign_id: campaignId } };
  const end = async (call: Promise<unknown>, text: string) => {
    await call;
    close();
    tell(text);
    await changed(customerId);
  };
  if (!may) return null;
  return (
    <Group>
      {!archived && (
        <Confirm
          title={t("archive.title", { name })}
          text={t("archive.text")}
          confirm={t("archive.confirm")}
          danger={false}
          act={() => end(fanfare.POST("/v1/customers/{customer_id}/campaigns/{campaign_id}/archive", { params }), t("done.archived"))}
          leftSection={<IconArchive size={16} aria-hidden />}
        >
          {t("archive.action")}
        </Confirm>
      )}
      <Confirm
        title={t("delete.title", { name })}
        text={t("delete.text")}
        confirm={t("delete.confirm")}
        act={() => end(fanfare.DELETE("/v1/customers/{customer_id}/campaigns/{campaign_id}", { params }), t("done.deleted"))}
        leftSection={<IconTrash size={16} aria-hidden />}
      >
        {t("delete.action")}
      </Confirm>
    </Group>
  );
}
