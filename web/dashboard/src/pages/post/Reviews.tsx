import { Avatar, Button, Group, Paper, Stack, Text, Textarea, Title } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { data, fanfare, type Schemas } from "../../api";
import { Problem } from "../../components/Problem";
import { usePages } from "../../components/Records";
import { Skeletons } from "../../components/Skeletons";
import { When } from "../../components/When";
import { useAct } from "../../lib/act";
import { useDraft } from "../../lib/draft";
import { useNames } from "../../lib/people";
import { useMay } from "../../shell/customer";
import type { Versioned } from "../compose/model";
import { postKey } from "../compose/saver";

/** What people said about the post, and decided. */
export function Reviews({ customerId, post }: { customerId: string; post: Versioned }) {
  const { t } = useTranslation("posts");
  const { t: common } = useTranslation();
  const may = useMay("member");
  const comment = useDraft(`comment.${post.id}`, "");
  const params = { path: { customer_id: customerId, post_id: post.id } };
  const pages = usePages<Schemas["PostReview"]>([...postKey(customerId, post.id), "reviews"], (cursor) => fanfare.GET("/v1/customers/{customer_id}/posts/{post_id}/reviews", { params: { ...params, query: { cursor } } }));
  const names = useNames();
  const nameOf = (id: string | null) => (id === null ? t("reviews.program") : names(id));
  const say = useAct(customerId, () => data(fanfare.POST("/v1/customers/{customer_id}/posts/{post_id}/reviews", { params, body: { comment: comment.value } })), {
    done: () => {
      comment.set("");
      comment.clear();
      return undefined;
    },
    quiet: true,
  });
  return (
    <Stack gap="sm" component="section" aria-labelledby="reviews-title">
      <Title order={2} id="reviews-title">
        {t("reviews.title")}
      </Title>
      {pages.isError && pages.items === undefined && <Problem error={pages.error} retry={() => void pages.refetch()} />}
      {pages.isPending && <Skeletons rows={1} />}
      {pages.items?.length === 0 && (
        <Text size="sm" c="dimmed">
          {t("reviews.none")}
        </Text>
      )}
      {pages.items?.map((review) => (
        <Paper key={review.id} withBorder p="sm" component="article">
          <Group gap="xs" wrap="nowrap" align="flex-start">
            <Avatar size="sm" radius="xl" name={nameOf(review.created_by)} color="initials" aria-hidden />
            <Stack gap={2} miw={0}>
              <Text size="sm">
                <strong>{nameOf(review.created_by)}</strong> {t(`reviews.verdict.${review.verdict}`)}{" "}
                <Text span c="dimmed" inherit>
                  <When at={review.created_at} relative />
                </Text>
              </Text>
              {review.comment !== "" && (
                <Text size="sm" style={{ whiteSpace: "pre-wrap", overflowWrap: "anywhere" }}>
                  {review.comment}
                </Text>
              )}
            </Stack>
          </Group>
        </Paper>
      ))}
      {pages.hasNextPage && (
        <Group>
          <Button size="xs" variant="default" loading={pages.isFetchingNextPage} onClick={() => void pages.fetchNextPage()}>
            {common("more")}
          </Button>
        </Group>
      )}
      {may && (
        <form
          onSubmit={(event) => {
            event.preventDefault();
            say.mutate(undefined);
          }}
        >
          <Stack gap="xs" align="flex-start">
            <Textarea w="100%" label={t("reviews.comment")} autosize minRows={2} maxLength={5000} value={comment.value} onChange={(event) => comment.set(event.currentTarget.value)} />
            {say.isError && <Problem error={say.error} />}
            <Button type="submit" size="xs" variant="default" loading={say.isPending} disabled={comment.value.trim() === ""}>
              {t("reviews.say")}
            </Button>
          </Stack>
        </form>
      )}
    </Stack>
  );
}
