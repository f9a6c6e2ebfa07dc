import { Alert, Button, Divider, Group, Stack, Text, Textarea, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { IconCheck, IconInfoCircle, IconMessage, IconPencil } from "@tabler/icons-react";
import { useMemo, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { changed, customerKey, data, fanfare, versioned, type Schemas } from "../../api";
import { Confirm } from "../../components/Confirm";
import { Problem } from "../../components/Problem";
import { Skeletons } from "../../components/Skeletons";
import { When } from "../../components/When";
import { useAct } from "../../lib/act";
import { useDraft } from "../../lib/draft";
import { useKeys } from "../../lib/keys";
import { labelOf } from "../../lib/posts";
import { useNames } from "../../lib/people";
import { customerQuery, useMay, useMe } from "../../shell/customer";
import { useAccounts } from "../compose/accounts";
import { Difference } from "./Difference";
import { Thumbs } from "./Thumbs";

type Post = Schemas["Post"] & { etag: string };
type PostReview = Schemas["PostReview"];

/** A post that waits: what has changed, what was said, and the decision. */
export function Review({ customerId, postId, decided }: { customerId: string; postId: string; decided: () => void }) {
  const path = { customer_id: customerId, post_id: postId };
  const post = useQuery({ queryKey: [...customerKey(customerId), "posts", "one", postId], queryFn: () => versioned(fanfare.GET("/v1/customers/{customer_id}/posts/{post_id}", { params: { path } })) });
  const reviews = useQuery({
    queryKey: [...customerKey(customerId), "posts", "reviews", postId],
    queryFn: async ({ client }) => {
      const all = (await data(fanfare.GET("/v1/customers/{customer_id}/posts/{post_id}/reviews", { params: { path, query: { limit: 50 } } }))).items;
      const id = all.find((review) => (review.verdict === "approved" || review.verdict === "rejected") && review.has_content)?.id;
      if (id === undefined) return { all, last: undefined };
      // What it says never changes: it is fetched once.
      const last = await client.ensureQueryData({
        queryKey: [...customerKey(customerId), "posts", "review", postId, id],
        queryFn: () => data(fanfare.GET("/v1/customers/{customer_id}/posts/{post_id}/reviews/{review_id}", { params: { path: { ...path, review_id: id } } })),
      });
      return { all, last };
    },
  });
  const failed = post.isError && post.data === undefined ? post : reviews.isError && reviews.data === undefined ? reviews : undefined;
  if (failed !== undefined) return <Problem error={failed.error} retry={() => void failed.refetch()} />;
  if (post.data === undefined || reviews.data === undefined) return <Skeletons rows={4} height={80} />;
  return <Decision customerId={customerId} post={post.data} reviews={reviews.data.all} last={reviews.data.last} decided={decided} />;
}

/** Why somebody may not approve a post; undefined: they may, as far as one can tell here. */
function useHindrance(customerId: string, reviews: PostReview[]) {
  const { t } = useTranslation("approvals");
  const { t: common } = useTranslation();
  const me = useMe();
  const mayWrite = useMay("member");
  const customer = useQuery(customerQuery(customerId)).data;
  if (customer === undefined) return "";
  if (customer.archived_at !== null) return t("mayNot.archived");
  const role = common(`role.${customer.approver_role}`);
  if (!customer.may_approve) return mayWrite ? t("mayNot.role", { role }) : t("mayNot.viewer", { role });
  const submitted = reviews.find((review) => review.verdict === "submitted");
  if (!customer.self_approval && submitted !== undefined && submitted.created_by === me?.id) return t("mayNot.own");
  return undefined;
}

function Decision({ customerId, post, reviews, last, decided }: { customerId: string; post: Post; reviews: PostReview[]; last: Schemas["PostReviewDetail"] | undefined; decided: () => void }) {
  const { t } = useTranslation("approvals");
  const { t: common } = useTranslation();
  const names = useNames();
  const accounts = useAccounts(customerId).data;
  const accountNames = useMemo(() => new Map((accounts ?? []).map((account) => [account.id, account.name])), [accounts]);
  const mayWrite = useMay("member");
  const selfApproval = useQuery(customerQuery(customerId)).data?.self_approval ?? false;
  const hindrance = useHindrance(customerId, reviews);
  const comment = useDraft(`approval.${post.id}`, "");
  const field = useRef<HTMLTextAreaElement>(null);
  const [missing, setMissing] = useState(false);
  const path = { customer_id: customerId, post_id: post.id };
  const header = { "If-Match": post.etag };
  const nameOf = (id: string | null) => (id === null ? t("program") : names(id));

  const finish = () => {
    comment.set("");
    comment.clear();
    decided();
  };
  const takeBack = async (approved: Post) => {
    const cancelled = await versioned(fanfare.POST("/v1/customers/{customer_id}/posts/{post_id}/cancel", { params: { path, header: { "If-Match": approved.etag } } }));
    await fanfare.POST("/v1/customers/{customer_id}/posts/{post_id}/submit", { params: { path, header: { "If-Match": cancelled.etag } }, body: { comment: t("takenBack") } });
  };
  /** Decides on what is shown; where it has changed since, it is fetched again, and what was typed stays. */
  const decide = async (call: Promise<{ data?: Schemas["Post"]; response: Response }>) => {
    try {
      const answer = await versioned(call);
      finish();
      return answer;
    } catch (problem) {
      void changed(customerId);
      throw problem;
    }
  };
  const send = () => decide(fanfare.POST("/v1/customers/{customer_id}/posts/{post_id}/approve", { params: { path, header }, body: { comment: comment.value.trim() } }));
  const said = (answer: Post) => t("approved", { state: common(`state.${answer.state}`) });
  const approve = useAct(customerId, send, selfApproval ? { done: said, undo: takeBack } : { done: said, quiet: true });
  const reject = useAct(
    customerId,
    () => decide(fanfare.POST("/v1/customers/{customer_id}/posts/{post_id}/reject", { params: { path, header }, body: { comment: comment.value.trim() } })),
    { done: () => t("rejected") },
  );
  const say = useAct(
    customerId,
    async () => {
      await fanfare.POST("/v1/customers/{customer_id}/posts/{post_id}/reviews", { params: { path }, body: { comment: comment.value.trim() } });
      comment.set("");
      comment.clear();
    },
    { done: () => t("commented") },
  );
  const withComment = (act: () => void) => () => {
    const empty = comment.value.trim() === "";
    setMissing(empty);
    if (empty) field.current?.focus();
    else act();
  };
  const waits = post.state === "pending_approval";
  const may = hindrance === undefined && waits;
  useKeys({
    a: () => (may ? (selfApproval ? approve.mutate() : document.getElementById("approve")?.click()) : false),
    c: () => (mayWrite ? field.current?.focus() : false),
  });
  const busy = approve.isPending || reject.isPending || say.isPending;
  return (
    <Stack gap="md">
      <Group justify="space-between">
        <Title order={2} style={{ overflowWrap: "anywhere" }} lineClamp={2}>
          {labelOf(post, 80)}
        </Title>
        <Button size="xs" variant="default" renderRoot={(props) => <Link to="/customers/$customerId/posts/$postId" params={{ customerId, postId: post.id }} {...props} />}>
          {t("open")}
        </Button>
      </Group>
      <Difference post={post} before={last?.content} by={nameOf(last?.created_by ?? null)} names={accountNames} />
      {post.media_ids.length > 0 && <Thumbs ids={post.media_ids} />}
      <Divider />
      <Stack gap="xs" component="section">
        <Title order={3}>{t("said")}</Title>
        {[...reviews].reverse().map((review) => (
          <div key={review.id}>
            <Text size="xs" c="dimmed" component="div">
              <b>{nameOf(review.created_by)}</b> {t(`verdict.${review.verdict}`)}, <When at={review.created_at} relative />
            </Text>
            {review.comment !== "" && (
              <Text size="sm" style={{ whiteSpace: "pre-wrap", overflowWrap: "anywhere" }}>
                {review.comment}
              </Text>
            )}
          </div>
        ))}
      </Stack>
      {hindrance !== undefined && hindrance !== "" && (
        <Alert color="gray" icon={<IconInfoCircle aria-hidden />}>
          {hindrance}
        </Alert>
      )}
      {mayWrite && (
        <Stack gap="xs">
          <Textarea
            ref={field}
            label={t("comment")}
            description={may ? t("commentHint") : undefined}
            error={missing && comment.value.trim() === "" ? t("commentHint") : undefined}
            autosize
            minRows={2}
            maxRows={8}
            maxLength={5000}
            value={comment.value}
            onChange={(event) => comment.set(event.currentTarget.value)}
          />
          <Group gap="xs">
            {may &&
              (selfApproval ? (
                <Button leftSection={<IconCheck size={16} aria-hidden />} loading={approve.isPending} disabled={busy} onClick={() => approve.mutate()}>
                  {t("approve")}
                </Button>
              ) : (
                <Confirm id="approve" title={t("approve")} text={t("approveText")} confirm={t("approve")} act={() => approve.mutateAsync()} danger={false} variant="filled" leftSection={<IconCheck size={16} aria-hidden />}>
                  {t("approve")}
                </Confirm>
              ))}
            {may && (
              <Button variant="default" leftSection={<IconPencil size={16} aria-hidden />} loading={reject.isPending} disabled={busy} onClick={withComment(() => reject.mutate())}>
                {t("reject")}
              </Button>
            )}
            <Button variant="default" leftSection={<IconMessage size={16} aria-hidden />} loading={say.isPending} disabled={busy} onClick={withComment(() => say.mutate())}>
              {t("say")}
            </Button>
          </Group>
        </Stack>
      )}
    </Stack>
  );
}
