import { Alert, Button, Group, Modal, Paper, SegmentedControl, Stack, Text, Textarea } from "@mantine/core";
import { IconUsers } from "@tabler/icons-react";
import { diffWordsWithSpace } from "diff";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Problem } from "../../components/Problem";
import { When } from "../../components/When";
import classes from "./Composer.module.css";
import { differences, draftOf, merged, type Account, type Difference, type Draft, type Versioned } from "./model";

/** Two people changed the post: both versions side by side, and what is to become of them. */
export function Conflict({ customerId, base, mine, theirs, accounts, resolve, take }: {
  customerId: string;
  base: Draft;
  mine: Draft;
  theirs: Versioned;
  accounts: ReadonlyMap<string, Account>;
  resolve: (draft: Draft) => Promise<void>;
  take: () => void;
}) {
  const { t } = useTranslation("composer");
  const [opened, setOpened] = useState(true);
  return (
    <>
      <Alert color="orange" icon={<IconUsers aria-hidden />} title={t("conflict.title")}>
        <Group justify="space-between" gap="xs">
          <Text size="sm">
            {t("conflict.text")} {t("conflict.changed")} <When at={theirs.updated_at} relative />
          </Text>
          <Button size="compact-sm" onClick={() => setOpened(true)}>
            {t("conflict.open")}
          </Button>
        </Group>
      </Alert>
      {opened && <Versions key={`${customerId} ${theirs.etag}`} base={base} mine={mine} theirs={theirs} accounts={accounts} resolve={resolve} take={take} close={() => setOpened(false)} />}
    </>
  );
}

function Versions({ base, mine, theirs, accounts, resolve, take, close }: { base: Draft; mine: Draft; theirs: Versioned; accounts: ReadonlyMap<string, Account>; resolve: (draft: Draft) => Promise<void>; take: () => void; close: () => void }) {
  const { t } = useTranslation("composer");
  const { t: common } = useTranslation();
  const other = draftOf(theirs);
  const list = differences(base, mine, other);
  // What only one of the two changed is theirs or mine; what both did begins as mine.
  const [chosen, setChosen] = useState<ReadonlyMap<string, string>>(() => new Map(list.map((one) => [one.key, one.mine === one.base ? one.theirs : one.mine])));
  const [merging, setMerging] = useState(false);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  const choose = (key: string, value: string) => setChosen(new Map(chosen).set(key, value));
  const run = (draft: Draft) => {
    setBusy(true);
    setError(undefined);
    resolve(draft)
      .then(close, setError)
      .finally(() => setBusy(false));
  };
  const shown = (difference: Difference, value: string): string => {
    if (["title", "text", "ownText"].includes(difference.kind)) return value === "" ? t("conflict.nothing") : value;
    if (value === "" || value === "null" || value === "[]" || value === "{}") return t("conflict.nothing");
    const parsed: unknown = JSON.parse(value);
    if (difference.kind === "accounts" && Array.isArray(parsed)) return parsed.map((id) => accounts.get(String(id))?.name ?? String(id)).join(", ");
    if (Array.isArray(parsed)) return t("conflict.files", { count: parsed.length });
    if (difference.kind === "options" && parsed !== null && typeof parsed === "object") return Object.entries(parsed).map(([name, part]) => `${name}: ${typeof part === "string" ? part : JSON.stringify(part)}`).join("\n");
    return t("conflict.other");
  };
  return (
    <Modal opened onClose={close} size="xl" title={t("conflict.title")} closeButtonProps={{ "aria-label": common("close") }} styles={{ title: { fontWeight: 600 } }}>
      <Stack>
        <Text size="sm">{t("conflict.explain")}</Text>
        {list.map((difference) => {
          const account = difference.integration_id === undefined ? "" : ` – ${accounts.get(difference.integration_id)?.name ?? ""}`;
          const label = `${t(`conflict.field.${difference.kind}`)}${account}`;
          const written = ["title", "text", "ownText"].includes(difference.kind);
          return (
            <Stack key={difference.key} gap={4} component="section" aria-label={label}>
              <Text fw={600} size="sm">
                {label}
              </Text>
              <div className={classes.versions}>
                <Version title={t("conflict.theirs")} from={written ? difference.base : undefined} text={shown(difference, difference.theirs)} />
                <Version title={t("conflict.mine")} from={written ? difference.base : undefined} text={shown(difference, difference.mine)} />
              </div>
              {merging &&
                (written ? (
                  <Textarea label={t("conflict.result")} autosize minRows={2} value={chosen.get(difference.key) ?? ""} onChange={(event) => choose(difference.key, event.currentTarget.value)} />
                ) : (
                  <SegmentedControl
                    aria-label={label}
                    value={chosen.get(difference.key) === difference.theirs ? "theirs" : "mine"}
                    onChange={(value) => choose(difference.key, value === "theirs" ? difference.theirs : difference.mine)}
                    data={[{ value: "theirs", label: t("conflict.theirs") }, { value: "mine", label: t("conflict.mine") }]}
                  />
                ))}
            </Stack>
          );
        })}
        {error !== undefined && <Problem error={error} />}
        <Group justify="flex-end" gap="xs">
          <Button variant="default" disabled={busy} onClick={take}>
            {t("conflict.take")}
          </Button>
          {!merging && (
            <Button variant="default" disabled={busy} onClick={() => setMerging(true)}>
              {t("conflict.merge")}
            </Button>
          )}
          <Button loading={busy} onClick={() => run(merging ? merged(mine, other, chosen) : mine)}>
            {merging ? t("conflict.saveMerged") : t("conflict.keep")}
          </Button>
        </Group>
      </Stack>
    </Modal>
  );
}

/** One of the two, with what it changed underlined. */
function Version({ title, from, text }: { title: string; from: string | undefined; text: string }) {
  return (
    <Paper withBorder p="xs">
      <Text size="xs" c="dimmed">
        {title}
      </Text>
      <Text size="sm" component="div" className={classes.version}>
        {from === undefined || text.length > 20_000
          ? text
          : diffWordsWithSpace(from, text)
              .filter((part) => !part.removed)
              .map((part, index) => (part.added ? <ins key={index}>{part.value}</ins> : part.value))}
      </Text>
    </Paper>
  );
}
