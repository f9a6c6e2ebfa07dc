import { Badge, Box, Button, Divider, Group, List, Paper, Progress, Stack, Tabs, Text, Textarea } from "@mantine/core";
import { IconAlertTriangle, IconPlus, IconTrash } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import { FanfareError, type Schemas } from "../../api";
import { useUploads } from "../../components/MediaUpload";
import { Platform, platforms } from "../../components/Platform";
import { inWords } from "../../lib/problem";
import { formatNumber } from "../../lib/time";
import { lengthOf, LONGEST, mediaOf, type Account, type Check, type Draft, type Options, type Variant } from "./model";
import { MediaField } from "./MediaField";
import { OptionsFields } from "./OptionsFields";
import type { Saver } from "./saver";

interface Props {
  customerId: string;
  draft: Draft;
  accounts: Account[];
  checkOf: (account: Account) => Check | undefined;
  checking: boolean;
  problem: unknown;
  place: string;
  setPlace: (place: string) => void;
  set: (change: Partial<Draft>) => void;
  saver: Saver;
}

/** What is wrong with a text is no reason to write all of it in red. */
const written = { input: { color: "var(--mantine-color-text)" } };

/** What the post says: one text for all, and a tab for each account in which it can have its own. */
export function Texts({ customerId, draft, accounts, checkOf, problem, place, setPlace, set, saver }: Props) {
  const { t } = useTranslation("composer");
  const { t: common } = useTranslation();
  const tooMuch = useTooMuch();
  const said = problem instanceof FanfareError && problem.status === 422 ? inWords(problem, common) : undefined;
  const shared = accounts.filter((account) => (draft.platforms.find((variant) => variant.integration_id === account.id)?.text ?? "") === "");
  return (
    <Tabs value={place} onChange={(value) => setPlace(value ?? "all")} keepMounted={false}>
      <Tabs.List aria-label={t("text.tabs")}>
        <Tabs.Tab value="all">{t("text.all")}</Tabs.Tab>
        {accounts.map((account) => {
          const problems = checkOf(account)?.violations.length ?? 0;
          return (
            <Tabs.Tab
              key={account.id}
              value={account.id}
              rightSection={
                problems > 0 ? (
                  <Badge size="sm" color="red" variant="light" aria-label={t("check.problems", { count: problems })}>
                    {problems}
                  </Badge>
                ) : undefined
              }
            >
              <Platform platform={account.platform} name={account.name} />
            </Tabs.Tab>
          );
        })}
      </Tabs.List>
      <Tabs.Panel value="all" pt="md">
        <Stack gap="xs">
          <Textarea
            label={t("text.label")}
            description={t("text.hint")}
            placeholder={t("text.placeholder")}
            autosize
            minRows={7}
            maxRows={24}
            value={draft.text}
            onChange={(event) => set({ text: event.currentTarget.value })}
            styles={written}
            error={tooMuch(draft.text) ?? shared.some((account) => wrong(checkOf(account)))}
            data-autofocus
          />
          <Stack gap={4} aria-live="polite">
            {accounts.map((account) => (
              <Count key={account.id} account={account} check={checkOf(account)} own={(draft.platforms.find((variant) => variant.integration_id === account.id)?.text ?? "") !== ""} />
            ))}
          </Stack>
          {said !== undefined && (
            <Text size="sm" c="var(--mantine-color-error)">
              {[said.text, ...said.places].join(" ")}
            </Text>
          )}
        </Stack>
      </Tabs.Panel>
      {accounts.map((account) => {
        const variant = draft.platforms.find((one) => one.integration_id === account.id);
        return (
          variant !== undefined && (
            <Tabs.Panel key={account.id} value={account.id} pt="md">
              <OfAccount customerId={customerId} account={account} draft={draft} variant={variant} check={checkOf(account)} saver={saver} />
            </Tabs.Panel>
          )
        );
      })}
    </Tabs>
  );
}

