import { Alert, Button, Group, Paper, SimpleGrid, Stack, Text } from "@mantine/core";
import { IconGitMerge } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import type { Value, Values, Versions } from "../lib/versions";

/** A field of which there are two versions. */
interface Twice {
  label: string;
  theirs: Value | undefined;
  mine: Value | undefined;
}

/**
 * Shows what is there now beside what was typed, once somebody else has saved first, and lets one choose. Without `fields` there is nothing
 * to choose; have it there all the same, so that its words are when they are needed.
 */
export function BothVersions({ fields, busy, keepMine, takeTheirs }: { fields: Twice[] | undefined; busy: boolean; keepMine: () => void; takeTheirs: () => void }) {
  const { t } = useTranslation("conflict");
  const { t: common } = useTranslation();
  if (fields === undefined) return null;
  const shown = (value: Value | undefined) => (typeof value === "boolean" ? common(value ? "yes" : "no") : Array.isArray(value) ? value.join(", ") : (value ?? "")) || "–";
  const side = (title: string, value: Value | undefined) => (
    <Paper withBorder p="xs">
      <Text size="xs" fw={500}>
        {title}
      </Text>
      <Text size="sm" style={{ whiteSpace: "pre-wrap", overflowWrap: "anywhere", maxHeight: 240, overflowY: "auto" }} tabIndex={0}>
        {shown(value)}
      </Text>
    </Paper>
  );
  return (
    <Alert color="orange" icon={<IconGitMerge aria-hidden />} title={t("title")} role="alert">
      <Stack gap="sm">
        <Text size="sm">{t("text")}</Text>
        {fields.map(({ label, theirs, mine }) => (
          <Stack key={label} gap={4}>
            <Text size="sm" fw={600}>
              {label}
            </Text>
            <SimpleGrid cols={{ base: 1, sm: 2 }} spacing="xs">
              {side(t("theirs"), theirs)}
              {side(t("mine"), mine)}
            </SimpleGrid>
          </Stack>
        ))}
        <Group gap="xs">
          <Button size="xs" loading={busy} onClick={keepMine}>
            {t("keepMine")}
          </Button>
          <Button size="xs" variant="default" onClick={takeTheirs}>
            {t("takeTheirs")}
          </Button>
        </Group>
      </Stack>
    </Alert>
  );
}

/** Both versions of what is edited with `useVersions`. */
export function Conflict<V extends Values<V>>({ edit, labels, onSaved }: { edit: Versions<V>; labels: Record<keyof V & string, string>; onSaved?: () => void }) {
  const { current, values } = edit;
  const fields = current && (Object.keys(labels) as (keyof V & string)[]).filter((field) => JSON.stringify(current.values[field]) !== JSON.stringify(values[field]));
  return (
    <BothVersions
      fields={fields?.map((field) => ({ label: labels[field], theirs: current?.values[field], mine: values[field] }))}
      busy={edit.busy}
      keepMine={() => void edit.keepMine().then((saved) => saved && onSaved?.())}
      takeTheirs={edit.takeTheirs}
    />
  );
}
