import { Alert, Anchor, Box, Button, Checkbox, Group, Paper, Select, Stack, Text, TextInput } from "@mantine/core";
import { IconArrowBackUp, IconCloudOff, IconInfoCircle, IconSparkles } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { useDebouncedValue } from "@mantine/hooks";
import { useEffect, useRef, useState, type ClipboardEvent, type DragEvent, type SyntheticEvent } from "react";
import { useTranslation } from "react-i18next";
import { customerKey, data, fanfare, FanfareError, paginate, type Schemas } from "../../api";
import { useUploads } from "../../components/MediaUpload";
import { Page } from "../../components/Page";
import { platforms } from "../../components/Platform";
import { Problem } from "../../components/Problem";
import { Skeletons } from "../../components/Skeletons";
import { State } from "../../components/State";
import { When } from "../../components/When";
import { tell } from "../../lib/act";
import { inOrder } from "../../lib/posts";
import { useStore } from "../../lib/store";
import { useCustomer } from "../../shell/customer";
import { useAccounts } from "./accounts";
import classes from "./Composer.module.css";
import { Conflict } from "./Conflict";
import { Generate } from "./Generate";
import { MediaField } from "./MediaField";
import { bodyOf, editable, hasTitle, lengthOf, LONGEST, textOf, tooLong, unhurried, type Account, type Check, type Draft, type Versioned } from "./model";
import { Planner } from "./Planner";
import { Previews } from "./Previews";
import { SaveState } from "./SaveState";
import { loadPost, NothingWritten, postKey, Saver, TooLong } from "./saver";
import { Texts } from "./Texts";

/** What the server says of a draft as it is typed: lengths, prices, and every rule that it would break. */
function useCheck(customerId: string, draft: Draft) {
  const written = draft.platforms.length > 0 && draft.text !== "" && !tooLong(draft);
  const [body] = useDebouncedValue(written ? JSON.stringify(bodyOf(draft)) : "", 400);
  return useQuery({
    queryKey: [...customerKey(customerId), "check", body],
    queryFn: ({ signal }) => data(fanfare.POST("/v1/customers/{customer_id}/posts/check", { params: { path: { customer_id: customerId } }, body: JSON.parse(body) as Schemas["PostCreate"], signal })),
    enabled: written && body !== "",
    placeholderData: (before) => before,
    staleTime: 60_000,
    gcTime: 60_000,
    meta: { live: false },
  });
}

/** A check with the length that the text has now, where it is too long for the server to count. */
function counted(check: Check, draft: Draft): Check {
  const variant = draft.platforms.find((one) => one.integration_id === check.integration_id);
  const length = variant === undefined ? 0 : lengthOf(textOf(draft, variant));
  return length > LONGEST ? { ...check, length, violations: check.violations.filter((violation) => violation.field !== "text") } : check;
}

