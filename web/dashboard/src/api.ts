import { createFanfare, FanfareError, type Schemas } from "@fanfare/client";
import { QueryClient, QueryCache, MutationCache, type Query } from "@tanstack/react-query";
import { session } from "./session/session";
import { reachable } from "./lib/reachable";
import { Store } from "./lib/store";

export { data, versioned, paginate, FanfareError, type Page, type Schemas } from "@fanfare/client";

/** Where the API is: the host that serves the page, unless the dashboard was built for another one. */
export const apiUrl: string = (import.meta.env.VITE_FANFARE_API as string | undefined) ?? window.location.origin;

/** Why a system admin acts in customers that are not their own; the audit log keeps it with each change. */
export const adminReason = new Store("");

/** A text as headers may have it: letters without their marks. */
export function asHeader(text: string): string {
  return text.normalize("NFKD").replace(/[\u0300-\u036f]/g, "").replace(/[^\x20-\x7e]/g, "?");
}

/** The API, as the person who is signed in. */
export const fanfare = createFanfare({
  baseUrl: apiUrl,
  token: () => session.token(),
  fetch: (request) => {
    if (adminReason.value !== "") request.headers.set("X-Admin-Reason", asHeader(adminReason.value));
    // Connecting an account sets a cookie, also where the dashboard is on another host of the same site.
    return fetch(request, { credentials: "include" });
  },
});

function watch(error: unknown) {
  if (!(error instanceof FanfareError)) return;
  if (error.status === 401) session.expired();
  if (error.status === 0 || error.status === 502 || error.status === 504) reachable.lost();
}

/** What has been fetched. Keys of what belongs to a customer begin with `customerKey`, so that a change there fetches them again. */
export const queryClient = new QueryClient({
  queryCache: new QueryCache({ onError: watch, onSuccess: () => reachable.found() }),
  mutationCache: new MutationCache({ onError: watch }),
  defaultOptions: {
    queries: {
      staleTime: 15_000,
      retry: (failures, error) => failures < 1 && !(error instanceof FanfareError && error.status >= 400 && error.status < 500),
      refetchOnWindowFocus: true,
    },
    mutations: { retry: false },
  },
});

/** The beginning of the keys of all that belongs to a customer. */
export function customerKey(customerId: string): readonly [string, string] {
  return ["customer", customerId];
}

/** Fetches again what is shown of a customer. */
export function changed(customerId: string): Promise<void> {
  return queryClient.invalidateQueries({ queryKey: customerKey(customerId), predicate: (query: Query) => query.meta?.live !== false });
}

export type Customer = Schemas["Customer"];
export type Me = Schemas["Me"];
