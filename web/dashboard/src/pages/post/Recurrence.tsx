import { Alert, Anchor, Badge, Button, Code, Group, List, Paper, Stack, Text, Title } from "@mantine/core";
import { IconRepeat } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import { customerKey, data, fanfare } from "../../api";
import { Confirm } from "../../components/Confirm";
import { State, type PostState } from "../../components/State";
import { When } from "../../components/When";
import { useAct } from "../../lib/act";
import { formatTime, zoneName } from "../../lib/time";
import { useMay } from "../../shell/customer";
import type { Versioned } from "../compose/model";
import { loadRecurrence, useRecurrence } from "../compose/recurrences";

const states: ReadonlySet<string> = new Set<PostState>(["draft", "pending_approval", "approved", "scheduled", "publishing", "published", "partially_published", "needs_attention", "failed", "cancelled"]);

function isState(state: string): state is PostState {
  return states.has(state);
}

/** The repetition that the post belongs to: what is copied, or a copy. */
export function Recurrence({ customerId, post }: { customerId: string; post: Versioned }) {
  const { t } = useTranslation("posts");
  const may = useMay("member");
  const own = useRecurrence(customerId, post.recurring_post_id === null ? post.id : undefined).data ?? undefined;
  const of = useQuery({
    queryKey: [...customerKey(customerId), "recurring-posts", "one", post.recurring_post_id],
    queryFn: () => loadRecurrence(customerId, post.recurring_post_id ?? ""),
    enabled: post.recurring_post_id !== null,
  }).data;
  const recurring = own ?? of;
  const occurrences = useQuery({
    queryKey: [...customerKey(customerId), "recurring-posts", "occurrences", recurring?.id],
    queryFn: () => data(fanfare.GET("/v1/customers/{customer_id}/recurring-posts/{recurring_post_id}/occurrences", { params: { path: { customer_id: customerId, recurring_post_id: recurring?.id ?? "" }, query: { limit: 6 } } })),
    enabled: recurring !== undefined,
  }).data;
  const params = { path: { customer_id: customerId, recurring_post_id: recurring?.id ?? "" } };
  const pause = () => data(fanfare.POST("/v1/customers/{customer_id}/recurring-posts/{recurring_post_id}/pause", { params }));
  const resume = () => data(fanfare.POST("/v1/customers/{customer_id}/recurring-posts/{recurring_post_id}/resume", { params }));
  const pausing = useAct(customerId, pause, { done: () => t("repeat.paused"), undo: resume });
  const resuming = useAct(customerId, resume, { done: () => t("repeat.resumed"), undo: pause });
  const end = useAct(customerId, () => data(fanfare.DELETE("/v1/customers/{customer_id}/recurring-posts/{recurring_post_id}", { params, headers: { "If-Match": recurring?.etag ?? "" } })), { done: () => t("repeat.ended"), quiet: true });
  if (recurring === undefined) return null;
  return (
    <Stack gap="sm" component="section" aria-labelledby="repeat-title">
      <Group gap="xs">
        <IconRepeat size={16} aria-hidden />
        <Title order={2} id="repeat-title">
          {t("repeat.title")}
        </Title>
        <Badge variant="light" color={recurring.state === "active" ? "green" : "gray"} tt="none" fw={500}>
          {t(`repeat.state.${recurring.state}`)}
        </Badge>
      </Group>
      <Paper withBorder p="md">
        <Stack gap="xs">
          <Text size="sm">
            {t(own === undefined ? "repeat.isCopy" : "repeat.isCopied")}{" "}
            {own === undefined && (
              <Anchor size="sm" renderRoot={(props) => <Link to="/customers/$customerId/posts/$postId" params={{ customerId, postId: recurring.post_id }} {...props} />}>
                {t("repeat.original")}
              </Anchor>
            )}
          </Text>
          <Text size="sm" c="dimmed">
            {recurring.time_zone} · <Code>{recurring.rrule}</Code>
          </Text>
          {recurring.problem !== null && <Alert color="orange">{recurring.problem}</Alert>}
          {recurring.skipped > 0 && (
            <Text size="sm">
              {t("repeat.skipped", { count: recurring.skipped })} {recurring.skipped_at !== null && <When at={recurring.skipped_at} />}
            </Text>
          )}
          {occurrences !== undefined && occurrences.items.length > 0 && (
            <List size="sm" spacing={2}>
              {occurrences.items.map((one) => {
                const time = `${formatTime(one.at, occurrences.time_zone)} ${zoneName(occurrences.time_zone, new Date(one.at))}`;
                return (
                  <List.Item key={one.at}>
                    <Group gap="xs">
                      {one.post_id === null || one.post_id === post.id ? (
                        <Text size="sm" fw={one.post_id === post.id ? 600 : undefined}>{time}</Text>
                      ) : (
                        <Anchor size="sm" renderRoot={(props) => <Link to="/customers/$customerId/posts/$postId" params={{ customerId, postId: one.post_id ?? "" }} {...props} />}>
                          {time}
                        </Anchor>
                      )}
                      {one.post_state !== null && isState(one.post_state) && <State state={one.post_state} size="sm" />}
                      {one.shift !== null && <Text size="xs" c="dimmed">{t(`repeat.shift.${one.shift}`)}</Text>}
                    </Group>
                  </List.Item>
                );
              })}
            </List>
          )}
          {may && recurring.state !== "ended" && (
            <Group gap="xs">
              {recurring.state === "active" ? (
                <Button size="xs" variant="default" loading={pausing.isPending} onClick={() => pausing.mutate(undefined)}>
                  {t("repeat.pause")}
                </Button>
              ) : (
                <Button size="xs" variant="default" loading={resuming.isPending} onClick={() => resuming.mutate(undefined)}>
                  {t("repeat.resume")}
                </Button>
              )}
              <Confirm size="xs" title={t("repeat.endTitle")} text={t("repeat.endText")} confirm={t("repeat.end")} act={() => end.mutateAsync(undefined)}>
                {t("repeat.end")}
              </Confirm>
            </Group>
          )}
        </Stack>
      </Paper>
    </Stack>
  );
}
