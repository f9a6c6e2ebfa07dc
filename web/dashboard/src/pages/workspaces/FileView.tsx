import { Button, Code, Group, Skeleton, Stack, Text } from "@mantine/core";
import { IconDownload } from "@tabler/icons-react";
import { useInfiniteQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { customerKey, data, fanfare } from "../../api";
import { Facts } from "../../components/Facts";
import { Panel } from "../../components/Panel";
import { Problem } from "../../components/Problem";
import { When } from "../../components/When";
import { formatBytes } from "../../lib/time";
import { useCustomerId } from "../../shell/customer";
import type { Entry } from "./Files";

/** A file as text, a part at a time; of one that is no text, what is known of it. */
export function FileView({ workspaceId, path, close, save }: { workspaceId: string; path: string; close: () => void; save: (entry: Entry) => void }) {
  const { t } = useTranslation("workspaces");
  const { t: common } = useTranslation();
  const customerId = useCustomerId();
  const text = useInfiniteQuery({
    queryKey: [...customerKey(customerId), "file-text", workspaceId, path],
    queryFn: ({ pageParam }) => data(fanfare.GET("/v1/customers/{customer_id}/workspaces/{workspace_id}/files/text", { params: { path: { customer_id: customerId, workspace_id: workspaceId }, query: { path, offset: pageParam } } })),
    initialPageParam: undefined as number | undefined,
    getNextPageParam: (part) => part.next_offset ?? undefined,
    enabled: path !== "",
  });
  const file = text.data?.pages[0];
  return (
    <Panel title={path.split("/").at(-1) ?? ""} opened={path !== ""} onClose={close} size="xl">
      <Stack>
        {text.isError && <Problem error={text.error} retry={() => void text.refetch()} />}
        {text.isLoading && <Skeleton height={200} />}
        {file !== undefined && (
          <>
            <Group>
              <Button variant="default" leftSection={<IconDownload size={16} aria-hidden />} onClick={() => save(file)}>
                {t("files.download")}
              </Button>
            </Group>
            <Facts
              facts={[
                [t("files.path"), file.path],
                [t("size"), formatBytes(file.bytes)],
                [t("files.changed"), <When key="changed" at={file.modified_at} />],
              ]}
            />
            {file.encoding === "utf-8" ? (
              <Code block tabIndex={0} style={{ whiteSpace: "pre-wrap", overflowWrap: "anywhere" }}>
                {text.data?.pages.map((part) => part.content).join("")}
              </Code>
            ) : (
              <Text size="sm" c="dimmed">
                {t("files.noText")}
              </Text>
            )}
            {file.encoding === "utf-8" && text.hasNextPage && (
              <Button variant="default" loading={text.isFetchingNextPage} onClick={() => void text.fetchNextPage()}>
                {common("more")}
              </Button>
            )}
          </>
        )}
      </Stack>
    </Panel>
  );
}