/** Writes a post: left what it says, right what it will look like, below when it goes out. */
export function Composer({ customerId, post, prefill = {}, at, onMade }: { customerId: string; post: Versioned | null; prefill?: Partial<Draft>; at?: string | undefined; onMade?: (post: Versioned) => void }) {
  const { t } = useTranslation("composer");
  const { t: common } = useTranslation();
  const navigate = useNavigate();
  const customer = useCustomer();
  const [saver] = useState(() => new Saver(customerId, post, prefill, (made) => onMade?.(made)));
  const view = useStore(saver.view);
  const { draft, status } = view;
  const [place, setPlace] = useState("all");
  const [generating, setGenerating] = useState(false);
  const [over, setOver] = useState(false);
  const [sought, setSought] = useState(0);
  const [leaving, setLeaving] = useState(false);
  const writing = useRef<HTMLDivElement>(null);
  useEffect(() => saver.start(), [saver]);
  useEffect(() => {
    if (sought === 0) return;
    const problem = writing.current?.querySelector<HTMLElement>('input:not([type="checkbox"])[aria-invalid="true"], textarea[aria-invalid="true"]') ?? writing.current?.querySelector<HTMLElement>("[data-problem]");
    problem?.focus({ preventScroll: true });
    problem?.scrollIntoView({ block: "center" });
  }, [sought]);
  const postId = view.post?.id ?? "";
  const there = useQuery({ queryKey: postKey(customerId, postId), queryFn: () => loadPost(customerId, postId), enabled: postId !== "" }).data;
  useEffect(() => {
    if (there !== undefined) saver.seen(there);
  }, [saver, there]);
  const set = (change: Partial<Draft>) => saver.set((before) => ({ ...before, ...change }));
  const uploads = useUploads(({ id }) => saver.set((before) => ({ ...before, media_ids: [...before.media_ids, id] })));
  const accounts = useAccounts(customerId);
  const check = useCheck(customerId, draft);
  const campaigns = useQuery({
    queryKey: [...customerKey(customerId), "campaigns", "all"],
    queryFn: async () => {
      const all: Schemas["Campaign"][] = [];
      for await (const campaign of paginate((cursor) => fanfare.GET("/v1/customers/{customer_id}/campaigns", { params: { path: { customer_id: customerId }, query: { cursor, limit: 100, archived: true } } }))) all.push(campaign);
      return all;
    },
  });
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey) || document.querySelector("[aria-modal='true']") !== null) return;
      event.preventDefault();
      saver.save().catch((error: unknown) => {
        if (error instanceof NothingWritten) tell(t("save.nothing"));
        if (error instanceof TooLong) setSought((times) => times + 1);
      });
    };
    window.addEventListener("keydown", onKey);
    return () => window.removeEventListener("keydown", onKey);
  }, [saver, t]);

  const known = new Map((accounts.data ?? []).map((account) => [account.id, account]));
  const state = view.post?.state ?? "draft";
  const mayEdit = editable.includes(state);
  const chosen = inOrder(draft.platforms.flatMap((variant) => known.get(variant.integration_id) ?? []));
  const checks = draft.platforms.length === 0 || draft.text === "" ? [] : (check.data?.platforms ?? []).map((one) => counted(one, draft));
  const checkOf = (account: Account) => checks.find((one) => one.integration_id === account.id);
  const shownAt = place === "all" || known.has(place) ? place : "all";
  /** Goes to what has to be solved first: where it is, if it is in an account's own text or options. */
  const lead = () => {
    const broken = checks.find((one) => one.violations.length > 0);
    const variant = draft.platforms.find((one) => (tooLong(draft) ? lengthOf(one.text ?? "") > LONGEST : one.integration_id === broken?.integration_id));
    const own = variant !== undefined && ((variant.text ?? "") !== "" || variant.media_ids !== null || broken?.violations.some((violation) => violation.field.startsWith("options.")));
    setPlace(own === true && lengthOf(draft.text) <= LONGEST ? variant.integration_id : "all");
    setSought((times) => times + 1);
  };
  /** Shows the post's page, and nothing of the composer while that is fetched: what it knows of the post is no longer so. */
  const leave = (id: string) => {
    setLeaving(true);
    void navigate({ to: "/customers/$customerId/posts/$postId", params: { customerId, postId: id } });
  };
  const copyToNew = () => {
    void navigator.clipboard.writeText(draft.text).then(() => tell(t("refused.copied")));
  };
  const onPaste = (event: ClipboardEvent) => {
    const files = [...event.clipboardData.files];
    if (files.length === 0 || !here(event)) return;
    event.preventDefault();
    uploads.add(files);
  };
  const onDrop = (event: DragEvent) => {
    setOver(false);
    if (event.dataTransfer.files.length === 0) return;
    event.preventDefault();
    if (here(event)) uploads.add([...event.dataTransfer.files]);
  };
  if (leaving)
    return (
      <Page wide title={post === null ? t("new") : t("edit")}>
        <Skeletons rows={4} height={96} />
      </Page>
    );
  const campaignOptions = (campaigns.data ?? []).filter((campaign) => campaign.archived_at === null || campaign.id === draft.campaign_id).map((campaign) => ({ value: campaign.id, label: campaign.name }));
  return (
    <Page
      wide
      title={post === null ? t("new") : t("edit")}
      actions={
        <>
          <SaveState status={status} automatic={unhurried.includes(state)} save={() => saver.save().catch(() => undefined)} written={draft.text !== ""} />
          <Button variant="default" leftSection={<IconSparkles size={16} aria-hidden />} onClick={() => setGenerating(true)}>
            {t("generate.open")}
          </Button>
          {view.post !== null && (
            <Button variant="default" renderRoot={(props) => <Link to="/customers/$customerId/posts/$postId" params={{ customerId, postId: view.post?.id ?? "" }} {...props} />}>
              {t("openPost")}
            </Button>
          )}
        </>
      }
    >
      {view.restored && (
        <Alert color="blue" icon={<IconArrowBackUp aria-hidden />} title={t("restored.title")} withCloseButton closeButtonLabel={common("close")} onClose={() => saver.noted()}>
          <Group justify="space-between" gap="xs">
            <Text size="sm">{t("restored.text")}</Text>
            <Button size="compact-sm" variant="default" onClick={() => saver.discard()}>
              {t("restored.discard")}
            </Button>
          </Group>
        </Alert>
      )}
      {status.kind === "away" && (
        <Alert color="orange" icon={<IconCloudOff aria-hidden />} title={t("away.title")}>
          {t("away.text")}
        </Alert>
      )}
      {status.kind === "refused" && (
        <Stack gap="xs">
          <Problem error={status.error} title={t("refused.title")} retry={() => void saver.save().catch(() => undefined)} />
          {status.error instanceof FanfareError && status.error.status === 409 && (
            <Group>
              <Button variant="default" onClick={copyToNew}>
                {t("refused.copy")}
              </Button>
              <Button variant="default" onClick={() => saver.discard()}>
                {t("refused.discard")}
              </Button>
            </Group>
          )}
        </Stack>
      )}
      {status.kind === "conflict" && <Conflict customerId={customerId} base={view.base?.draft ?? draft} mine={draft} theirs={status.theirs} accounts={known} resolve={(next) => saver.resolve(next, status.theirs)} take={() => saver.discard()} />}
      {view.post !== null && !unhurried.includes(state) && mayEdit && (
        <Alert color="blue" icon={<IconInfoCircle aria-hidden />} title={<State state={state} />}>
          {customer?.approval_required === true ? t("hurried.approval") : t("hurried.text")} {view.post.scheduled_at !== null && <When at={view.post.scheduled_at} fw={500} />}
        </Alert>
      )}
      {!mayEdit && view.post !== null && (
        <Alert color="orange" title={<State state={state} />}>
          {t("locked")}
        </Alert>
      )}
      <div className={classes.columns}>
        <Stack ref={writing} gap="lg" onPaste={onPaste} onDragOver={(event) => { if (event.dataTransfer.types.includes("Files")) { event.preventDefault(); setOver(true); } }} onDragLeave={() => setOver(false)} onDrop={onDrop} className={over ? classes.over : undefined}>
          <AccountsField customerId={customerId} accounts={accounts.data} draft={draft} fixed={state === "scheduled"} set={set} error={accounts.error} retry={() => void accounts.refetch()} />
          {(chosen.some((account) => hasTitle(account.platform)) || draft.title !== "") && (
            <TextInput label={t("title.label")} description={t("title.hint")} maxLength={255} value={draft.title} onChange={(event) => set({ title: event.currentTarget.value })} error={titleProblems(checks)} />
          )}
          <Texts customerId={customerId} draft={draft} accounts={chosen} checkOf={checkOf} checking={check.isFetching} problem={check.error} place={shownAt} setPlace={setPlace} set={set} saver={saver} />
          <Paper withBorder p="md">
            <MediaField customerId={customerId} label={t("media.title")} ids={draft.media_ids} onChange={(media_ids) => set({ media_ids })} uploads={uploads} />
          </Paper>
          <Select
            label={t("campaign.label")}
            description={t("campaign.hint")}
            placeholder={common("none")}
            clearable
            clearButtonProps={{ "aria-label": common("remove") }}
            searchable
            data={campaignOptions}
            value={draft.campaign_id}
            onChange={(campaign_id) => set({ campaign_id })}
          />
        </Stack>
        <Box className={classes.side} component="section" aria-label={t("preview.title")} tabIndex={0}>
          <Previews customerId={customerId} draft={draft} accounts={chosen} place={shownAt} setPlace={setPlace} />
        </Box>
      </div>
      {mayEdit && <Planner customerId={customerId} saver={saver} view={view} checks={checks} at={at} lead={lead} onDone={leave} />}
      {generating && <Generate customerId={customerId} draft={draft} accounts={(accounts.data ?? []).filter((account) => account.state !== "disconnected")} close={() => setGenerating(false)} take={(change) => saver.set(change)} />}
    </Page>
  );
}

