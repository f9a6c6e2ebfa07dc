import { Button, Group, Text } from "@mantine/core";
import { IconAlertTriangle, IconCheck, IconCloudOff, IconDeviceFloppy, IconPencil, IconRefresh } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import type { Status } from "./saver";

const icons = { stored: IconCheck, typed: IconPencil, saving: IconRefresh, away: IconCloudOff, refused: IconAlertTriangle, conflict: IconAlertTriangle };

/** Whether what is typed is at the server, and the way to store it where it does not happen by itself. */
export function SaveState({ status, automatic, save, written }: { status: Status; automatic: boolean; save: () => Promise<unknown>; written: boolean }) {
  const { t } = useTranslation("composer");
  const Icon = icons[status.kind];
  if (!automatic && status.kind === "typed")
    return (
      <Button leftSection={<IconDeviceFloppy size={16} aria-hidden />} onClick={() => void save()}>
        {t("save.button")}
      </Button>
    );
  return (
    <Group gap={6} wrap="nowrap" role="status" c={status.kind === "refused" || status.kind === "conflict" ? "var(--mantine-color-error)" : "dimmed"}>
      {written && (
        <>
          <Icon size={16} aria-hidden />
          <Text size="sm" inherit>
            {t(`save.${status.kind}`)}
          </Text>
        </>
      )}
    </Group>
  );
}
