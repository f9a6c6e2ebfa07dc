import { Button, Group, Kbd, Paper, Stack, Text } from "@mantine/core";
import { useMediaQuery } from "@mantine/hooks";
import { IconChecklist } from "@tabler/icons-react";
import { Link } from "@tanstack/react-router";
import { useCallback, useEffect, useRef } from "react";
import { Trans, useTranslation } from "react-i18next";
import { customerKey, fanfare, type Schemas } from "../api";
import { Empty } from "../components/Empty";
import { Page } from "../components/Page";
import { Panel } from "../components/Panel";
import { Platform } from "../components/Platform";
import { Problem } from "../components/Problem";
import { usePages } from "../components/Records";
import { Skeletons } from "../components/Skeletons";
import { When } from "../components/When";
import { idOf, useAddress } from "../lib/address";
import { useKeys } from "../lib/keys";
import { labelOf, platformsOf } from "../lib/posts";
import { useCustomerId } from "../shell/customer";
import classes from "./approvals/approvals.module.css";
import { Review } from "./approvals/Review";

type Post = Schemas["Post"];


/** The posts that wait for approval, one after the other. */
export default function Approvals() {
  const { t } = useTranslation("approvals");
  const { t: common } = useTranslation();
  const customerId = useCustomerId();
  const { get, set: change } = useAddress();
  const chosen = idOf(get("post"));
  const small = useMediaQuery("(max-width: 62em)", false, { getInitialValueInEffect: false });
  const pages = usePages<Post>([...customerKey(customerId), "posts", "waiting"], (cursor) =>
    fanfare.GET("/v1/customers/{customer_id}/posts", { params: { path: { customer_id: customerId }, query: { state: ["pending_approval"], limit: 50, cursor } } }),
  );
  const posts = pages.items;
  const shown = chosen ?? (small ? undefined : posts?.[0]?.id);
  const focus = useRef(false);
  useEffect(() => {
    if (focus.current && shown !== undefined) document.getElementById(`waiting-${shown}`)?.focus();
    focus.current = false;
  }, [shown]);
  const step = (by: number) => () => {
    const at = posts?.findIndex((post) => post.id === shown) ?? -1;
    const next = posts?.[Math.min(Math.max(at + by, 0), posts.length - 1)];
    if (next === undefined) return false;
    focus.current = true;
    change({ post: next.id });
    return true;
  };
  useKeys({ j: step(1), k: step(-1) });
  const decided = useCallback(() => {
    const at = posts?.findIndex((post) => post.id === shown) ?? -1;
    change({ post: small ? undefined : (posts?.[at + 1] ?? posts?.[at - 1])?.id });
  }, [posts, shown, small, change]);
  return (
    <Page title={t("title")} text={t("text")} wide>
      {pages.isError && posts === undefined ? (
        <Problem error={pages.error} retry={() => void pages.refetch()} />
      ) : posts === undefined ? (
        <Skeletons />
      ) : posts.length === 0 && shown === undefined ? (
        <Empty
          icon={IconChecklist}
          title={t("empty.title")}
          text={t("empty.text")}
          action={
            <Button variant="default" renderRoot={(props) => <Link to="/customers/$customerId/posts" params={{ customerId }} {...props} />}>
              {t("empty.action")}
            </Button>
          }
        />
      ) : (
        <div className={classes.panes}>
          <Stack gap="xs">
            <Stack gap="xs" component="ul" m={0} p={0} style={{ listStyle: "none" }} aria-label={t("list")}>
              {posts.map((post) => (
                <li key={post.id}>
                  <Item post={post} current={post.id === shown} open={() => change({ post: post.id })} />
                </li>
              ))}
            </Stack>
            {pages.hasNextPage && (
              <Button variant="default" size="xs" onClick={() => void pages.fetchNextPage()} loading={pages.isFetchingNextPage}>
                {common("more")}
              </Button>
            )}
            {!small && (
              <Text size="xs" c="dimmed">
                <Trans t={t} i18nKey="keys" components={{ k: <Kbd size="xs" /> }} />
              </Text>
            )}
          </Stack>
          {small ? (
            <Panel title={t("title")} opened={chosen !== undefined} onClose={() => change({ post: undefined })}>
              {chosen !== undefined && <Review key={chosen} customerId={customerId} postId={chosen} decided={decided} />}
            </Panel>
          ) : (
            <Paper withBorder radius="md" p="md" component="section" aria-label={t("changes")}>
              {shown === undefined ? <Text c="dimmed">{t("pick")}</Text> : <Review key={shown} customerId={customerId} postId={shown} decided={decided} />}
            </Paper>
          )}
        </div>
      )}
    </Page>
  );
}

function Item({ post, current, open }: { post: Post; current: boolean; open: () => void }) {
  const { t } = useTranslation("approvals");
  return (
    <button type="button" id={`waiting-${post.id}`} className={classes.item} aria-current={current ? "true" : undefined} onClick={open}>
      <Text span size="sm" fw={500} lineClamp={2}>
        {labelOf(post)}
      </Text>
      <Group gap={6} mt={4} component="span">
        {platformsOf(post).map((platform) => (
          <Platform key={platform} platform={platform} size={14} />
        ))}
        <Text span size="xs" c="dimmed">
          {post.scheduled_at === null ? t("noTimeShort") : <When at={post.scheduled_at} />}
        </Text>
      </Group>
    </button>
  );
}
