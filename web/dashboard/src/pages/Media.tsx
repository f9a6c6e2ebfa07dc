import { Alert, Button, Checkbox, Modal, Paper, SimpleGrid, Stack, Text, UnstyledButton } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { IconPhoto, IconPhotoSearch } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import { Empty } from "../components/Empty";
import { useLibrary } from "../components/MediaPicker";
import { isVideo, MediaThumb, nameOf, useMedia, type Media as MediaFile } from "../components/MediaThumb";
import { MediaUpload } from "../components/MediaUpload";
import { Page } from "../components/Page";
import { Panel } from "../components/Panel";
import { PhotoSearch } from "../components/PhotoSearch";
import { Problem } from "../components/Problem";
import { Skeletons } from "../components/Skeletons";
import { useAddress } from "../lib/address";
import { settings } from "../settings";
import { useMay } from "../shell/customer";
import { AltText, MediaDetail } from "./media/MediaDetail";
import classes from "./media/Media.module.css";

/** The library: the files that posts show. */
export default function Media() {
  const { t } = useTranslation("media");
  const { t: common } = useTranslation();
  const may = useMay("member");
  const address = useAddress();
  const file = address.get("file") || undefined;
  const undescribed = address.get("undescribed") === "true";
  const library = useLibrary();
  const [searching, { open: search, close }] = useDisclosure();
  const shown = undescribed ? library.items?.filter((media) => media.alt_text === "") : library.items;
  const find = may && settings().images && (
    <Button variant="default" leftSection={<IconPhotoSearch size={16} aria-hidden />} onClick={search}>
      {t("photos.title")}
    </Button>
  );
  return (
    <Page title={t("title")} text={t("text")} actions={find === false ? undefined : find}>
      {may && <MediaUpload onDone={() => undefined} />}
      {library.isError && library.items === undefined && <Problem error={library.error} retry={() => void library.refetch()} />}
      {library.isPending && <Skeletons rows={3} height={180} />}
      {library.items?.length === 0 && <Empty icon={IconPhoto} title={t("empty.title")} text={t("empty.text")} action={find === false ? undefined : find} />}
      {library.items !== undefined && library.items.length > 0 && (
        <Checkbox label={t("alt.filter")} checked={undescribed} onChange={(event) => address.set({ undescribed: event.currentTarget.checked ? "true" : undefined })} />
      )}
      {shown !== undefined && shown.length === 0 && undescribed && <Alert color="green">{t("alt.allDescribed")}</Alert>}
      {shown !== undefined && shown.length > 0 && (
        <SimpleGrid cols={{ base: 1, xs: 2, sm: 3, lg: 4 }} spacing="md" component="ul" className={classes.list} aria-label={t("title")}>
          {shown.map((media) => (
            <Card key={media.id} media={media} may={may} open={() => address.set({ file: media.id }, true)} />
          ))}
        </SimpleGrid>
      )}
      {library.hasNextPage && (
        <Button variant="default" style={{ alignSelf: "center" }} onClick={() => void library.fetchNextPage()} loading={library.isFetchingNextPage}>
          {common("more")}
        </Button>
      )}
      <Opened mediaId={file} known={library.items?.find((media) => media.id === file)} close={() => address.set({ file: undefined }, true)} />
      <Modal opened={searching} onClose={close} title={t("photos.title")} size="xl" closeButtonProps={{ "aria-label": common("close") }} styles={{ title: { fontWeight: 600 } }}>
        <PhotoSearch onUse={() => undefined} />
      </Modal>
    </Page>
  );
}

function Card({ media, may, open }: { media: MediaFile; may: boolean; open: () => void }) {
  const { t } = useTranslation("media");
  return (
    <Paper withBorder radius="md" component="li" className={classes.card}>
      <UnstyledButton onClick={open} className={classes.open}>
        <MediaThumb media={media} ratio={4 / 3} decorative style={{ borderRadius: 0 }} />
        <Text size="sm" fw={500} truncate px="xs" pt="xs">
          {nameOf(media, t(isVideo(media) ? "video" : "unnamed"))}
        </Text>
      </UnstyledButton>
      <Stack p="xs" pt={4} gap={4}>
        <AltText media={media} may={may} />
      </Stack>
    </Paper>
  );
}

function Opened({ mediaId, known, close }: { mediaId: string | undefined; known: MediaFile | undefined; close: () => void }) {
  const { t } = useTranslation("media");
  return (
    <Panel title={known === undefined ? t("file") : nameOf(known, t("unnamed"))} opened={mediaId !== undefined} onClose={close}>
      {mediaId !== undefined && (known === undefined ? <Fetched key={mediaId} mediaId={mediaId} close={close} /> : <MediaDetail key={mediaId} media={known} close={close} />)}
    </Panel>
  );
}

function Fetched({ mediaId, close }: { mediaId: string; close: () => void }) {
  const media = useMedia(mediaId);
  if (media.isError) return <Problem error={media.error} retry={() => void media.refetch()} />;
  return media.data === undefined ? <Skeletons /> : <MediaDetail media={media.data} close={close} />;
}
