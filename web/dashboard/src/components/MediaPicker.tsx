import { Button, Group, Modal, SimpleGrid, Stack, Tabs, Text, UnstyledButton } from "@mantine/core";
import { useMediaQuery } from "@mantine/hooks";
import { IconCheck } from "@tabler/icons-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { customerKey, fanfare } from "../api";
import { formatBytes } from "../lib/time";
import { settings } from "../settings";
import { useCustomerId, useMay } from "../shell/customer";
import classes from "./MediaPicker.module.css";
import { isVideo, MediaThumb, nameOf, useFiles, type Media } from "./MediaThumb";
import { MediaUpload } from "./MediaUpload";
import { PhotoSearch } from "./PhotoSearch";
import { Problem } from "./Problem";
import { usePages } from "./Records";
import { Skeletons } from "./Skeletons";

/** The files of the library, the newest first. */
export function useLibrary() {
  const customerId = useCustomerId();
  return usePages<Media>([...customerKey(customerId), "media", "list"], (cursor) => fanfare.GET("/v1/customers/{customer_id}/media", { params: { path: { customer_id: customerId }, query: { cursor, limit: 48 } } }));
}

/**
 * Chooses files of the library, or new ones: uploaded, or found among photos; with `among`, of these alone. `onPick` gets those that were
 * added, in the order in which they were chosen; `chosen` are the ids of those that are chosen already.
 */
export function MediaPicker({ opened, onClose, onPick, chosen, among }: { opened: boolean; onClose: () => void; onPick: (media: Media[]) => void; chosen: string[]; among?: string[] | undefined }) {
  const { t } = useTranslation("media");
  const { t: common } = useTranslation();
  const pick = (media: Media[]) => {
    onPick(media);
    onClose();
  };
  const small = useMediaQuery("(max-width: 48em)", undefined, { getInitialValueInEffect: false });
  return (
    <Modal opened={opened} onClose={onClose} title={t("picker.title")} size="xl" fullScreen={small} closeButtonProps={{ "aria-label": common("close") }} styles={{ title: { fontWeight: 600 } }}>
      {among === undefined ? <Library chosen={chosen} pick={pick} /> : <Among ids={among} chosen={chosen} pick={pick} />}
    </Modal>
  );
}

interface ChoiceProps {
  chosen: string[];
  pick: (media: Media[]) => void;
}

function usePicked() {
  const [picked, setPicked] = useState<Media[]>([]);
  const has = (media: Media, list: Media[]) => list.some((one) => one.id === media.id);
  return {
    picked,
    toggle: (media: Media) => setPicked((before) => (has(media, before) ? before.filter((one) => one.id !== media.id) : [...before, media])),
    add: (media: Media) => setPicked((before) => (has(media, before) ? before : [...before, media])),
  };
}

/** Chooses of a few files. */
function Among({ ids, chosen, pick }: ChoiceProps & { ids: string[] }) {
  const files = useFiles(ids);
  const { picked, toggle } = usePicked();
  return (
    <Stack>
      <Files files={ids.flatMap((id) => files.get(id) ?? []).filter((media) => !chosen.includes(media.id))} picked={picked} toggle={toggle} />
      <Foot picked={picked} pick={pick} />
    </Stack>
  );
}

function Library({ chosen, pick }: ChoiceProps) {
  const { t } = useTranslation("media");
  const { t: common } = useTranslation();
  const library = useLibrary();
  const may = useMay("member");
  const { picked, toggle, add } = usePicked();
  const [tab, setTab] = useState<string | null>("library");
  const use = (media: Media) => {
    add(media);
    setTab("library");
  };
  const shown = library.items?.filter((media) => !chosen.includes(media.id));
  return (
    <Stack>
      <Tabs value={tab} onChange={setTab} keepMounted={false}>
        <Tabs.List mb="sm">
          <Tabs.Tab value="library">{t("picker.library")}</Tabs.Tab>
          {may && settings().images && <Tabs.Tab value="photos">{t("photos.title")}</Tabs.Tab>}
        </Tabs.List>
        <Tabs.Panel value="library">
          <Stack gap="sm">
            {may && <MediaUpload onDone={use} compact />}
            {library.isError && library.items === undefined && <Problem error={library.error} retry={() => void library.refetch()} />}
            {shown === undefined && !library.isError && <Skeletons rows={3} height={96} />}
            {shown !== undefined && <Files files={shown} picked={picked} toggle={toggle} />}
            {library.hasNextPage && (
              <Button variant="default" style={{ alignSelf: "center" }} onClick={() => void library.fetchNextPage()} loading={library.isFetchingNextPage}>
                {common("more")}
              </Button>
            )}
          </Stack>
        </Tabs.Panel>
        <Tabs.Panel value="photos">
          <PhotoSearch onUse={use} />
        </Tabs.Panel>
      </Tabs>
      <Foot picked={picked} pick={pick} />
    </Stack>
  );
}

function Files({ files, picked, toggle }: { files: Media[]; picked: Media[]; toggle: (media: Media) => void }) {
  const { t } = useTranslation("media");
  if (files.length === 0)
    return (
      <Text size="sm" c="dimmed" ta="center" py="lg">
        {t("picker.empty")}
      </Text>
    );
  return (
    <SimpleGrid cols={{ base: 2, xs: 3, sm: 4 }} spacing="sm">
      {files.map((media) => {
        const at = picked.findIndex((one) => one.id === media.id);
        const name = nameOf(media, t(isVideo(media) ? "video" : "unnamed"));
        return (
          <UnstyledButton key={media.id} className={classes.choice} aria-pressed={at >= 0} aria-label={[name, formatBytes(media.bytes), media.alt_text].filter(Boolean).join(", ")} onClick={() => toggle(media)}>
            <MediaThumb media={media} decorative />
            <Text size="xs" truncate mt={4}>
              {name}
            </Text>
            {at >= 0 && <span className={classes.number}>{picked.length > 1 ? at + 1 : <IconCheck size={14} aria-hidden />}</span>}
          </UnstyledButton>
        );
      })}
    </SimpleGrid>
  );
}

function Foot({ picked, pick }: { picked: Media[]; pick: (media: Media[]) => void }) {
  const { t } = useTranslation("media");
  return (
    <Group justify="space-between" className={classes.foot}>
      <Text size="sm" c="dimmed" aria-live="polite">
        {t("picker.chosen", { count: picked.length })}
      </Text>
      <Button disabled={picked.length === 0} onClick={() => pick(picked)}>
        {t("picker.use")}
      </Button>
    </Group>
  );
}
