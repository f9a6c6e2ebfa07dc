import { useCustomer, useMay } from "../../shell/customer";

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
