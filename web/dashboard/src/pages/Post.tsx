import { Alert, Anchor, Badge, Box, Button, Group, Paper, SegmentedControl, Stack, Text, Title } from "@mantine/core";
import { IconFlag, IconPencil, IconRepeat } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { Link, useParams } from "@tanstack/react-router";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { customerKey, data, fanfare } from "../api";
import { MediaThumb, useFiles } from "../components/MediaThumb";
import { Page } from "../components/Page";
import { Platform } from "../components/Platform";
import { Problem } from "../components/Problem";
import { Skeletons } from "../components/Skeletons";
import { State } from "../components/State";
import { When } from "../components/When";
import { inOrder, labelOf } from "../lib/posts";
import { zoneName } from "../lib/time";
import { useCustomer, useCustomerId, useMay } from "../shell/customer";
import { useAccounts } from "./compose/accounts";
import classes from "./compose/Composer.module.css";
import { draftOf, editable, type Account, type Versioned } from "./compose/model";
import { Preview } from "./compose/Previews";
import { loadPost, postKey } from "./compose/saver";
import { Actions } from "./post/Actions";
import { Approval } from "./post/Approval";
import { Metrics } from "./post/Metrics";
import { PlatformPosts } from "./post/PlatformPosts";
import { Recurrence } from "./post/Recurrence";
import { Reviews } from "./post/Reviews";

/** A post: what it says, where it is out, what went wrong, and what people said about it. */
export default function Post() {
  const customerId = useCustomerId();
  const { t } = useTranslation("posts");
  const { postId = "" }: { postId?: string } = useParams({ strict: false });
  const post = useQuery({ queryKey: postKey(customerId, postId), queryFn: () => loadPost(customerId, postId) });
  const accounts = useAccounts(customerId);
  if (post.data === undefined || accounts.data === undefined)
    return (
      <Page title={t("title")}>
        {post.isError ? <Problem error={post.error} retry={() => void post.refetch()} /> : accounts.isError ? <Problem error={accounts.error} retry={() => void accounts.refetch()} /> : <Skeletons rows={4} height={96} />}
      </Page>
    );
  return <Shown key={postId} customerId={customerId} post={post.data} accounts={new Map(accounts.data.map((account) => [account.id, account]))} />;
}

/** A post's title, or the first line of its text. */
function nameOf(post: Versioned): string {
  const line = labelOf({ title: post.title, text: post.text.trim().split("\n")[0] ?? "" }, 250);
  return post.title.trim() === "" && line.length > 70 ? `${line.slice(0, 70).trimEnd()}…` : line;
}

function Shown({ customerId, post, accounts }: { customerId: string; post: Versioned; accounts: ReadonlyMap<string, Account> }) {
  const { t: common } = useTranslation();
  const may = useMay("member");
  const asked = editable.includes(post.state) && post.platform_posts.length > 0;
  const check = useQuery({
    queryKey: [...postKey(customerId, post.id), "check", post.etag],
    queryFn: () => data(fanfare.GET("/v1/customers/{customer_id}/posts/{post_id}/check", { params: { path: { customer_id: customerId, post_id: post.id } } })),
    enabled: asked,
  });
  const checks = asked ? (check.data?.platforms ?? []) : [];
  const published = post.platform_posts.some((one) => one.state === "published");
  return (
    <Page
      wide
      title={nameOf(post)}
      actions={
        may && editable.includes(post.state) ? (
          <Button variant="default" leftSection={<IconPencil size={16} aria-hidden />} renderRoot={(props) => <Link to="/customers/$customerId/posts/$postId/edit" params={{ customerId, postId: post.id }} {...props} />}>
            {common("edit")}
          </Button>
        ) : undefined
      }
    >
      <Facts customerId={customerId} post={post} />
      {may && <Actions customerId={customerId} post={post} checks={checks} />}
      {post.state === "pending_approval" && <Approval key={post.etag} customerId={customerId} post={post} />}
      <div className={classes.columns}>
        <Stack gap="lg">
          <PlatformPosts customerId={customerId} post={post} accounts={accounts} checks={checks} />
          {published && <Metrics customerId={customerId} post={post} accounts={accounts} />}
          <Recurrence customerId={customerId} post={post} />
          <Reviews customerId={customerId} post={post} />
        </Stack>
        <Content customerId={customerId} post={post} accounts={accounts} />
      </div>
    </Page>
  );
}