/** Whether a rule of a platform about the text itself is broken. */
function wrong(check: Check | undefined): boolean {
  return check?.violations.some((violation) => violation.field === "text") ?? false;
}

/** What is said of a text that is longer than can be stored at all; undefined of others. */
function useTooMuch() {
  const { t } = useTranslation("composer");
  return (text: string) => {
    const length = lengthOf(text);
    return length > LONGEST ? t("text.tooLong", { length: formatNumber(length), most: formatNumber(LONGEST), over: formatNumber(length - LONGEST) }) : undefined;
  };
}

/** How long the text is there, as the platform counts, and what is wrong with it. */
function Count({ account, check, own }: { account: Account; check: Check | undefined; own: boolean }) {
  const { t } = useTranslation("composer");
  if (check === undefined) return null;
  const over = check.length > check.limit;
  return (
    <Box>
      <Group gap="xs" wrap="nowrap">
        <Platform platform={account.platform} />
        <Text size="sm" c={over ? "var(--mantine-color-error)" : "dimmed"} fw={over ? 600 : undefined} style={{ fontVariantNumeric: "tabular-nums", whiteSpace: "nowrap" }}>
          {t("check.count", { length: formatNumber(check.length), limit: formatNumber(check.limit) })}
        </Text>
        <Progress value={Math.min(100, (check.length / check.limit) * 100)} color={over ? "red" : check.length > check.limit * 0.9 ? "orange" : "accent"} size="xs" flex={1} aria-hidden />
        {own && (
          <Text size="xs" c="dimmed">
            {t("text.ownShort")}
          </Text>
        )}
      </Group>
      <Violations violations={check.violations} />
    </Box>
  );
}

/** Which rules of a platform are broken. */
export function Violations({ violations }: { violations: Schemas["Violation"][] }) {
  if (violations.length === 0) return null;
  return (
    <List data-problem tabIndex={-1} size="sm" c="var(--mantine-color-error)" icon={<IconAlertTriangle size={14} aria-hidden />} spacing={2} mt={4} center>
      {violations.map((violation, index) => (
        <List.Item key={index}>{violation.message}</List.Item>
      ))}
    </List>
  );
}

function OfAccount({ customerId, account, draft, variant, check, saver }: { customerId: string; account: Account; draft: Draft; variant: Variant; check: Check | undefined; saver: Saver }) {
  const { t } = useTranslation("composer");
  const tooMuch = useTooMuch();
  const change = (next: (before: Variant) => Partial<Variant>) =>
    saver.set((before) => ({ ...before, platforms: before.platforms.map((one) => (one.integration_id === account.id ? { ...one, ...next(one) } : one)) }));
  const setOptions = (options: Options) => change((before) => ({ options: { ...before.options, ...options } }));
  const uploads = useUploads(({ id }) => change((before) => ({ media_ids: [...(before.media_ids ?? []), id] })));
  const name = platforms[account.platform].name;
  const elsewhere = (check?.violations ?? []).filter((violation) => !violation.field.startsWith("options.") || violation.field === "options.thread");
  return (
    <Stack gap="md">
      {variant.text === null ? (
        <Paper withBorder p="sm">
          <Stack gap="xs" align="flex-start">
            <Text size="sm" c="dimmed">
              {t("text.same", { platform: name })}
            </Text>
            <Text size="sm" lineClamp={6} style={{ whiteSpace: "pre-wrap", overflowWrap: "anywhere" }}>
              {draft.text}
            </Text>
            <Button size="xs" variant="default" onClick={() => change(() => ({ text: draft.text }))}>
              {t("text.writeOwn", { platform: name })}
            </Button>
          </Stack>
        </Paper>
      ) : (
        <Stack gap="xs" align="stretch">
          <Textarea
            label={t("text.own", { platform: name })}
            description={variant.text === "" ? t("text.ownEmpty") : undefined}
            autosize
            minRows={6}
            maxRows={24}
            value={variant.text}
            styles={written}
            error={tooMuch(variant.text) ?? wrong(check)}
            onChange={(event) => {
              const { value } = event.currentTarget;
              change(() => ({ text: value }));
            }}
          />
          <Group>
            <Button size="xs" variant="default" onClick={() => change(() => ({ text: null }))}>
              {t("text.useAll")}
            </Button>
          </Group>
        </Stack>
      )}
      {check !== undefined && <Count account={account} check={{ ...check, violations: elsewhere }} own={false} />}
      {account.platform === "twitter" && <Thread customerId={customerId} variant={variant} draft={draft} check={check} setOptions={setOptions} />}
      <Paper withBorder p="md">
        {variant.media_ids === null ? (
          <Group justify="space-between" gap="xs">
            <Text size="sm" c="dimmed">
              {t("media.sameAsPost", { count: draft.media_ids.length })}
            </Text>
            <Button size="xs" variant="default" onClick={() => change(() => ({ media_ids: draft.media_ids }))}>
              {t("media.chooseOwn", { platform: name })}
            </Button>
          </Group>
        ) : (
          <Stack gap="xs">
            <MediaField customerId={customerId} label={t("media.own", { platform: name })} ids={variant.media_ids} onChange={(media_ids) => change(() => ({ media_ids }))} uploads={uploads} />
            <Group>
              <Button size="xs" variant="default" onClick={() => change(() => ({ media_ids: null }))}>
                {t("media.useAll")}
              </Button>
            </Group>
          </Stack>
        )}
      </Paper>
      <Divider label={t("options.title")} labelPosition="left" />
      <OptionsFields customerId={customerId} platform={account.platform} draft={draft} options={variant.options} set={setOptions} violations={check?.violations ?? []} />
    </Stack>
  );
}

