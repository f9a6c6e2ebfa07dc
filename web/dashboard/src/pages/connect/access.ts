import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { customerKey, data, fanfare, type Schemas } from "../../api";
import { useCustomer, useCustomerId, useMay } from "../../shell/customer";

/** Whether somebody may look at what owners and admins alone see, also where the customer is archived. */
export function useSees(): boolean {
  const customer = useCustomer();
  return customer !== undefined && (customer.role === null || customer.role === "owner" || customer.role === "admin");
}

/** Whether somebody may do what takes a membership as an owner or admin, such as making keys in their own name. */
export function useMayAsMember(): boolean {
  const customer = useCustomer();
  return useMay("admin") && customer?.role !== null;
}

/** The people of the customer. */
export function usePeople(): Schemas["Member"][] {
  const customerId = useCustomerId();
  const path = { customer_id: customerId };
  return useQuery({ queryKey: [...customerKey(customerId), "people"], queryFn: () => data(fanfare.GET("/v1/customers/{customer_id}/members", { params: { path, query: { limit: 100 } } })), staleTime: 60_000 }).data?.items ?? [];
}

/** What somebody is called, by their id. */
export function useNames(): (userId: string | null) => string {
  const people = usePeople();
  const { t } = useTranslation("members");
  return (userId) => {
    const person = people.find((one) => one.user_id === userId);
    return person?.name ?? person?.email ?? t("nobody");
  };
}