/** In which state it is, when it goes or went out, and what it belongs to. */
function Facts({ customerId, post }: { customerId: string; post: Versioned }) {
  const { t } = useTranslation("posts");
  const campaign = useQuery({
    queryKey: [...customerKey(customerId), "campaigns", "one", post.campaign_id],
    queryFn: () => data(fanfare.GET("/v1/customers/{customer_id}/campaigns/{campaign_id}", { params: { path: { customer_id: customerId, campaign_id: post.campaign_id ?? "" } } })),
    enabled: post.campaign_id !== null,
  }).data;
  const zone = useCustomer()?.time_zone ?? post.time_zone;
  return (
    <Group gap="md">
      <State state={post.state} size="lg" />
      {post.scheduled_at !== null && (
        <Text size="sm">
          <When at={post.scheduled_at} fw={500} /> {zoneName(zone, new Date(post.scheduled_at))} (<When at={post.scheduled_at} relative />)
        </Text>
      )}
      {post.slot_at !== null && <Badge variant="light" color="blue" tt="none" fw={500}>{t("inSlot")}</Badge>}
      {post.recurring_post_id !== null && <Badge variant="light" color="gray" tt="none" fw={500} leftSection={<IconRepeat size={12} aria-hidden />}>{t("copy")}</Badge>}
      {campaign !== undefined && (
        <Anchor size="sm" renderRoot={(props) => <Link to="/customers/$customerId/campaigns" params={{ customerId }} {...props} />}>
          <Group gap={4} component="span" wrap="nowrap">
            <IconFlag size={14} aria-hidden />
            {campaign.name}
          </Group>
        </Anchor>
      )}
      {post.approved_at !== null && (
        <Text size="sm" c="dimmed">
          {t("approvedAt")} <When at={post.approved_at} />
        </Text>
      )}
      <Text size="sm" c="dimmed">
        {t("changedAt")} <When at={post.updated_at} relative />
      </Text>
    </Group>
  );
}

/** What it says, as each account shows it. */
function Content({ customerId, post, accounts }: { customerId: string; post: Versioned; accounts: ReadonlyMap<string, Account> }) {
  const { t } = useTranslation("posts");
  const draft = draftOf(post);
  const shown = inOrder(post.platform_posts).flatMap((one) => accounts.get(one.integration_id) ?? []);
  const [place, setPlace] = useState<string>();
  const account = shown.find((one) => one.id === place) ?? shown[0];
  const variant = draft.platforms.find((one) => one.integration_id === account?.id);
  const files = useFiles(post.media_ids);
  const missing = post.media_ids.filter((id) => files.get(id)?.alt_text === "").length;
  return (
    <Box className={classes.side} component="section" aria-label={t("content")} tabIndex={0}>
      <Stack gap="sm">
        <Title order={2}>{t("content")}</Title>
        {shown.length > 1 && account !== undefined && (
          <SegmentedControl
            aria-label={t("content")}
            value={account.id}
            onChange={setPlace}
            data={shown.map((one) => ({ value: one.id, label: <span title={one.name} style={{ display: "grid", placeItems: "center", height: 20 }}><Platform platform={one.platform} /></span> }))}
          />
        )}
        {account !== undefined && variant !== undefined ? (
          <Preview customerId={customerId} account={account} draft={draft} variant={variant} />
        ) : (
          <Paper withBorder p="md">
            <Text style={{ whiteSpace: "pre-wrap", overflowWrap: "anywhere" }}>{post.text}</Text>
            <div className={classes.files} style={{ marginTop: 12 }}>
              {post.media_ids.map((id) => (
                <MediaThumb key={id} media={id} size="100%" />
              ))}
            </div>
          </Paper>
        )}
        {post.platform_posts.length === 0 && <Alert color="blue">{t("noAccounts")}</Alert>}
        {missing > 0 && (
          <Text size="sm" c="dimmed">
            {t("altMissing", { count: missing })}
          </Text>
        )}
      </Stack>
    </Box>
  );
}