/** The posts of a thread on X that follow the first. */
function Thread({ customerId, variant, draft, check, setOptions }: { customerId: string; variant: Variant; draft: Draft; check: Check | undefined; setOptions: (options: Options) => void }) {
  const { t } = useTranslation("composer");
  const parts = variant.options.thread ?? [];
  const setPart = (index: number, part: Partial<Schemas["ThreadPart"]>) => setOptions({ thread: parts.map((one, at) => (at === index ? { ...one, ...part } : one)) });
  const all = mediaOf(draft, variant);
  return (
    <Stack gap="xs">
      {parts.map((part, index) => {
        const length = check?.parts?.[index];
        const over = length !== undefined && check !== undefined && length > check.limit;
        return (
          <Paper key={index} withBorder p="sm">
            <Stack gap="xs">
              <Textarea
                label={t("thread.part", { number: index + 2 })}
                autosize
                minRows={2}
                maxLength={5000}
                value={part.text}
                onChange={(event) => setPart(index, { text: event.currentTarget.value })}
              />
              <Group justify="space-between" gap="xs">
                <Text size="sm" c={over ? "var(--mantine-color-error)" : "dimmed"}>
                  {length === undefined || check === undefined ? "" : t("check.count", { length: formatNumber(length), limit: formatNumber(check.limit) })}
                </Text>
                <Button size="compact-sm" variant="subtle" color="red" leftSection={<IconTrash size={14} aria-hidden />} onClick={() => setOptions({ thread: parts.filter((_, at) => at !== index) })}>
                  {t("thread.remove", { number: index + 2 })}
                </Button>
              </Group>
              {all.length > 0 && <MediaField customerId={customerId} label={t("thread.media", { number: index + 2 })} ids={part.media_ids ?? []} onChange={(media_ids) => setPart(index, { media_ids })} among={all} />}
            </Stack>
          </Paper>
        );
      })}
      {parts.length < 24 && (
        <Group>
          <Button size="xs" variant="default" leftSection={<IconPlus size={14} aria-hidden />} onClick={() => setOptions({ thread: [...parts, { text: "" }] })}>
            {t("thread.add")}
          </Button>
        </Group>
      )}
    </Stack>
  );
}
