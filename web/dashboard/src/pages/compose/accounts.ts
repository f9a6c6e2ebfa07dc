import { useQuery } from "@tanstack/react-query";
import { customerKey, fanfare, paginate } from "../../api";
import type { Account } from "./model";

/** All accounts of a customer, also those that are disconnected. */
export function useAccounts(customerId: string) {
  return useQuery({
    queryKey: [...customerKey(customerId), "integrations", "all"],
    queryFn: async () => {
      const all: Account[] = [];
      for await (const account of paginate((cursor) => fanfare.GET("/v1/customers/{customer_id}/integrations", { params: { path: { customer_id: customerId }, query: { cursor, limit: 100 } } }))) all.push(account);
      return all;
    },
  });
}
