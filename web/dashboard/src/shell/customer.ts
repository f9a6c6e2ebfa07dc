import { queryOptions, useQuery } from "@tanstack/react-query";
import { useParams } from "@tanstack/react-router";
import { customerKey, data, fanfare, FanfareError, type Customer, type Me } from "../api";

export const meQuery = queryOptions({ queryKey: ["me"], queryFn: () => data(fanfare.GET("/v1/me")), staleTime: 300_000 });

export function customerQuery(customerId: string) {
  return queryOptions({
    queryKey: [...customerKey(customerId), "self"],
    queryFn: () => data(fanfare.GET("/v1/customers/{customer_id}", { params: { path: { customer_id: customerId } } })),
    staleTime: 60_000,
  });
}

/** Who is signed in; undefined while it is fetched. */
export function useMe(): Me | undefined {
  return useQuery(meQuery).data;
}

/** The id of the customer whose pages are shown. */
export function useCustomerId(): string {
  const params: { customerId?: string } = useParams({ strict: false });
  return params.customerId ?? "";
}

/** What is known of the customer whose pages are shown. */
function useCustomerQuery() {
  const customerId = useCustomerId();
  return useQuery({ ...customerQuery(customerId), enabled: customerId !== "" });
}

/** Whether there is no such customer, or whoever is signed in is not (or no longer) one of its people. */
export function useNoCustomer(): boolean {
  const { error } = useCustomerQuery();
  return error instanceof FanfareError && [403, 404, 422].includes(error.status); // 422: the address has something that is no id
}

/** The customer whose pages are shown; undefined while it is fetched, and outside of customers. */
export function useCustomer(): Customer | undefined {
  const { data: customer } = useCustomerQuery();
  return useNoCustomer() ? undefined : customer;
}

const ranks = ["viewer", "member", "admin", "owner"] as const;

/**
 * Whether whoever is signed in has a role of a customer, or a higher one. It only decides what is offered: what may be done is the
 * server's decision.
 */
export function useMay(role: (typeof ranks)[number]): boolean {
  const customer = useCustomer();
  const me = useMe();
  if (customer === undefined) return false;
  if (role !== "viewer" && customer.archived_at !== null) return false;
  if (customer.role === null) return me?.system_role === "admin" || (role === "viewer" && me?.system_role !== null);
  return ranks.indexOf(customer.role) >= ranks.indexOf(role);
}
