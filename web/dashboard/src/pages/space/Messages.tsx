import { Button, Checkbox, Group, Mark as Highlight, Paper, Stack, Text, TextInput } from "@mantine/core";
import { IconMessages, IconSearch } from "@tabler/icons-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { customerKey, data, fanfare, type Schemas } from "../../api";
import { Confirm } from "../../components/Confirm";
import { Empty } from "../../components/Empty";
import { Problem } from "../../components/Problem";
import { usePages } from "../../components/Records";
import { Skeletons } from "../../components/Skeletons";
import { When } from "../../components/When";
import { useAct } from "../../lib/act";
import { useCustomerId, useMay } from "../../shell/customer";
import { useAddress } from "../../lib/address";

/** A field in which one searches: what was typed stands in the address once it is sent. */
export function SearchField({ label, hint }: { label: string; hint?: string }) {
  const { t } = useTranslation();
  const address = useAddress();
  const [typed, setTyped] = useState(address.get("q"));
  return (
    <form
      role="search"
      onSubmit={(event) => {
        event.preventDefault();
        address.set({ q: typed.trim() });
      }}
    >
      <Group align="flex-end" gap="xs">
        <TextInput type="search" label={label} description={hint} maxLength={200} value={typed} onChange={(event) => setTyped(event.currentTarget.value)} leftSection={<IconSearch size={16} aria-hidden />} style={{ flex: "1 1 220px", maxWidth: 420 }} />
        <Button type="submit" variant="default">
          {t("search")}
        </Button>
      </Group>
    </form>
  );
}

/** A text with what was found in it. */
export function Found({ text, snippet }: { text: string; snippet: Schemas["SnippetPart"][] }) {
  if (snippet.length === 0) return <span style={{ whiteSpace: "pre-wrap", overflowWrap: "anywhere" }}>{text}</span>;
  return (
    <span style={{ whiteSpace: "pre-wrap", overflowWrap: "anywhere" }}>
      {snippet.map((part, index) => (part.match ? <Highlight key={index} c="black">{part.text}</Highlight> : <span key={index}>{part.text}</span>))}
    </span>
  );
}

/** What was said in a space, newest first. */
export function Messages({ spaceId }: { spaceId: string }) {
  const { t } = useTranslation("spaces");
  const { t: common } = useTranslation();
  const customerId = useCustomerId();
  const may = useMay("admin");
  const q = useAddress().get("q");
  const path = { customer_id: customerId, space_id: spaceId };
  const pages = usePages([...customerKey(customerId), "messages", spaceId, q], (cursor) => fanfare.GET("/v1/customers/{customer_id}/spaces/{space_id}/messages", { params: { path, query: { cursor, limit: 50, q: q === "" ? undefined : q } } }));
  return (
    <Stack>
      <Group justify="space-between" align="flex-end">
        <SearchField label={t("messages.search")} hint={t("messages.searchHint")} />
        {may && <Delete spaceId={spaceId} />}
      </Group>
      {pages.isError && <Problem error={pages.error} retry={() => void pages.refetch()} />}
      {pages.items === undefined && !pages.isError && <Skeletons />}
      {pages.items?.length === 0 && (q === "" ? <Empty icon={IconMessages} title={t("messages.empty.title")} text={t("messages.empty.text")} /> : <Text size="sm">{t("messages.nothing")}</Text>)}
      {pages.items?.map((message) => (
        <Paper key={message.id} withBorder p="sm" radius="md" ml={message.direction === "out" ? { base: 0, sm: 48 } : 0} mr={message.direction === "in" ? { base: 0, sm: 48 } : 0}>
          <Group justify="space-between" gap="xs" mb={4}>
            <Text size="xs" fw={600}>
              {message.direction === "out" ? t("messages.fanfare") : message.person_name || message.person}
            </Text>
            <When at={message.said_at} size="xs" c="dimmed" />
          </Group>
          <Text size="sm" component="div">
            <Found text={message.text} snippet={message.snippet} />
          </Text>
        </Paper>
      ))}
      {pages.hasNextPage && (
        <Button variant="default" loading={pages.isFetchingNextPage} onClick={() => void pages.fetchNextPage()} style={{ alignSelf: "center" }}>
          {common("more")}
        </Button>
      )}
    </Stack>
  );
}

function Delete({ spaceId }: { spaceId: string }) {
  const { t } = useTranslation("spaces");
  const customerId = useCustomerId();
  const [before, setBefore] = useState("");
  const [memories, setMemories] = useState(false);
  const remove = useAct(
    customerId,
    () =>
      data(
        fanfare.DELETE("/v1/customers/{customer_id}/spaces/{space_id}/messages", {
          params: { path: { customer_id: customerId, space_id: spaceId }, query: { memories, before: before === "" ? undefined : new Date(before).toISOString() } },
        }),
      ),
    { done: (erased) => t("messages.delete.done", { messages: erased.messages, memories: erased.memories }), quiet: true },
  );
  return (
    <Confirm
      title={t("messages.delete.title")}
      text={
        <Stack gap="sm">
          <span>{t("messages.delete.text")}</span>
          <TextInput type="datetime-local" label={t("messages.delete.before")} value={before} onChange={(event) => setBefore(event.currentTarget.value)} />
          <Checkbox label={t("messages.delete.memories")} checked={memories} onChange={(event) => setMemories(event.currentTarget.checked)} />
        </Stack>
      }
      confirm={t("messages.delete.button")}
      act={() => remove.mutateAsync(undefined)}
    >
      {t("messages.delete.button")}
    </Confirm>
  );
}
