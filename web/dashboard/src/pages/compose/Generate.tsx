import { Alert, Badge, Button, Checkbox, Group, Modal, NumberInput, Paper, Radio, Select, Stack, Switch, Text, Textarea } from "@mantine/core";
import { IconSparkles } from "@tabler/icons-react";
import { useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { changed, data, fanfare, FanfareError, type Schemas } from "../../api";
import { LanguageSelect } from "../../components/LanguageSelect";
import { Platform, platforms } from "../../components/Platform";
import { Problem } from "../../components/Problem";
import { tell } from "../../lib/act";
import { formatNumber } from "../../lib/time";
import { useDraft } from "../../lib/draft";
import { useCustomer } from "../../shell/customer";
import { generate, type Progress } from "./generation";
import { hasTitle, type Account, type Draft } from "./model";
import { useTemplates } from "./OptionsFields";
import { Violations } from "./Texts";

type Generated = Schemas["GeneratedPosts"];

/** Has a language model write the post for each chosen account, and takes what is chosen of it into the post. */
export function Generate({ customerId, draft, accounts, close, take }: { customerId: string; draft: Draft; accounts: Account[]; close: () => void; take: (change: (before: Draft) => Draft) => void }) {
  const { t } = useTranslation("composer");
  const { t: common } = useTranslation();
  const customer = useCustomer();
  const prompt = useDraft(`generate.${customerId}`, "");
  const [ids, setIds] = useState(() => (draft.platforms.length > 0 ? draft.platforms.map((variant) => variant.integration_id) : accounts.filter((account) => account.is_default).map((account) => account.id)));
  const [variants, setVariants] = useState(2);
  const [language, setLanguage] = useState<string>();
  const [template, setTemplate] = useState<string | null>(null);
  const [progress, setProgress] = useState<Progress>();
  const [answer, setAnswer] = useState<Generated>();
  const [error, setError] = useState<unknown>();
  const stop = useRef<AbortController>(undefined);
  useEffect(() => () => stop.current?.abort(), []);
  const chosen = accounts.filter((account) => ids.includes(account.id));
  const titled = chosen.some((account) => hasTitle(account.platform));
  const templates = useTemplates(customerId, titled) ?? [];
  const names = [...new Set(chosen.map((account) => account.platform))];
  const run = () => {
    const aborter = new AbortController();
    stop.current = aborter;
    setError(undefined);
    setProgress({ step: "started", characters: {} });
    const body: Schemas["PostGenerate"] = {
      prompt: prompt.value,
      integration_ids: ids,
      variants,
      campaign_id: draft.campaign_id,
      media_ids: draft.media_ids,
      ...(language === undefined ? {} : { language }),
      ...(template === null ? {} : { template_id: template }),
    };
    generate(customerId, body, (change) => setProgress((before) => change(before ?? { step: "started", characters: {} })), aborter.signal)
      .then(setAnswer, (problem: unknown) => {
        if (!aborter.signal.aborted) setError(problem);
      })
      .finally(() => setProgress(undefined));
  };
  return (
    <Modal opened onClose={close} size="xl" title={t("generate.title")} closeButtonProps={{ "aria-label": common("close") }} closeOnClickOutside={progress === undefined} styles={{ title: { fontWeight: 600 } }}>
      {answer === undefined ? (
        <Stack>
          <Textarea label={t("generate.prompt")} description={t("generate.promptHint")} autosize minRows={3} maxRows={12} maxLength={10_000} required value={prompt.value} onChange={(event) => prompt.set(event.currentTarget.value)} data-autofocus disabled={progress !== undefined} />
          <Checkbox.Group label={t("generate.accounts")} value={ids} onChange={setIds}>
            <Group gap="md" mt={4}>
              {accounts.map((account) => (
                <Checkbox key={account.id} value={account.id} label={<Platform platform={account.platform} name={account.name} />} disabled={progress !== undefined} />
              ))}
            </Group>
          </Checkbox.Group>
          <Group align="flex-end" gap="sm">
            <NumberInput label={t("generate.variants")} min={1} max={3} w={110} value={variants} onChange={(value) => setVariants(Math.min(3, Math.max(1, Number(value) || 1)))} disabled={progress !== undefined} allowDecimal={false} />
            <LanguageSelect label={t("generate.language")} value={language ?? customer?.language ?? "en"} onChange={setLanguage} />
            {titled && templates.length > 0 && (
              <Select label={t("options.template.label")} clearable clearButtonProps={{ "aria-label": common("remove") }} placeholder={common("none")} data={templates.map((one) => ({ value: one.id, label: one.name }))} value={template} onChange={setTemplate} />
            )}
          </Group>
          {progress !== undefined && (
            <Paper withBorder p="sm" role="status">
              <Text size="sm" fw={500}>
                {t(`generate.step.${progress.step}`)}
              </Text>
              {names.map((platform) => (
                <Group key={platform} gap="xs">
                  <Platform platform={platform} name />
                  <Text size="sm" c="dimmed">
                    {t("generate.characters", { characters: formatNumber(progress.characters[platform] ?? 0) })}
                  </Text>
                </Group>
              ))}
            </Paper>
          )}
          {error !== undefined && <Refused error={error} />}
          <Group justify="flex-end">
            {progress !== undefined && (
              <Button variant="default" onClick={() => stop.current?.abort()}>
                {t("generate.stop")}
              </Button>
            )}
            <Button leftSection={<IconSparkles size={16} aria-hidden />} loading={progress !== undefined} disabled={prompt.value.trim() === "" || ids.length === 0} onClick={run}>
              {t("generate.run")}
            </Button>
          </Group>
        </Stack>
      ) : (
        <Candidates
          customerId={customerId}
          answer={answer}
          again={() => setAnswer(undefined)}
          take={(change) => {
            take(change);
            prompt.clear();
            close();
          }}
        />
      )}
    </Modal>
  );
}

/** Why nothing was written: no money is left, too much at once, or something else. */
function Refused({ error }: { error: unknown }) {
  const { t } = useTranslation("composer");
  if (!(error instanceof FanfareError) || (error.status !== 402 && error.status !== 429)) return <Problem error={error} />;
  return (
    <Alert color="orange" role="alert" title={t(error.status === 402 ? "generate.budget" : "generate.tooMuch")}>
      <Text size="sm">{error.message}</Text>
      {error.retryAfter !== undefined && <Text size="sm">{t("generate.retryAfter", { count: Math.ceil(error.retryAfter / 60) })}</Text>}
    </Alert>
  );
}

/** The posts that were written, of which one is taken, with the texts of the platforms that are chosen. */
function Candidates({ customerId, answer, again, take }: { customerId: string; answer: Generated; again: () => void; take: (change: (before: Draft) => Draft) => void }) {
  const { t } = useTranslation("composer");
  const [which, setWhich] = useState("0");
  const [without, setWithout] = useState<ReadonlySet<string>>(new Set());
  const [keep, setKeep] = useState(false);
  const candidate = answer.posts[Number(which)];
  if (candidate === undefined) return null;
  const use = () => {
    const parts = candidate.platforms.filter((part) => !without.has(part.platform));
    take((before) => {
      const base = parts[0]?.text ?? before.text;
      const platformsOfPost = [...before.platforms];
      for (const part of parts)
        for (const id of part.integration_ids) {
          const at = platformsOfPost.findIndex((variant) => variant.integration_id === id);
          const own = part.text === base ? null : part.text;
          const old = platformsOfPost[at];
          if (old === undefined) platformsOfPost.push({ integration_id: id, text: own, media_ids: null, options: part.options });
          else platformsOfPost[at] = { ...old, text: own, options: { ...old.options, ...part.options } };
        }
      return { ...before, title: parts.find((part) => part.title !== undefined && part.title !== "")?.title ?? before.title, text: base, platforms: platformsOfPost };
    });
    // The texts are in the post that is being written; the drafts that came with them are in its way unless they are wanted.
    if (!keep)
      void Promise.allSettled(answer.posts.map(({ post }) => data(fanfare.POST("/v1/customers/{customer_id}/posts/{post_id}/cancel", { params: { path: { customer_id: customerId, post_id: post.id } } })))).then(() => changed(customerId));
    tell(t("generate.taken"));
  };
  return (
    <Stack>
      {!answer.context_used && <Alert color="orange">{t("generate.noContext")}</Alert>}
      {answer.posts.length > 1 && (
        <Radio.Group label={t("generate.choose")} value={which} onChange={setWhich}>
          <Group mt={4}>
            {answer.posts.map((post, index) => (
              <Radio key={post.post.id} value={String(index)} label={t("generate.candidate", { number: post.variant })} />
            ))}
          </Group>
        </Radio.Group>
      )}
      {candidate.platforms.map((part) => {
        const toggle = () => {
          const next = new Set(without);
          if (!next.delete(part.platform)) next.add(part.platform);
          setWithout(next);
        };
        return (
          <Paper key={part.platform} withBorder p="sm">
            <Stack gap="xs">
              <Group justify="space-between" gap="xs">
                <Checkbox checked={!without.has(part.platform)} onChange={toggle} label={<Platform platform={part.platform} name={t("generate.useFor", { platform: platforms[part.platform].name })} />} />
                <Group gap="xs">
                  {!part.connected && <Badge color="orange" variant="light" tt="none">{t("generate.notConnected")}</Badge>}
                  <Text size="sm" c={part.length > part.limit ? "var(--mantine-color-error)" : "dimmed"}>
                    {t("check.count", { length: formatNumber(part.length), limit: formatNumber(part.limit) })}
                  </Text>
                </Group>
              </Group>
              {part.title !== undefined && part.title !== "" && <Text fw={600}>{part.title}</Text>}
              <Text size="sm" style={{ whiteSpace: "pre-wrap", overflowWrap: "anywhere" }}>
                {part.text}
              </Text>
              {(part.options.thread ?? []).map((one, index) => (
                <Text key={index} size="sm" style={{ whiteSpace: "pre-wrap", overflowWrap: "anywhere" }} pl="sm">
                  {index + 2}. {one.text}
                </Text>
              ))}
              <Violations violations={part.violations} />
            </Stack>
          </Paper>
        );
      })}
      <Switch label={t("generate.keep")} description={t("generate.keepHint")} checked={keep} onChange={(event) => setKeep(event.currentTarget.checked)} />
      <Group justify="flex-end">
        <Button variant="default" onClick={again}>
          {t("generate.again")}
        </Button>
        <Button disabled={candidate.platforms.every((part) => without.has(part.platform))} onClick={use}>
          {t("generate.use")}
        </Button>
      </Group>
    </Stack>
  );
}
