import { Box, Skeleton } from "@mantine/core";
import { IconMovie, IconPhotoOff } from "@tabler/icons-react";
import { useEffect, useRef, type CSSProperties } from "react";
import { useTranslation } from "react-i18next";
import { useContent, type Media } from "./media";

/** A file as an image; videos are a sign, as they are fetched only to be played. `named`: what is around it says what it is. */
export function MediaThumb({ customerId, media, style, named = false }: { customerId: string; media: Media | undefined; style?: CSSProperties; named?: boolean }) {
  const { t } = useTranslation("composer");
  const image = useRef<HTMLImageElement>(null);
  const video = media?.content_type.startsWith("video/") === true;
  const content = useContent(customerId, media, !video);
  const blob = content.data;
  useEffect(() => {
    if (blob === undefined || image.current === null) return;
    const url = URL.createObjectURL(blob);
    image.current.src = url;
    return () => URL.revokeObjectURL(url);
  }, [blob]);
  const box: CSSProperties = { width: "100%", height: "100%", objectFit: "cover", display: "block", ...style };
  if (video || content.isError)
    return (
      <Box style={{ ...box, display: "grid", placeItems: "center" }} bg="var(--mantine-color-default-hover)" role="img" aria-label={media?.alt_text || (media?.name ?? t("media.gone"))}>
        {video ? <IconMovie size={24} aria-hidden /> : <IconPhotoOff size={24} aria-hidden />}
      </Box>
    );
  if (blob === undefined) return <Skeleton style={box} radius={0} />;
  return <img ref={image} alt={named ? "" : media?.alt_text || (media?.name ?? "")} style={box} />;
}
