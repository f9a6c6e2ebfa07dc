import { Group, Paper, SegmentedControl, Stack, Text, Title } from "@mantine/core";
import { diffWordsWithSpace } from "diff";
import { useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import type { Schemas } from "../../api";
import { Platform, platforms, type PlatformName } from "../../components/Platform";
import { When } from "../../components/When";
import { inOrder } from "../../lib/posts";
import classes from "./approvals.module.css";

type Post = Schemas["Post"];
type Content = Schemas["PostReviewContent"];

/** How long words are compared before both texts are shown whole. */
const PATIENCE = 200;

/** A text with what was added and taken away, word by word; `side` leaves out one of the two. */
function Words({ before, now, side }: { before: string; now: string; side?: "before" | "now" }) {
  const parts = useMemo(() => diffWordsWithSpace(before, now, { timeout: PATIENCE }) ?? [{ value: before, removed: true, added: false }, { value: now, removed: false, added: true }], [before, now]);
  return (
    <div className={classes.said} tabIndex={0} role="group">
      {parts.map(({ value, added, removed }, index) => {
        if (added) return side === "before" ? null : <ins key={index}>{value}</ins>;
        if (removed) return side === "now" ? null : <del key={index}>{value}</del>;
        return <span key={index}>{value}</span>;
      })}
    </div>
  );
}

function Compared({ before, now, beside }: { before: string; now: string; beside: boolean }) {
  const { t } = useTranslation("approvals");
  if (before === now || !beside) return <Words before={before} now={now} />;
  return (
    <div className={classes.beside}>
      {(["before", "now"] as const).map((side) => (
        <div key={side}>
          <Text size="xs" c="dimmed">
            {t(side)}
          </Text>
          <Words before={before} now={now} side={side} />
        </div>
      ))}
    </div>
  );
}

interface Version {
  integration_id: string;
  platform: PlatformName;
  text: string;
  options: Schemas["Options"];
}

/** All that a post says on one account: its text, the parts of its thread, its first comment. */
function saidOn(one: Version): string {
  const { thread, first_comment, subject, preview_text } = one.options;
  return [subject, preview_text, one.text, ...(thread ?? []).map((part) => part.text), first_comment].filter((text) => text !== undefined && text !== "").join("\n\n");
}

/** The settings of an account that are no text, in an order that does not depend on who wrote them. */
function settingsOf(one: Version): string {
  const settings: Record<string, unknown> = { ...one.options };
  for (const text of ["thread", "first_comment", "subject", "preview_text"]) delete settings[text];
  return Object.keys(settings)
    .sort()
    .map((key) => `${key}: ${JSON.stringify(settings[key])}`)
    .join("\n");
}

/** What a post says now on each of its accounts, and how that differs from what it said when it was last decided on. Accounts that say the same are shown as one. */
export function Difference({ post, before, by, names }: { post: Post; before: Content | undefined; by: string; names: Map<string, string> }) {
  const { t } = useTranslation("approvals");
  const [beside, setBeside] = useState(false);
  const groups = useMemo(() => {
    const found = new Map<string, { ids: string[]; platforms: PlatformName[]; now: string | undefined; before: string | undefined; settings: [string, string] }>();
    const ids = new Set(inOrder([...post.platform_posts, ...(before?.platform_posts ?? [])]).map((one) => one.integration_id));
    for (const id of ids) {
      const now = post.platform_posts.find((one) => one.integration_id === id);
      const then = before?.platform_posts.find((one) => one.integration_id === id);
      const texts = { now: now && saidOn(now), before: then && saidOn(then), settings: [then ? settingsOf(then) : "", now ? settingsOf(now) : ""] as [string, string] };
      const key = JSON.stringify(texts);
      const there = found.get(key) ?? { ids: [], platforms: [], ...texts };
      there.ids.push(id);
      there.platforms.push((now ?? then)!.platform);
      found.set(key, there);
    }
    return [...found.values()];
  }, [post, before]);
  const timeChanged = before !== undefined && before.scheduled_at !== post.scheduled_at && new Date(before.scheduled_at ?? 0).getTime() !== new Date(post.scheduled_at ?? 0).getTime();
  const changed = before !== undefined && (before.title !== post.title || timeChanged || before.media_ids.join() !== post.media_ids.join() || groups.some((group) => group.now !== group.before || group.settings[0] !== group.settings[1]));
  return (
    <Stack gap="sm">
      <Group justify="space-between">
        <Title order={3}>{before === undefined ? t("now") : t("changes")}</Title>
        {changed && (
          <SegmentedControl
            size="xs"
            aria-label={t("show")}
            data={[
              { value: "inline", label: t("inline") },
              { value: "beside", label: t("beside") },
            ]}
            value={beside ? "beside" : "inline"}
            onChange={(value) => setBeside(value === "beside")}
          />
        )}
      </Group>
      <Text size="xs" c="dimmed">
        {before === undefined ? t("first") : changed ? t("since", { name: by }) : t("same")}
      </Text>
      {(post.title !== "" || (before?.title ?? "") !== "") && (
        <div>
          <Text size="xs" c="dimmed">
            {t("titleOf")}
          </Text>
          <Compared before={before?.title ?? post.title} now={post.title} beside={beside} />
        </div>
      )}
      <div>
        <Text size="xs" c="dimmed">
          {t("time")}
        </Text>
        <Text size="sm" component="div">
          {timeChanged && before.scheduled_at !== null && (
            <>
              <del>
                <When at={before.scheduled_at} />
              </del>{" "}
            </>
          )}
          {post.scheduled_at === null ? t("noTime") : <When at={post.scheduled_at} />}
        </Text>
      </div>
      {groups.map((group) => (
        <Paper key={group.ids.join()} withBorder radius="md" p="sm">
          <Group gap="sm" mb="xs">
            {group.ids.map((id, index) => (
              <Text key={id} span size="xs" fw={500}>
                <Platform platform={group.platforms[index]!} name={names.get(id) ?? true} />
              </Text>
            ))}
            {before !== undefined && group.before === undefined && (
              <Text span size="xs" c="dimmed">
                {t("added")}
              </Text>
            )}
            {group.now === undefined && (
              <Text span size="xs" c="dimmed">
                {t("removed")}
              </Text>
            )}
          </Group>
          <Compared before={group.now === undefined ? group.before! : (group.before ?? group.now)} now={group.now ?? group.before!} beside={beside} />
          {before !== undefined && group.before !== undefined && group.now !== undefined && group.settings[0] !== group.settings[1] && (
            <>
              <Text size="xs" c="dimmed" mt="xs">
                {t("options", { platform: platforms[group.platforms[0]!].name })}
              </Text>
              <Compared before={group.settings[0]} now={group.settings[1]} beside={beside} />
            </>
          )}
        </Paper>
      ))}
      {before !== undefined && before.media_ids.join() !== post.media_ids.join() && <Files before={before.media_ids} now={post.media_ids} />}
    </Stack>
  );
}

function Files({ before, now }: { before: string[]; now: string[] }) {
  const { t } = useTranslation("approvals");
  const added = now.filter((id) => !before.includes(id)).length;
  const removed = before.filter((id) => !now.includes(id)).length;
  return <Text size="sm">{added + removed === 0 ? t("fileOrder") : t("filesChanged", { added, removed })}</Text>;
}
