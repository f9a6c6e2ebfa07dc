/** A page of a list, as the API answers it. */
export interface Page<T> {
  items: T[];
  /** Where the next page begins; null: this was the last. */
  next_cursor: string | null;
}

/**
 * Goes through a list, page by page, as they are needed.
 *
 * @param load asks for the page that begins at a cursor; the first has none.
 *
 * @example
 * for await (const post of paginate((cursor) => fanfare.GET("/v1/customers/{customer_id}/posts", { params: { path, query: { cursor } } }))) { … }
 */
export async function* paginate<T>(load: (cursor: string | undefined) => Promise<{ data?: Page<T> | undefined }>): AsyncGenerator<T, void, undefined> {
  let cursor: string | undefined;
  do {
    const page = await data(load(cursor));
    yield* page.items;
    cursor = page.next_cursor ?? undefined;
  } while (cursor !== undefined);
}

/** What a call answered. Calls that fail throw a FanfareError; one that answers nothing is asked for nothing. */
export async function data<T>(call: Promise<{ data?: T | undefined }>): Promise<T> {
  const { data } = await call;
  return data as T;
}

/** What a call answered, with its version in `etag`: give it as `If-Match` when you change what you saw. */
export async function versioned<T extends object>(call: Promise<{ data?: T | undefined; response: Response }>): Promise<T & { etag: string }> {
  const { data, response } = await call;
  return { ...(data as T), etag: response.headers.get("ETag") ?? "" };
}
