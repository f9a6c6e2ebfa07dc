import { Box, Center, Skeleton, Text } from "@mantine/core";
import { useIntersection } from "@mantine/hooks";
import { IconGif, IconPhotoOff, IconVideo } from "@tabler/icons-react";
import { useQueries, useQuery } from "@tanstack/react-query";
import { useCallback, type CSSProperties } from "react";
import { useTranslation } from "react-i18next";
import { customerKey, data, fanfare, type Schemas } from "../api";
import { useCustomerId } from "../shell/customer";
import classes from "./MediaThumb.module.css";

export type Media = Schemas["Media"];

/** Whether a file is a video. */
export function isVideo(media: Pick<Media, "content_type">): boolean {
  return media.content_type.startsWith("video/");
}

/** Under what is kept what is known of a file. */
export function mediaKey(customerId: string, mediaId: string) {
  return [...customerKey(customerId), "media", mediaId] as const;
}

function mediaQuery(customerId: string, mediaId: string) {
  return {
    queryKey: mediaKey(customerId, mediaId),
    queryFn: () => data(fanfare.GET("/v1/customers/{customer_id}/media/{media_id}", { params: { path: { customer_id: customerId, media_id: mediaId } } })),
  };
}

/** What is known of a file. */
export function useMedia(mediaId: string, known?: Media) {
  const customerId = useCustomerId();
  return useQuery({ ...mediaQuery(customerId, mediaId), enabled: known === undefined, initialData: known });
}

/** Files by their ids; those that are still fetched are not there yet. */
export function useFiles(ids: readonly string[]): ReadonlyMap<string, Media> {
  const customerId = useCustomerId();
  const answers = useQueries({ queries: [...new Set(ids)].map((id) => mediaQuery(customerId, id)) });
  return new Map(answers.flatMap(({ data: file }) => (file === undefined ? [] : [[file.id, file] as const])));
}

/** A file itself. It never changes, so it is fetched once, and kept for a while after it was shown. */
export function useMediaContent(mediaId: string, enabled: boolean) {
  const customerId = useCustomerId();
  return useQuery({
    queryKey: [...customerKey(customerId), "media", mediaId, "content"],
    queryFn: () => data(fanfare.GET("/v1/customers/{customer_id}/media/{media_id}/content", { params: { path: { customer_id: customerId, media_id: mediaId } }, parseAs: "blob" })),
    enabled,
    staleTime: Infinity,
    gcTime: 60_000,
    meta: { live: false },
    refetchOnWindowFocus: false,
  });
}

/** Gives an image or a video an address of a blob for as long as it is shown. */
export function useBlobSource<T extends HTMLImageElement | HTMLVideoElement>(blob: Blob | undefined) {
  return useCallback(
    (element: T | null) => {
      if (element === null || blob === undefined) return;
      const address = URL.createObjectURL(blob);
      element.src = address;
      return () => URL.revokeObjectURL(address);
    },
    [blob],
  );
}

/**
 * A small picture of a file of the library, fetched when it is about to be seen. Give its id, or the file where it is there already.
 * `decorative` is for where the file is named beside it; `fill`, for where what is around it has a size and corners.
 */
export function MediaThumb({ media, size, ratio = 1, fit = "cover", decorative = false, fill = false, style }: { media: string | Media; size?: number | string; ratio?: number; fit?: "cover" | "contain"; decorative?: boolean; fill?: boolean; style?: CSSProperties }) {
  const { t } = useTranslation("media");
  const { ref, entry } = useIntersection({ rootMargin: "240px" });
  const { data: file, isError: gone } = useMedia(typeof media === "string" ? media : media.id, typeof media === "string" ? undefined : media);
  const content = useMediaContent(typeof media === "string" ? media : media.id, entry?.isIntersecting === true && file !== undefined && !isVideo(file));
  const source = useBlobSource<HTMLImageElement>(content.data);
  const label = decorative ? "" : file === undefined ? t("file") : file.alt_text !== "" ? file.alt_text : t("thumbOf", { name: nameOf(file, t("unnamed")) });
  return (
    <Box ref={ref} className={classes.thumb} data-fill={fill || undefined} w={size} style={{ ...(fill ? {} : { aspectRatio: ratio }), ...style }}>
      {content.data !== undefined ? (
        <img key="picture" ref={source} alt={label} className={classes.picture} decoding="async" style={{ objectFit: fit }} draggable={false} />
      ) : file !== undefined && isVideo(file) ? (
        <Center h="100%" role={decorative ? undefined : "img"} aria-label={decorative ? undefined : label}>
          <IconVideo size={24} aria-hidden />
        </Center>
      ) : content.isError || (gone && file === undefined) ? (
        <Center h="100%" role={decorative ? undefined : "img"} aria-label={decorative ? undefined : t("notShown", { name: label })}>
          <IconPhotoOff size={24} aria-hidden />
        </Center>
      ) : (
        <Skeleton h="100%" radius={0} />
      )}
      {file !== undefined && (file.animated || isVideo(file)) && (
        <Text className={classes.mark} size="xs" component="span">
          {file.animated ? <IconGif size={16} aria-hidden /> : file.duration_ms === null ? <IconVideo size={14} aria-hidden /> : duration(file.duration_ms)}
        </Text>
      )}
    </Box>
  );
}

/** What a file is called. */
export function nameOf(media: Pick<Media, "name">, unnamed: string): string {
  return media.name === "" ? unnamed : media.name;
}

/** How long a video lasts, such as 1:05. */
export function duration(milliseconds: number): string {
  const seconds = Math.round(milliseconds / 1000);
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}
