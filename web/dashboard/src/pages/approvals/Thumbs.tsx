import { Group, Image, Text } from "@mantine/core";
import { useQueries } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { customerKey, data, fanfare } from "../../api";

/** The files of a post, small, with what they say to those who cannot see them. */
export function Thumbs({ customerId, ids }: { customerId: string; ids: string[] }) {
  const { t } = useTranslation("approvals");
  const files = useQueries({
    queries: ids.map((id) => ({
      queryKey: [...customerKey(customerId), "media", id],
      queryFn: () => data(fanfare.GET("/v1/customers/{customer_id}/media/{media_id}", { params: { path: { customer_id: customerId, media_id: id } } })),
      staleTime: 300_000,
    })),
  });
  return (
    <div>
      <Text size="xs" c="dimmed" mb={4}>
        {t("files")}
      </Text>
      <Group gap="xs" align="flex-start">
        {files.map(({ data: file }, index) => file !== undefined && <Thumb key={ids[index]} customerId={customerId} id={ids[index]!} name={file.name} alt={file.alt_text} image={file.content_type.startsWith("image/")} />)}
      </Group>
    </div>
  );
}

function Thumb({ customerId, id, name, alt, image }: { customerId: string; id: string; name: string; alt: string; image: boolean }) {
  const [address, setAddress] = useState<string>();
  useEffect(() => {
    if (!image) return;
    let made: string | undefined;
    const stop = new AbortController();
    fanfare
      .GET("/v1/customers/{customer_id}/media/{media_id}/content", { params: { path: { customer_id: customerId, media_id: id } }, parseAs: "blob", signal: stop.signal })
      .then(({ data: blob }) => {
        if (stop.signal.aborted || !(blob instanceof Blob)) return;
        made = URL.createObjectURL(blob);
        setAddress(made);
      })
      .catch(() => undefined); // its name stands there
    return () => {
      stop.abort();
      if (made !== undefined) URL.revokeObjectURL(made);
    };
  }, [customerId, id, image]);
  return (
    <div style={{ width: 120 }}>
      {address !== undefined && <Image src={address} alt={alt} h={80} w={120} fit="cover" radius="sm" />}
      <Text size="xs" c="dimmed" lineClamp={2}>
        {alt === "" ? name : alt}
      </Text>
    </div>
  );
}
