import { Alert, Button, Group, Paper, SimpleGrid, Stack, Text } from "@mantine/core";
import { IconGitMerge } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import type { Versions } from "../lib/versions";

/** Shows what is there now beside what was typed, once somebody else has saved first, and lets one choose. */
export function Conflict<V extends Record<string, string>>({ edit, labels, onSaved }: { edit: Versions<V>; labels: Record<keyof V & string, string>; onSaved?: () => void }) {
  const { t } = useTranslation("campaigns");
  const { current, values } = edit;
  if (current === undefined) return null;
  const fields = (Object.keys(labels) as (keyof V & string)[]).filter((field) => current.values[field] !== values[field]);
  const side = (title: string, text: string | undefined) => (
    <Paper withBorder p="xs">
      <Text size="xs" fw={500}>
        {title}
      </Text>
      <Text size="sm" style={{ whiteSpace: "pre-wrap", overflowWrap: "anywhere", maxHeight: 240, overflowY: "auto" }} tabIndex={0}>
        {text === undefined || text === "" ? "–" : text}
      </Text>
    </Paper>
  );
  return (
    <Alert color="orange" icon={<IconGitMerge aria-hidden />} title={t("conflict.title")} role="alert">
      <Stack gap="sm">
        <Text size="sm">{t("conflict.text")}</Text>
        {fields.map((field) => (
          <Stack key={field} gap={4}>
            <Text size="sm" fw={600}>
              {labels[field]}
            </Text>
            <SimpleGrid cols={{ base: 1, sm: 2 }} spacing="xs">
              {side(t("conflict.theirs"), current.values[field])}
              {side(t("conflict.mine"), values[field])}
            </SimpleGrid>
          </Stack>
        ))}
        <Group gap="xs">
          <Button size="xs" loading={edit.busy} onClick={() => void edit.keepMine().then((saved) => saved && onSaved?.())}>
            {t("conflict.keepMine")}
          </Button>
          <Button size="xs" variant="default" onClick={edit.takeTheirs}>
            {t("conflict.takeTheirs")}
          </Button>
        </Group>
      </Stack>
    </Alert>
  );
}
