import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { customerKey, fanfare, paginate, type Schemas } from "../api";
import { useCustomerId } from "../shell/customer";

/** What somebody is called, by their id, also once they have left; while it is not known yet, "…". */
export function useNames(): (userId: string | null) => string {
  const { t } = useTranslation();
  const customerId = useCustomerId();
  const people = useQuery({
    queryKey: [...customerKey(customerId), "members", "all"],
    queryFn: async () => {
      const all: Schemas["Member"][] = [];
      for await (const member of paginate((cursor) => fanfare.GET("/v1/customers/{customer_id}/members", { params: { path: { customer_id: customerId }, query: { cursor, limit: 100 } } }))) all.push(member);
      return all;
    },
    staleTime: 60_000,
  });
  return (userId) => {
    const person = people.data?.find((one) => one.user_id === userId);
    return person?.name ?? person?.email ?? (people.data === undefined && userId !== null ? "…" : t("left"));
  };
}
