const KEY = "fanfare.customer";

/** The customer whose pages were looked at last in this browser. */
export function lastCustomer(): string | null {
  return localStorage.getItem(KEY);
}

export function rememberCustomer(customerId: string | null) {
  if (customerId === null) localStorage.removeItem(KEY);
  else localStorage.setItem(KEY, customerId);
}
