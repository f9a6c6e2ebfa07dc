import { Anchor, Badge, Button, CopyButton, Group, Stack, Text, Textarea, TextInput } from "@mantine/core";
import { IconAlertTriangle, IconPencil, IconTrash } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useState, type FormEvent, type KeyboardEvent } from "react";
import { useTranslation } from "react-i18next";
import { changed, customerKey, data, fanfare, versioned, type Schemas } from "../../api";
import { Confirm } from "../../components/Confirm";
import { Conflict } from "../../components/Conflict";
import { duration, isVideo, MediaThumb, nameOf, useBlobSource, useMediaContent, type Media } from "../../components/MediaThumb";
import { Credit } from "../../components/PhotoSearch";
import { Problem } from "../../components/Problem";
import { Skeletons } from "../../components/Skeletons";
import { When } from "../../components/When";
import { tell } from "../../lib/act";
import { formatBytes, formatNumber } from "../../lib/time";
import { useVersions, type Seen } from "../../lib/versions";
import { useCustomerId, useMay } from "../../shell/customer";
import classes from "./Media.module.css";

interface Values extends Record<string, string> {
  name: string;
  alt_text: string;
}

const valuesOf = (media: Media & { etag: string }): Seen<Values> => ({ values: { name: media.name, alt_text: media.alt_text }, etag: media.etag });

function useMediaVersions(mediaId: string) {
  const customerId = useCustomerId();
  const params = { path: { customer_id: customerId, media_id: mediaId } };
  return {
    customerId,
    load: async () => valuesOf(await versioned(fanfare.GET("/v1/customers/{customer_id}/media/{media_id}", { params }))),
    save: async (body: Schemas["MediaUpdate"], etag: string) => valuesOf(await versioned(fanfare.PATCH("/v1/customers/{customer_id}/media/{media_id}", { params: { ...params, header: { "If-Match": etag } }, body }))),
  };
}

/** The description of a file, edited where it stands. */
export function AltText({ media, may }: { media: Media; may: boolean }) {
  const { t } = useTranslation("media");
  const { t: common } = useTranslation();
  const [editing, setEditing] = useState(false);
  if (editing) return <Editor media={media} fields={["alt_text"]} close={() => setEditing(false)} />;
  return (
    <Group wrap={media.alt_text === "" ? "wrap" : "nowrap"} gap={4} align="flex-start" justify="space-between">
      {media.alt_text === "" ? (
        <Badge color="orange" variant="light" tt="none" fw={500} mt={3} style={{ flex: "none" }} leftSection={<IconAlertTriangle size={12} aria-hidden />}>
          {t("alt.missing")}
        </Badge>
      ) : (
        <Text size="sm" c="dimmed" lineClamp={2} style={{ overflowWrap: "anywhere" }}>
          {media.alt_text}
        </Text>
      )}
      {may && (
        <Button size="compact-sm" variant="subtle" style={{ flex: "none" }} leftSection={<IconPencil size={14} aria-hidden />} onClick={() => setEditing(true)} aria-label={`${media.alt_text === "" ? t("alt.add") : common("edit")}: ${nameOf(media, t("unnamed"))}`}>
          {media.alt_text === "" ? t("alt.add") : common("edit")}
        </Button>
      )}
    </Group>
  );
}

/** Fetches the version of a file that is edited. */
function Editor({ media, fields, close }: { media: Media; fields: ("name" | "alt_text")[]; close: () => void }) {
  const { customerId, load } = useMediaVersions(media.id);
  const seen = useQuery({ queryKey: [...customerKey(customerId), "media", media.id, "seen"], queryFn: load, gcTime: 0, staleTime: Infinity, meta: { live: false }, refetchOnWindowFocus: false });
  if (seen.isError) return <Problem error={seen.error} retry={() => void seen.refetch()} />;
  return seen.data === undefined ? <Skeletons rows={1} height={64} /> : <Form mediaId={media.id} seen={seen.data} fields={fields} close={close} />;
}

