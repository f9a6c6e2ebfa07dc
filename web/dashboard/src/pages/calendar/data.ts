import { useQueries, useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { useTranslation } from "react-i18next";
import { customerKey, data, fanfare, paginate, queryClient, versioned, type Schemas } from "../../api";
import type { Filters } from "../../components/PostFilters";
import { useAct } from "../../lib/act";
import { formatTime } from "../../lib/time";
import { addDays, beginning, instantOf, localOf, type Day } from "./days";

export type CalendarPost = Schemas["CalendarPost"];

/** What is faintly shown beside posts: a free slot of the queue, or a time of a recurring post that has no copy yet. */
export interface Ghost {
  key: string;
  local: string;
  at: string;
  /** The recurring post; undefined: a free slot. */
  postId?: string;
}

const weekKey = (customerId: string, week: Day, zone: string, campaign: string | undefined) => [...customerKey(customerId), "calendar", week, zone, campaign ?? ""] as const;

/** All posts of a week, page after page. */
async function loadWeek(customerId: string, week: Day, zone: string, campaign: string | undefined, signal: AbortSignal): Promise<CalendarPost[]> {
  const posts: CalendarPost[] = [];
  const range = { from: beginning(week, zone), to: beginning(addDays(week, 7), zone) };
  const pages = paginate((cursor) =>
    fanfare.GET("/v1/customers/{customer_id}/calendar", { params: { path: { customer_id: customerId }, query: { ...range, campaign_id: campaign, limit: 500, cursor } }, signal }),
  );
  for await (const post of pages) posts.push(post);
  return posts;
}

/** The posts of some weeks, each fetched by itself and side by side: what is shown again is there at once. */
export function useWeeks(customerId: string, weeks: Day[], zone: string, filters: Filters) {
  const results = useQueries({
    queries: weeks.map((week) => ({
      queryKey: weekKey(customerId, week, zone, filters.campaign),
      queryFn: ({ signal }: { signal: AbortSignal }) => loadWeek(customerId, week, zone, filters.campaign, signal),
      enabled: zone !== "",
    })),
    combine: (all) => ({
      weeks: all.map((result) => result.data),
      pending: all.some((result) => result.isPending),
      error: all.find((result) => result.isError && result.data === undefined)?.error,
      refetch: () => all.forEach((result) => void result.refetch()),
    }),
  });
  const { platform, state } = filters;
  const posts = useMemo(() => {
    const states = state?.split(",");
    const wanted = (post: CalendarPost) => (platform === undefined || post.platform_posts.some((one) => one.platform === platform)) && (states?.includes(post.state) ?? true);
    return results.weeks.flatMap((week) => week ?? []).filter(wanted);
  }, [results.weeks, platform, state]);
  return { ...results, posts };
}

/** Posts, or what is faintly shown, by the day of the customer's clocks. */
export function byDay<T>(items: T[], local: (item: T) => string): Map<Day, T[]> {
  const days = new Map<Day, T[]>();
  for (const item of items) {
    const day = local(item).slice(0, 10);
    const there = days.get(day);
    if (there === undefined) days.set(day, [item]);
    else there.push(item);
  }
  return days;
}

/** How many recurring posts are looked at for times without a copy. */
const RECURRING = 20;

/** The free slots of the queue and the times of recurring posts that have no copy yet. */
export function useGhosts(customerId: string, enabled: boolean): Ghost[] {
  const path = { customer_id: customerId };
  const slots = useQuery({
    queryKey: [...customerKey(customerId), "upcoming-slots"],
    queryFn: () => data(fanfare.GET("/v1/customers/{customer_id}/queue-slots/upcoming", { params: { path, query: { limit: 100 } } })),
    enabled,
    staleTime: 60_000,
  }).data;
  const recurring = useQuery({
    queryKey: [...customerKey(customerId), "recurring-posts", "active"],
    queryFn: async () => (await data(fanfare.GET("/v1/customers/{customer_id}/recurring-posts", { params: { path, query: { limit: 100 } } }))).items.filter((one) => one.state === "active").slice(0, RECURRING),
    enabled,
    staleTime: 60_000,
  }).data;
  const occurrences = useQueries({
    queries: (recurring ?? []).map((one) => ({
      queryKey: [...customerKey(customerId), "occurrences", one.id],
      queryFn: async () => {
        const { items } = await data(fanfare.GET("/v1/customers/{customer_id}/recurring-posts/{recurring_post_id}/occurrences", { params: { path: { ...path, recurring_post_id: one.id }, query: { limit: 50 } } }));
        return items.filter((time) => time.post_id === null).map((time): Ghost => ({ key: `${one.id} ${time.at}`, local: time.local, at: time.at, postId: one.post_id }));
      },
      staleTime: 60_000,
    })),
    combine: (all) => all.map((result) => result.data),
  });
  return useMemo(() => {
    const free = (slots?.items ?? []).filter((slot) => slot.free).map((slot): Ghost => ({ key: slot.at, local: slot.local, at: slot.at }));
    return [...free, ...occurrences.flatMap((times) => times ?? [])].sort((a, b) => a.local.localeCompare(b.local));
  }, [slots, occurrences]);
}

/** Whether a post can be dragged to another time: what waits for approval or has it is moved by a dialog, which says what that means. */
export function draggable(post: CalendarPost): boolean {
  return post.state === "scheduled";
}

/** Whether a post can be given another time at all. */
export function movable(post: Pick<CalendarPost, "state">): boolean {
  return post.state === "scheduled" || post.state === "approved" || post.state === "pending_approval";
}

/** Shows a post at another time in all weeks that were fetched; what it answers puts everything back. */
function showAt(customerId: string, post: CalendarPost, local: string, at: string): () => void {
  const key = [...customerKey(customerId), "calendar"];
  const before = queryClient.getQueriesData<CalendarPost[]>({ queryKey: key });
  const moved = { ...post, scheduled_at: at, scheduled_local: local, slot_at: null };
  for (const [queryKey, posts] of before) {
    const week = String(queryKey[3]);
    const campaign = String(queryKey[5]);
    if (posts === undefined) continue;
    const others = posts.filter((one) => one.id !== post.id);
    const day = local.slice(0, 10);
    const here = day >= week && day < addDays(week, 7) && (campaign === "" || campaign === post.campaign_id);
    if (!here && others.length === posts.length) continue;
    queryClient.setQueryData(queryKey, here ? [...others, moved].sort((a, b) => a.scheduled_at.localeCompare(b.scheduled_at)) : others);
  }
  return () => {
    for (const [queryKey, posts] of before) if (posts !== undefined) queryClient.setQueryData(queryKey, posts);
  };
}

type To = { day: Day; time: string };
type Body = { scheduled_at: string } | { local_time: string };

/** Gives a post another time. What waits for approval is taken back and submitted again, as that is how its time changes. */
async function give(customerId: string, post: { id: string; etag: string; state: CalendarPost["state"] }, body: Body) {
  const path = { customer_id: customerId, post_id: post.id };
  if (post.state !== "pending_approval") return versioned(fanfare.POST("/v1/customers/{customer_id}/posts/{post_id}/schedule", { params: { path, header: { "If-Match": post.etag } }, body }));
  const draft = await versioned(fanfare.POST("/v1/customers/{customer_id}/posts/{post_id}/withdraw", { params: { path, header: { "If-Match": post.etag } } }));
  try {
    return await versioned(fanfare.POST("/v1/customers/{customer_id}/posts/{post_id}/submit", { params: { path, header: { "If-Match": draft.etag } }, body }));
  } catch (problem) {
    await fanfare.POST("/v1/customers/{customer_id}/posts/{post_id}/submit", { params: { path, header: { "If-Match": draft.etag } }, body: {} });
    throw problem;
  }
}

/** Moves a post: it is shown at its new time at once, and goes back if the server refuses. */
export function useMove(customerId: string, zone: string) {
  const { t } = useTranslation("calendar");
  const { t: common } = useTranslation();
  return useAct(
    customerId,
    async ({ post, to }: { post: CalendarPost; to: To }) => {
      await queryClient.cancelQueries({ queryKey: [...customerKey(customerId), "calendar"] });
      const at = instantOf(to.day, to.time, zone);
      const back = showAt(customerId, post, localOf(at, zone), at);
      try {
        return await give(customerId, post, { local_time: `${to.day}T${to.time}` });
      } catch (problem) {
        back();
        throw problem;
      }
    },
    {
      done: (moved, { post }) => {
        const time = moved.scheduled_at === null ? "" : formatTime(moved.scheduled_at, zone);
        return moved.state === post.state ? t("moved", { time }) : t("movedState", { time, state: common(`state.${moved.state}`) });
      },
      undo: (moved, { post }) => give(customerId, { id: post.id, etag: moved.etag, state: moved.state }, { scheduled_at: post.scheduled_at }),
    },
  );
}
