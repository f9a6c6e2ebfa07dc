import { Group, Text } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { MediaThumb, useFiles } from "../../components/MediaThumb";

/** The files of a post, small, with what they say to those who cannot see them. */
export function Thumbs({ ids }: { ids: string[] }) {
  const { t } = useTranslation("approvals");
  const files = useFiles(ids);
  return (
    <div>
      <Text size="xs" c="dimmed" mb={4}>
        {t("files")}
      </Text>
      <Group gap="xs" align="flex-start">
        {ids.map((id) => {
          const file = files.get(id);
          return (
            <div key={id} style={{ width: 120 }}>
              <MediaThumb media={id} size={120} ratio={3 / 2} decorative={file !== undefined} />
              <Text size="xs" c="dimmed" lineClamp={2}>
                {file?.alt_text || file?.name}
              </Text>
            </div>
          );
        })}
      </Group>
    </div>
  );
}
