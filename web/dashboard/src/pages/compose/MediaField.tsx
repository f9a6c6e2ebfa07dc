import { ActionIcon, Button, FileButton, Group, Loader, Stack, Text, Textarea } from "@mantine/core";
import { IconArrowLeft, IconArrowRight, IconPhoto, IconUpload, IconX } from "@tabler/icons-react";
import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { data, fanfare } from "../../api";
import { MediaPicker } from "../../components/MediaPicker";
import { MediaThumb, mediaKey, useFiles, type Media } from "../../components/MediaThumb";
import { Sent, type Uploads } from "../../components/MediaUpload";
import { complain } from "../../lib/act";
import { ACCEPTED } from "../../lib/upload";
import { useMay } from "../../shell/customer";

/**
 * The files that are shown, in their order, each with its description for those who cannot see it. They come from the library or are
 * uploaded; with `among`, they are chosen of these alone.
 */
export function MediaField({ customerId, label, ids, onChange, uploads, among }: { customerId: string; label: string; ids: string[]; onChange: (ids: string[]) => void; uploads?: Uploads; among?: string[] }) {
  const { t } = useTranslation("composer");
  const [picking, setPicking] = useState(false);
  const files = useFiles(ids);
  const may = useMay("member");
  const move = (index: number, by: number) => {
    const next = [...ids];
    const [moved] = next.splice(index, 1);
    if (moved !== undefined) next.splice(index + by, 0, moved);
    onChange(next);
  };
  return (
    <Stack gap="sm" role="group" aria-label={label}>
      <Group justify="space-between" gap="xs">
        <Text fw={500} size="sm">
          {label}
        </Text>
        <Group gap="xs">
          <Button size="xs" variant="default" leftSection={<IconPhoto size={14} aria-hidden />} onClick={() => setPicking(true)}>
            {t(among === undefined ? "media.library" : "media.choose")}
          </Button>
          {uploads !== undefined && may && (
            <FileButton multiple accept={ACCEPTED} onChange={(chosen) => uploads.add(chosen)}>
              {(props) => (
                <Button size="xs" variant="default" leftSection={<IconUpload size={14} aria-hidden />} {...props}>
                  {t("media.upload")}
                </Button>
              )}
            </FileButton>
          )}
        </Group>
      </Group>
      {uploads !== undefined && ids.length === 0 && uploads.uploads.length === 0 && (
        <Text size="sm" c="dimmed">
          {t("media.hint")}
        </Text>
      )}
      {ids.map((id, index) => {
        const media = files.get(id);
        const name = media?.name ?? t("media.file", { number: index + 1 });
        return (
          <Group key={`${id}-${index}`} wrap="nowrap" align="flex-start" gap="sm">
            <MediaThumb media={id} size={88} />
            <Stack gap={4} flex={1} miw={0}>
              <Group justify="space-between" wrap="nowrap" gap={4}>
                <Text size="sm" truncate>
                  {name}
                </Text>
                <Group gap={2} wrap="nowrap">
                  <ActionIcon variant="subtle" color="gray" disabled={index === 0} onClick={() => move(index, -1)} aria-label={t("media.earlier", { name })}>
                    <IconArrowLeft size={16} />
                  </ActionIcon>
                  <ActionIcon variant="subtle" color="gray" disabled={index === ids.length - 1} onClick={() => move(index, 1)} aria-label={t("media.later", { name })}>
                    <IconArrowRight size={16} />
                  </ActionIcon>
                  <ActionIcon variant="subtle" color="gray" onClick={() => onChange(ids.filter((_, at) => at !== index))} aria-label={t("media.takeOut", { name })}>
                    <IconX size={16} />
                  </ActionIcon>
                </Group>
              </Group>
              {media !== undefined && uploads !== undefined && <AltText key={media.id} customerId={customerId} media={media} />}
            </Stack>
          </Group>
        );
      })}
      {uploads !== undefined && <Sent {...uploads} />}
      <MediaPicker opened={picking} onClose={() => setPicking(false)} chosen={ids} among={among} onPick={(picked) => onChange([...ids, ...picked.map((media) => media.id)])} />
    </Stack>
  );
}

/** The description of a file, stored when the field is left. */
function AltText({ customerId, media }: { customerId: string; media: Media }) {
  const { t } = useTranslation("composer");
  const cache = useQueryClient();
  const [text, setText] = useState(media.alt_text);
  const [busy, setBusy] = useState(false);
  const may = useMay("member");
  const store = async () => {
    if (text === media.alt_text) return;
    setBusy(true);
    try {
      const params = { path: { customer_id: customerId, media_id: media.id } };
      const next = await data(fanfare.PATCH("/v1/customers/{customer_id}/media/{media_id}", { params, body: { alt_text: text } }));
      cache.setQueryData(mediaKey(customerId, media.id), next);
    } catch (error) {
      complain(error);
    } finally {
      setBusy(false);
    }
  };
  return (
    <Textarea
      size="xs"
      label={t("media.alt")}
      description={text === "" ? t("media.altMissing") : undefined}
      inputWrapperOrder={["label", "input", "description"]}
      placeholder={t("media.altPlaceholder")}
      autosize
      minRows={1}
      maxLength={2000}
      readOnly={!may}
      value={text}
      onChange={(event) => setText(event.currentTarget.value)}
      onBlur={() => void store()}
      rightSection={busy ? <Loader size={14} /> : undefined}
    />
  );
}