function Form({ mediaId, seen, fields, close }: { mediaId: string; seen: Seen<Values>; fields: ("name" | "alt_text")[]; close: () => void }) {
  const { t } = useTranslation("media");
  const { t: common } = useTranslation();
  const { customerId, load, save } = useMediaVersions(mediaId);
  const edit = useVersions({
    draftKey: `media.${mediaId}`,
    seen,
    load,
    save: async (changes, etag) => {
      const after = await save(changes, etag);
      const before = Object.fromEntries(Object.keys(changes).map((field) => [field, seen.values[field]]));
      tell(t(changes.alt_text === undefined ? "rename.saved" : "alt.saved"), { label: common("undo"), act: async () => { await save(before, after.etag); await changed(customerId); } });
      return after;
    },
  });
  const submit = async () => {
    if (!edit.dirty || (await edit.save())) close();
  };
  const keys = (event: KeyboardEvent) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) void submit();
  };
  return (
    <form
      onSubmit={(event: FormEvent) => {
        event.preventDefault();
        void submit();
      }}
    >
      <Stack gap="xs">
        {fields.includes("name") && <TextInput label={common("name")} maxLength={255} value={edit.values.name} onChange={(event) => edit.set("name", event.currentTarget.value)} />}
        <Textarea
          label={t("alt.label")}
          description={t("alt.hint")}
          autosize
          minRows={2}
          maxRows={8}
          maxLength={2000}
          autoFocus={fields.length === 1}
          value={edit.values.alt_text}
          onChange={(event) => edit.set("alt_text", event.currentTarget.value)}
          onKeyDown={keys}
        />
        {edit.dirty && edit.values.alt_text !== seen.values.alt_text && seen.values.alt_text !== "" && (
          <Text size="xs" c="dimmed">
            {t("alt.approval")}
          </Text>
        )}
        <Conflict edit={edit} labels={{ name: common("name"), alt_text: t("alt.label") }} onSaved={close} />
        {edit.error !== undefined && <Problem error={edit.error} />}
        <Group gap="xs" justify="flex-end">
          <Button
            size="xs"
            variant="default"
            onClick={() => {
              edit.discard();
              close();
            }}
          >
            {common("cancel")}
          </Button>
          <Button size="xs" type="submit" loading={edit.busy} disabled={!edit.dirty}>
            {common("save")}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

/** All that is known of a file, with what can be done with it. */
export function MediaDetail({ media, close }: { media: Media; close: () => void }) {
  const { t } = useTranslation("media");
  const { t: common } = useTranslation();
  const customerId = useCustomerId();
  const may = useMay("member");
  const [editing, setEditing] = useState(false);
  const name = nameOf(media, t("unnamed"));
  const remove = async () => {
    await data(fanfare.DELETE("/v1/customers/{customer_id}/media/{media_id}", { params: { path: { customer_id: customerId, media_id: media.id } } }));
    close();
    tell(t("delete.done"));
    await changed(customerId);
  };
  const facts: [string, React.ReactNode][] = [
    [t("detail.type"), media.content_type],
    [t("detail.size"), formatBytes(media.bytes)],
    ...(media.width === null || media.height === null ? [] : [[t("detail.pixels"), `${formatNumber(media.width)} × ${formatNumber(media.height)}`] as [string, React.ReactNode]]),
    ...(media.duration_ms === null ? [] : [[t("detail.length"), duration(media.duration_ms)] as [string, React.ReactNode]]),
    [t("detail.added"), <When key="at" at={media.created_at} />],
  ];
  return (
    <Stack>
      {isVideo(media) ? <Video media={media} /> : <MediaThumb media={media} fit="contain" ratio={media.width !== null && media.height !== null ? Math.max(0.6, media.width / media.height) : 1} />}
      {editing ? (
        <Editor media={media} fields={["name", "alt_text"]} close={() => setEditing(false)} />
      ) : (
        <>
          <div>
            <Text size="sm" fw={500}>
              {t("alt.label")}
            </Text>
            <Text size="sm" c={media.alt_text === "" ? "var(--mantine-color-orange-light-color)" : undefined} style={{ whiteSpace: "pre-wrap", overflowWrap: "anywhere" }}>
              {media.alt_text === "" ? t("alt.missing") : media.alt_text}
            </Text>
          </div>
          <dl className={classes.facts}>
            {facts.map(([title, value]) => (
              <Fact key={title} title={title} value={value} />
            ))}
            {media.credit !== undefined && (
              <Fact
                title={t("detail.credit")}
                value={
                  <Group gap="xs">
                    <Credit credit={media.credit} />
                    <CopyButton value={media.credit.text}>
                      {({ copied, copy }) => (
                        <Anchor component="button" type="button" size="xs" onClick={copy}>
                          {copied ? common("copied") : t("detail.copyCredit")}
                        </Anchor>
                      )}
                    </CopyButton>
                  </Group>
                }
              />
            )}
          </dl>
          <Group>
            {may && (
              <Button variant="default" leftSection={<IconPencil size={16} aria-hidden />} onClick={() => setEditing(true)}>
                {common("edit")}
              </Button>
            )}
            {may && (
              <Confirm title={t("delete.title", { name })} text={t("delete.text")} confirm={t("delete.confirm")} act={remove} leftSection={<IconTrash size={16} aria-hidden />}>
                {t("delete.action")}
              </Confirm>
            )}
          </Group>
        </>
      )}
    </Stack>
  );
}

function Fact({ title, value }: { title: string; value: React.ReactNode }) {
  return (
    <>
      <dt>{title}</dt>
      <dd>{value}</dd>
    </>
  );
}

/** A video, which is fetched when somebody wants to see it. */
function Video({ media }: { media: Media }) {
  const { t } = useTranslation("media");
  const [wanted, setWanted] = useState(false);
  const content = useMediaContent(media.id, wanted);
  const source = useBlobSource<HTMLVideoElement>(content.data);
  if (content.data !== undefined) return <video ref={source} controls className={classes.video} aria-label={media.alt_text === "" ? media.name : media.alt_text} />;
  return (
    <Stack gap="xs">
      <MediaThumb media={media} ratio={16 / 9} />
      {content.isError && <Problem error={content.error} retry={() => void content.refetch()} />}
      <Button variant="default" loading={wanted && content.isFetching} onClick={() => setWanted(true)}>
        {t("detail.play", { size: formatBytes(media.bytes) })}
      </Button>
    </Stack>
  );
}
