/**
 * The client of the Fanfare API: every operation with its types, errors as exceptions, pages as loops, and requests that are
 * sent again without being carried out twice.
 *
 * @packageDocumentation
 */
import createClient, { type Client } from "openapi-fetch";
import { FanfareError } from "./error.js";
import { retrying, type Fetch } from "./retry.js";
import type { components, paths } from "./schema.js";

export { FanfareError, type Problem } from "./error.js";
export { data, paginate, versioned, type Page } from "./pages.js";
export type { Fetch } from "./retry.js";
export type { components, operations, paths } from "./schema.js";

/** The API's types by name: `Schemas["Post"]`. */
export type Schemas = components["schemas"];

/** The client: `GET`, `POST`, `PUT`, `PATCH` and `DELETE`, each with the paths that have them. */
export type Fanfare = Client<paths>;

export interface FanfareOptions {
  /** Where Fanfare is, such as `https://fanfare.example`. */
  baseUrl: string;
  /** A person's token or an agent token, or what gives it at each request; null: none. */
  token?: string | (() => string | null | Promise<string | null>);
  /** A customer's API key, in place of a token. */
  apiKey?: string;
  /** How often a request is sent again that may be; 2 without it. */
  retries?: number;
  /** What sends requests; the global `fetch` without it. */
  fetch?: Fetch;
}

/**
 * Makes a client. What its calls answer is in `data`; see also `data()`, `versioned()` and `paginate()`.
 * A POST gets an Idempotency-Key of its own unless you give one: give the same again when you try again later, in another process.
 *
 * @throws Error if `baseUrl` is no address; FanfareError from each call, when the answer is no success or there is none.
 */
export function createFanfare(options: FanfareOptions): Fanfare {
  checkBaseUrl(options.baseUrl);
  const send = retrying(options.fetch ?? ((request) => globalThis.fetch(request)), options.retries ?? 2);
  const client = createClient<paths>({
    baseUrl: options.baseUrl,
    fetch: async (request) => {
      try {
        return await send(request);
      } catch (error) {
        if (request.signal.aborted) throw error;
        throw FanfareError.unreachable(error);
      }
    },
  });
  client.use({
    async onRequest({ request }) {
      const token = typeof options.token === "function" ? await options.token() : options.token;
      if (token) request.headers.set("Authorization", `Bearer ${token}`);
      if (options.apiKey !== undefined) request.headers.set("X-API-Key", options.apiKey);
      if (request.method === "POST" && !request.headers.has("Idempotency-Key")) request.headers.set("Idempotency-Key", crypto.randomUUID());
      return request;
    },
    async onResponse({ response }) {
      if (!response.ok) throw await FanfareError.from(response);
    },
  });
  return client;
}

/** What comes from the environment is often not there, whatever its type says. */
function checkBaseUrl(baseUrl: string | undefined) {
  if (!baseUrl) throw new Error("baseUrl is missing: give the address of Fanfare, such as https://fanfare.example");
  let url: URL | undefined;
  try {
    url = new URL(baseUrl);
  } catch {
    // it is none
  }
  if (url === undefined || !/^https?:$/.test(url.protocol)) throw new Error(`baseUrl is no address: give one such as https://fanfare.example, not ${JSON.stringify(baseUrl)}`);
}
