import { Alert, Button, Group, Stack, Text, Textarea } from "@mantine/core";
import { IconHourglass } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { data, fanfare } from "../../api";
import { Problem } from "../../components/Problem";
import { useAct } from "../../lib/act";
import { useDraft } from "../../lib/draft";
import { customerQuery, useMay } from "../../shell/customer";
import type { Versioned } from "../compose/model";

/** Approves a post that waits, or gives it back with what is to be changed. */
export function Approval({ customerId, post }: { customerId: string; post: Versioned }) {
  const { t } = useTranslation("posts");
  const customer = useQuery(customerQuery(customerId)).data;
  const member = useMay("member");
  const comment = useDraft(`verdict.${post.id}`, "");
  const path = { customer_id: customerId, post_id: post.id };
  const params = { path, header: { "If-Match": post.etag } };
  const approve = useAct(customerId, () => data(fanfare.POST("/v1/customers/{customer_id}/posts/{post_id}/approve", { params, body: comment.value === "" ? {} : { comment: comment.value } })), {
    done: () => {
      comment.clear();
      return t("done.approved");
    },
    quiet: true,
  });
  const reject = useAct(customerId, () => data(fanfare.POST("/v1/customers/{customer_id}/posts/{post_id}/reject", { params, body: { comment: comment.value } })), {
    done: () => {
      comment.clear();
      return t("done.rejected");
    },
    quiet: true,
  });
  const error = approve.error ?? reject.error;
  if (customer?.may_approve !== true || !member)
    return (
      <Alert color="violet" icon={<IconHourglass aria-hidden />} title={t("approval.waits")}>
        {t("approval.others")}
      </Alert>
    );
  return (
    <Alert color="violet" icon={<IconHourglass aria-hidden />} title={t("approval.yours")}>
      <Stack gap="xs">
        <Text size="sm">{post.scheduled_at === null ? t("approval.noTime") : t("approval.withTime")}</Text>
        <Textarea label={t("approval.comment")} description={t("approval.commentHint")} maxLength={5000} autosize minRows={1} value={comment.value} onChange={(event) => comment.set(event.currentTarget.value)} />
        {error !== null && <Problem error={error} />}
        <Group gap="xs">
          <Button loading={approve.isPending} disabled={reject.isPending} onClick={() => approve.mutate(undefined)}>
            {t("approval.approve")}
          </Button>
          <Button variant="default" loading={reject.isPending} disabled={approve.isPending || comment.value.trim() === ""} onClick={() => reject.mutate(undefined)}>
            {t("approval.reject")}
          </Button>
        </Group>
      </Stack>
    </Alert>
  );
}