/** Whether something happened in an element itself, and not in a dialog that was opened from it. */
function here({ currentTarget, target }: SyntheticEvent): boolean {
  return target instanceof Node && currentTarget.contains(target);
}

function titleProblems(checks: Schemas["PlatformCheck"][]) {
  const messages = [...new Set(checks.flatMap((check) => check.violations.filter((violation) => violation.field === "title").map((violation) => `${platforms[check.platform].name}: ${violation.message}`)))];
  return messages.length === 0 ? undefined : messages.join(" ");
}

/** To which accounts the post goes. */
function AccountsField({ customerId, accounts, draft, fixed, set, error, retry }: { customerId: string; accounts: Account[] | undefined; draft: Draft; fixed: boolean; set: (change: Partial<Draft>) => void; error: unknown; retry: () => void }) {
  const { t } = useTranslation("composer");
  if (accounts === undefined) return error === null ? <Box h={48} /> : <Problem error={error} retry={retry} />;
  const chosen = draft.platforms.map((variant) => variant.integration_id);
  const offered = inOrder(accounts.filter((account) => account.state !== "disconnected" || chosen.includes(account.id)));
  const link = (text: string) => (
    <Anchor renderRoot={(props) => <Link to="/customers/$customerId/connections" params={{ customerId }} {...props} />} size="sm" inherit>
      {text}
    </Anchor>
  );
  if (offered.length === 0)
    return (
      <Alert color="blue" icon={<IconInfoCircle aria-hidden />} title={t("accounts.none.title")}>
        {t("accounts.none.text")} {link(t("accounts.connect"))}
      </Alert>
    );
  const change = (ids: string[]) => {
    const kept = draft.platforms.filter((variant) => ids.includes(variant.integration_id));
    const added = ids.filter((id) => !chosen.includes(id)).map((id) => ({ integration_id: id, text: null, media_ids: null, options: {} }));
    set({ platforms: [...kept, ...added] });
  };
  return (
    <Checkbox.Group label={t("accounts.label")} description={fixed ? t("accounts.fixed") : undefined} value={chosen} onChange={change}>
      <Group gap="md" mt="xs">
        {offered.map((account) => {
          const { name, icon: Icon, color } = platforms[account.platform];
          const away = account.state !== "active";
          return (
            <Checkbox
              key={account.id}
              value={account.id}
              disabled={fixed}
              label={
                <Group gap={6} wrap="nowrap" component="span">
                  <Icon size={16} color={color} role="img" aria-label={name} style={{ flex: "none" }} />
                  <span style={{ overflowWrap: "anywhere" }}>{account.name}</span>
                </Group>
              }
              error={away ? t(account.state === "disconnected" ? "accounts.disconnected" : "accounts.reconnect") : undefined}
            />
          );
        })}
      </Group>
      {offered.some((account) => account.state === "needs_reauth") && <Text size="sm" mt={4}>{link(t("accounts.toConnections"))}</Text>}
    </Checkbox.Group>
  );
}
