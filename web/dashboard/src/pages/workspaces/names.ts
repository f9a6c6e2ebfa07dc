import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { customerKey, fanfare, paginate, type Schemas } from "../../api";
import type { Look } from "../../components/Badged";
import { useCustomerId } from "../../shell/customer";

export type Workspace = Schemas["Workspace"];

export const looks: Record<Workspace["state"], Look> = { new: "idle", active: "good", archiving: "running", archived: "archived", returning: "running", restoring: "running", deleted: "off" };

async function all<T>(pages: AsyncGenerator<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const one of pages) found.push(one);
  return found;
}

/** All workspaces of the customer whose pages are shown. */
export function useWorkspaces() {
  const customerId = useCustomerId();
  return useQuery({
    queryKey: [...customerKey(customerId), "workspaces"],
    queryFn: () => all<Workspace>(paginate((cursor) => fanfare.GET("/v1/customers/{customer_id}/workspaces", { params: { path: { customer_id: customerId }, query: { cursor, limit: 100 } } }))),
  });
}

/** What workspaces are called: as the space whose they are. */
export function useWorkspaceName() {
  const { t } = useTranslation("workspaces");
  const customerId = useCustomerId();
  const spaces = useQuery({
    queryKey: [...customerKey(customerId), "spaces", "names"],
    queryFn: () => all(paginate((cursor) => fanfare.GET("/v1/customers/{customer_id}/spaces", { params: { path: { customer_id: customerId }, query: { cursor, limit: 100 } } }))),
    staleTime: 60_000,
  }).data;
  const ofSpace = (spaceId: string | null) => (spaceId === null ? t("shared") : t("ofSpace", { space: spaces?.find((space) => space.id === spaceId)?.title ?? spaceId }));
  return { ofSpace, of: (workspace: Pick<Workspace, "space_id">) => ofSpace(workspace.space_id) };
}
