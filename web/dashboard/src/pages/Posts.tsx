import { Button, Group, Stack, Text, TextInput } from "@mantine/core";
import { useDebouncedCallback } from "@mantine/hooks";
import { IconFileText, IconPlus, IconSearch, IconSearchOff } from "@tabler/icons-react";
import { Link, useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { customerKey, fanfare, type Schemas } from "../api";
import { Empty } from "../components/Empty";
import { Page } from "../components/Page";
import { Platform, type PlatformName } from "../components/Platform";
import { PostFilters, readFilters, states, type Filters } from "../components/PostFilters";
import { Records, usePages } from "../components/Records";
import { State } from "../components/State";
import { When } from "../components/When";
import { someOf, useAddress, type Get } from "../lib/address";
import { labelOf, platformsOf } from "../lib/posts";
import { useCustomerId, useMay } from "../shell/customer";

type Post = Schemas["Post"];

const read = (get: Get): Filters & { q: string | undefined } => ({ ...readFilters(get), q: get("q").slice(0, 200) || undefined });

/** All posts of the customer: found by words, platform, state and campaign. */
export default function Posts() {
  const { t } = useTranslation("calendar");
  const customerId = useCustomerId();
  const navigate = useNavigate();
  const mayWrite = useMay("member");
  const { get, set: change } = useAddress();
  const filters = read(get);
  const { platform, state, campaign, q } = filters;
  const query = { platform, campaign_id: campaign, q, state: state === undefined ? undefined : someOf(states, state), limit: 50 };
  const pages = usePages<Post>([...customerKey(customerId), "posts", "list", query], (cursor) =>
    fanfare.GET("/v1/customers/{customer_id}/posts", { params: { path: { customer_id: customerId }, query: { ...query, cursor } } }),
  );
  const filtered = platform !== undefined || state !== undefined || campaign !== undefined || q !== undefined;
  const [resets, setResets] = useState(0);
  const reset = () => {
    setResets(resets + 1);
    change({ platform: undefined, state: undefined, campaign: undefined, q: undefined });
  };
  const write = mayWrite ? (
    <Button renderRoot={(props) => <Link to="/customers/$customerId/posts/new" params={{ customerId }} {...props} />} leftSection={<IconPlus size={16} aria-hidden />}>
      {t("new")}
    </Button>
  ) : undefined;
  return (
    <Page title={t("posts.title")} actions={write}>
      <Stack gap="md">
        <Group gap="xs" role="search">
          <Search key={resets} q={q} change={(words) => change({ q: words })} />
          <PostFilters filters={filters} change={change} />
          {filtered && (
            <Button variant="subtle" size="xs" onClick={reset}>
              {t("filter.reset")}
            </Button>
          )}
        </Group>
        <Records<Post>
          label={t("posts.title")}
          pages={pages}
          rowKey={(post) => post.id}
          open={(post) => void navigate({ to: "/customers/$customerId/posts/$postId", params: { customerId, postId: post.id } })}
          columns={[
            { title: t("posts.text"), cell: (post) => <Words post={post} /> },
            { title: t("posts.state"), width: 190, cell: (post) => <State state={post.state} /> },
            { title: t("posts.platforms"), width: 120, cell: (post) => <Marks platforms={platformsOf(post)} /> },
            { title: t("posts.time"), width: 196, cell: (post) => (post.scheduled_at === null ? <Text span size="sm" c="dimmed">{t("posts.noTime")}</Text> : <When at={post.scheduled_at} />) },
          ]}
          empty={
            filtered ? (
              <Empty icon={IconSearchOff} title={t("posts.none")} text={t("posts.noneText")} action={<Button variant="default" onClick={reset}>{t("filter.reset")}</Button>} />
            ) : (
              <Empty icon={IconFileText} title={t("posts.empty.title")} text={t("posts.empty.text")} action={write} />
            )
          }
        />
      </Stack>
    </Page>
  );
}

/** What a post says, in two lines at most. */
function Words({ post }: { post: Pick<Post, "title" | "text"> }) {
  useTranslation(); // what has no title is called so in the language of the dashboard
  const titled = post.title.trim() !== "";
  const text = post.text.slice(0, 300);
  if (!titled)
    return (
      <Text span size="sm" lineClamp={2} c={text.trim() === "" ? "dimmed" : undefined}>
        {labelOf(post, 300)}
      </Text>
    );
  return (
    <>
      <Text span size="sm" fw={500} lineClamp={1}>
        {post.title}
      </Text>
      <Text span size="sm" lineClamp={1} c="dimmed">
        {text}
      </Text>
    </>
  );
}

function Marks({ platforms }: { platforms: PlatformName[] }) {
  return (
    <Group gap={6}>
      {platforms.map((platform) => (
        <Platform key={platform} platform={platform} />
      ))}
    </Group>
  );
}

/** The words to search for, which go to the address a moment after the last one. */
function Search({ q, change }: { q: string | undefined; change: (words: string | undefined) => void }) {
  const { t } = useTranslation("calendar");
  const [words, setWords] = useState(q ?? "");
  const later = useDebouncedCallback((typed: string) => change(typed.trim() === "" ? undefined : typed.trim()), 300);
  return (
    <TextInput
      aria-label={t("filter.search")}
      placeholder={t("filter.search")}
      type="search"
      size="xs"
      miw={220}
      style={{ flex: 1 }}
      maxLength={200}
      leftSection={<IconSearch size={14} aria-hidden />}
      value={words}
      onChange={(event) => {
        setWords(event.currentTarget.value);
        later(event.currentTarget.value);
      }}
    />
  );
}
