import { Anchor, Button, Group, Stack, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { IconArrowsMove, IconExternalLink, IconPencil } from "@tabler/icons-react";
import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { customerKey, fanfare, versioned, type Schemas } from "../../api";
import { Panel } from "../../components/Panel";
import { Platform, platforms } from "../../components/Platform";
import { useCampaigns } from "../../components/PostFilters";
import { Problem } from "../../components/Problem";
import { Skeletons } from "../../components/Skeletons";
import { State } from "../../components/State";
import { When } from "../../components/When";
import { labelOf } from "../../lib/posts";
import { movable, type CalendarPost } from "./data";

type Post = Schemas["Post"] & { etag: string };

/** The main facts of a post, beside the calendar. */
export function PostPanel({ customerId, postId, mayWrite, move, onClose }: { customerId: string; postId: string | undefined; mayWrite: boolean; move: (post: CalendarPost) => void; onClose: () => void }) {
  const { t } = useTranslation("calendar");
  const post = useQuery({
    queryKey: [...customerKey(customerId), "posts", "one", postId],
    queryFn: () => versioned(fanfare.GET("/v1/customers/{customer_id}/posts/{post_id}", { params: { path: { customer_id: customerId, post_id: postId! } } })),
    enabled: postId !== undefined,
  });
  return (
    <Panel title={post.data === undefined ? t("posts.text") : labelOf(post.data)} opened={postId !== undefined} onClose={onClose} size="md">
      {post.data !== undefined ? <Facts customerId={customerId} post={post.data} mayWrite={mayWrite} move={move} /> : post.isError ? <Problem error={post.error} retry={() => void post.refetch()} /> : <Skeletons rows={4} />}
    </Panel>
  );
}

function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div>
      <Text size="xs" c="dimmed">
        {name}
      </Text>
      {children}
    </div>
  );
}

function Facts({ customerId, post, mayWrite, move }: { customerId: string; post: Post; mayWrite: boolean; move: (post: CalendarPost) => void }) {
  const { t } = useTranslation("calendar");
  const { t: common } = useTranslation();
  const campaign = useCampaigns()?.find((one) => one.id === post.campaign_id);
  const { scheduled_at, scheduled_local } = post;
  const params = { customerId, postId: post.id };
  const when = post.state === "scheduled" || post.state === "publishing" ? t("post.goesOut") : post.state === "published" || post.state === "partially_published" ? t("post.wentOut") : t("post.wouldGoOut");
  return (
    <Stack>
      <Group gap="xs">
        <Button size="xs" renderRoot={(props) => <Link to="/customers/$customerId/posts/$postId" params={params} {...props} />}>
          {t("post.open")}
        </Button>
        {mayWrite && ["draft", "pending_approval", "approved", "scheduled", "failed", "cancelled"].includes(post.state) && (
          <Button size="xs" variant="default" leftSection={<IconPencil size={14} aria-hidden />} renderRoot={(props) => <Link to="/customers/$customerId/posts/$postId/edit" params={params} {...props} />}>
            {common("edit")}
          </Button>
        )}
        {mayWrite && movable(post) && scheduled_at !== null && scheduled_local !== null && (
          <Button size="xs" variant="default" leftSection={<IconArrowsMove size={14} aria-hidden />} onClick={() => move({ ...post, scheduled_at, scheduled_local })}>
            {t("post.move")}
          </Button>
        )}
      </Group>
      <Group gap="xs">
        <State state={post.state} />
      </Group>
      {scheduled_at !== null && (
        <Fact name={when}>
          <When at={scheduled_at} />
        </Fact>
      )}
      <Fact name={t("posts.text")}>
        <Text size="sm" style={{ whiteSpace: "pre-wrap", overflowWrap: "anywhere" }} lineClamp={14}>
          {post.text.trim() === "" ? t("noText") : post.text.slice(0, 2000)}
        </Text>
      </Fact>
      <Fact name={t("post.accounts")}>
        <Stack gap={6} mt={4}>
          {post.platform_posts.map((one) => (
            <div key={one.id}>
              <Group gap="xs" justify="space-between">
                <Platform platform={one.platform} name />
                <Group gap="xs">
                  {one.external_url !== null && /^https?:\/\//.test(one.external_url) && (
                    <Anchor href={one.external_url} target="_blank" rel="noreferrer" size="xs" aria-label={t("post.at", { platform: platforms[one.platform].name })}>
                      <IconExternalLink size={14} aria-hidden />
                    </Anchor>
                  )}
                  <State state={one.state} />
                </Group>
              </Group>
              {one.problem !== null && (
                <Text size="xs" c="red">
                  {one.problem}
                </Text>
              )}
            </div>
          ))}
        </Stack>
      </Fact>
      {campaign !== undefined && (
        <Fact name={t("post.campaign")}>
          <Text size="sm">{campaign.name}</Text>
        </Fact>
      )}
      {post.recurring_post_id !== null && <Text size="sm">{t("post.recurring")}</Text>}
    </Stack>
  );
}
