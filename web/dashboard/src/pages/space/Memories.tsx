import { Button, Group, Stack, Text, Textarea } from "@mantine/core";
import { IconBulb } from "@tabler/icons-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { customerKey, data, fanfare, versioned, type Schemas } from "../../api";
import { Confirm } from "../../components/Confirm";
import { Empty } from "../../components/Empty";
import { Panel } from "../../components/Panel";
import { Records, usePages } from "../../components/Records";
import { When } from "../../components/When";
import { useAct } from "../../lib/act";
import { useDraft } from "../../lib/draft";
import { useCustomerId, useMay } from "../../shell/customer";
import { useAddress } from "../../lib/address";
import { useNames } from "../../lib/people";
import { EditForm, Form } from "../connect/form";
import { Found, SearchField } from "./Messages";

/** What is thought of each time in a space: its own memories, and those of the whole customer. */
export function Memories({ spaceId }: { spaceId: string }) {
  const { t } = useTranslation("spaces");
  const { t: common } = useTranslation();
  const customerId = useCustomerId();
  const may = useMay("admin");
  const names = useNames();
  const q = useAddress().get("q");
  const [edited, setEdited] = useState<string>();
  const path = { customer_id: customerId };
  const pages = usePages([...customerKey(customerId), "memories", spaceId, q], (cursor) => fanfare.GET("/v1/customers/{customer_id}/memories", { params: { path, query: { cursor, space_id: spaceId, q: q === "" ? undefined : q } } }));
  const forget = useAct(customerId, (id: string) => data(fanfare.DELETE("/v1/customers/{customer_id}/memories/{memory_id}", { params: { path: { ...path, memory_id: id } } })), { done: () => t("memories.forgotten"), quiet: true });
  return (
    <Stack>
      {may && <Remember spaceId={spaceId} />}
      <SearchField label={t("memories.search")} />
      <Records<Schemas["Memory"]>
        label={t("space.memories")}
        pages={pages}
        rowKey={(memory) => memory.id}
        columns={[
          { title: t("memories.what"), cell: (memory) => <Found text={memory.text} snippet={memory.snippet} /> },
          { title: t("memories.where"), width: 150, cell: (memory) => (memory.space_id === null ? t("memories.whole") : t("memories.here")) },
          { title: t("pairings.by"), width: 150, cell: (memory) => (memory.created_by === null ? (memory.person ?? "–") : names(memory.created_by)) },
          { title: t("since"), width: 130, cell: (memory) => <When at={memory.created_at} date /> },
        ]}
        actions={
          may
            ? (memory) => (
                <>
                  <Button size="xs" variant="default" mr="xs" onClick={() => setEdited(memory.id)}>
                    {common("edit")}
                  </Button>
                  <Confirm size="xs" title={t("memories.forgetTitle")} text={t("memories.forgetText")} confirm={t("memories.forget")} act={() => forget.mutateAsync(memory.id)}>
                    {t("memories.forget")}
                  </Confirm>
                </>
              )
            : undefined
        }
        empty={q === "" ? <Empty icon={IconBulb} title={t("memories.empty.title")} text={t("memories.empty.text")} /> : <Text size="sm">{t("memories.nothing")}</Text>}
      />
      <Panel title={common("edit")} opened={edited !== undefined} onClose={() => setEdited(undefined)}>
        {edited !== undefined && (
          <EditForm
            id={`memory ${edited}`}
            load={() => versioned(fanfare.GET("/v1/customers/{customer_id}/memories/{memory_id}", { params: { path: { ...path, memory_id: edited } } }))}
            values={(now) => ({ text: now.text })}
            words={{ text: t("memories.what") }}
            save={(changes, etag) => data(fanfare.PATCH("/v1/customers/{customer_id}/memories/{memory_id}", { params: { path: { ...path, memory_id: edited }, header: { "If-Match": etag } }, body: changes }))}
            done={() => setEdited(undefined)}
          >
            {(form) => <Textarea label={t("memories.what")} required autosize minRows={4} maxLength={4000} {...form.text("text")} />}
          </EditForm>
        )}
      </Panel>
    </Stack>
  );
}

function Remember({ spaceId }: { spaceId: string }) {
  const { t } = useTranslation("spaces");
  const customerId = useCustomerId();
  const draft = useDraft(`memory.${spaceId}`, "");
  const add = useAct(customerId, (text: string) => data(fanfare.POST("/v1/customers/{customer_id}/memories", { params: { path: { customer_id: customerId } }, body: { text, space_id: spaceId } })), {
    done: () => t("memories.added"),
    undo: (memory) => data(fanfare.DELETE("/v1/customers/{customer_id}/memories/{memory_id}", { params: { path: { customer_id: customerId, memory_id: memory.id } } })),
    quiet: true,
  });
  return (
    <Group maw={640} grow>
      <Form
        label={t("memories.add")}
        error={add.error}
        busy={add.isPending}
        disabled={draft.value.trim() === ""}
        submit={() =>
          add.mutate(draft.value, {
            onSuccess: () => {
              draft.set("");
              draft.clear();
            },
          })
        }
      >
        <Textarea label={t("memories.what")} description={t("memories.text")} autosize minRows={2} maxLength={4000} value={draft.value} onChange={(event) => draft.set(event.currentTarget.value)} />
      </Form>
    </Group>
  );
}
