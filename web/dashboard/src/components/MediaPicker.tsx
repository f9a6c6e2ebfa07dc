import { Button, Group, Modal, SimpleGrid, Stack, Tabs, Text, UnstyledButton } from "@mantine/core";
import { useMediaQuery } from "@mantine/hooks";
import { IconCheck } from "@tabler/icons-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { customerKey, fanfare } from "../api";
import { settings } from "../settings";
import { useCustomerId } from "../shell/customer";
import classes from "./MediaPicker.module.css";
import { isVideo, MediaThumb, nameOf, type Media } from "./MediaThumb";
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
 * Chooses files of the library, or new ones: uploaded, or found among photos. `onPick` gets those that were added, in the order in which
 * they were chosen; `chosen` are the ids of those that are chosen already, and `most` is how many more there may be.
 */
export function MediaPicker({ opened, onClose, onPick, chosen = [], most }: { opened: boolean; onClose: () => void; onPick: (media: Media[]) => void; chosen?: string[]; most?: number }) {
  const { t } = useTranslation("media");
  const { t: common } = useTranslation();
  const small = useMediaQuery("(max-width: 48em)", undefined, { getInitialValueInEffect: false });
  return (
    <Modal opened={opened} onClose={onClose} title={t("picker.title")} size="xl" fullScreen={small} closeButtonProps={{ "aria-label": common("close") }} styles={{ title: { fontWeight: 600 } }}>
      <Choice
        chosen={chosen}
        most={most}
        pick={(media) => {
          onPick(media);
          onClose();
        }}
      />
    </Modal>
  );
}

function Choice({ chosen, most, pick }: { chosen: string[]; most: number | undefined; pick: (media: Media[]) => void }) {
  const { t } = useTranslation("media");
  const { t: common } = useTranslation();
  const library = useLibrary();
  const [picked, setPicked] = useState<Media[]>([]);
  const [tab, setTab] = useState<string | null>("library");
  const full = most !== undefined && picked.length >= most;
  const toggle = (media: Media) => setPicked((before) => (before.some((one) => one.id === media.id) ? before.filter((one) => one.id !== media.id) : most === 1 ? [media] : full ? before : [...before, media]));
  const add = (media: Media) => {
    setPicked((before) => (most === 1 ? [media] : before.some((one) => one.id === media.id) || (most !== undefined && before.length >= most) ? before : [...before, media]));
    setTab("library");
  };
  const shown = library.items?.filter((media) => !chosen.includes(media.id));
  return (
    <Stack>
      <Tabs value={tab} onChange={setTab} keepMounted={false}>
        <Tabs.List mb="sm">
          <Tabs.Tab value="library">{t("picker.library")}</Tabs.Tab>
          {settings().images && <Tabs.Tab value="photos">{t("photos.title")}</Tabs.Tab>}
        </Tabs.List>
        <Tabs.Panel value="library">
          <Stack gap="sm">
            <MediaUpload onDone={add} compact />
            {library.isError && library.items === undefined && <Problem error={library.error} retry={() => void library.refetch()} />}
            {shown === undefined && !library.isError && <Skeletons rows={3} height={96} />}
            {shown !== undefined && shown.length === 0 && (
              <Text size="sm" c="dimmed" ta="center" py="lg">
                {t("picker.empty")}
              </Text>
            )}
            {shown !== undefined && (
              <SimpleGrid cols={{ base: 2, xs: 3, sm: 4 }} spacing="sm">
                {shown.map((media) => {
                  const at = picked.findIndex((one) => one.id === media.id);
                  return (
                    <UnstyledButton key={media.id} className={classes.choice} aria-pressed={at >= 0} disabled={full && at < 0 && most !== 1} onClick={() => toggle(media)}>
                      <MediaThumb media={media} decorative />
                      <Text size="xs" truncate mt={4}>
                        {nameOf(media, t(isVideo(media) ? "video" : "unnamed"))}
                      </Text>
                      {at >= 0 && <span className={classes.number}>{picked.length > 1 ? at + 1 : <IconCheck size={14} aria-hidden />}</span>}
                    </UnstyledButton>
                  );
                })}
              </SimpleGrid>
            )}
            {library.hasNextPage && (
              <Button variant="default" style={{ alignSelf: "center" }} onClick={() => void library.fetchNextPage()} loading={library.isFetchingNextPage}>
                {common("more")}
              </Button>
            )}
          </Stack>
        </Tabs.Panel>
        <Tabs.Panel value="photos">
          <PhotoSearch onUse={add} />
        </Tabs.Panel>
      </Tabs>
      <Group justify="space-between" className={classes.foot}>
        <Text size="sm" c="dimmed" aria-live="polite">
          {full && most !== 1 ? t("picker.full", { count: most }) : t("picker.chosen", { count: picked.length })}
        </Text>
        <Button disabled={picked.length === 0} onClick={() => pick(picked)}>
          {t("picker.use")}
        </Button>
      </Group>
    </Stack>
  );
}
