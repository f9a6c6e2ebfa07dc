import assert from "node:assert/strict";
import { test } from "node:test";
import { createFanfare, data, paginate, versioned } from "@fanfare/client";
import { json, problem, serve } from "./serve.mjs";

const path = { customer_id: "00000000-0000-4000-8000-000000000000" };
const POSTS = "/v1/customers/{customer_id}/posts";
const POST = "/v1/customers/{customer_id}/posts/{post_id}";

test("a list is gone through page by page", async (t) => {
  const { baseUrl, requests } = await serve(t, json(200, { items: [{ id: "1" }, { id: "2" }], next_cursor: "a b" }), json(200, { items: [], next_cursor: "c" }), json(200, { items: [{ id: "3" }], next_cursor: null }));
  const fanfare = createFanfare({ baseUrl });
  const ids = [];
  for await (const post of paginate((cursor) => fanfare.GET(POSTS, { params: { path, query: { cursor } } }))) ids.push(post.id);
  assert.deepEqual(ids, ["1", "2", "3"]);
  assert.deepEqual(
    requests.map(({ url }) => new URL(url, baseUrl).searchParams.get("cursor")),
    [null, "a b", "c"],
  );
});

test("a page is asked for when it is needed", async (t) => {
  const { baseUrl, requests } = await serve(t, json(200, { items: [{ id: "1" }], next_cursor: "b" }));
  const fanfare = createFanfare({ baseUrl });
  for await (const post of paginate((cursor) => fanfare.GET(POSTS, { params: { path, query: { cursor } } }))) {
    assert.equal(post.id, "1");
    break;
  }
  assert.equal(requests.length, 1);
});

test("a version that was seen is sent with the change", async (t) => {
  const { baseUrl, requests } = await serve(t, json(200, { id: "1" }, { ETag: '"7"' }), problem(412));
  const fanfare = createFanfare({ baseUrl });
  const params = { path: { ...path, post_id: path.customer_id } };
  const seen = await versioned(fanfare.GET(POST, { params }));
  assert.equal(seen.etag, '"7"');
  await assert.rejects(fanfare.PATCH(POST, { params: { ...params, header: { "If-Match": seen.etag } }, body: { text: "x" } }), { status: 412 });
  assert.equal(requests[1].headers["if-match"], '"7"');
});

test("an answer without a body is nothing", async (t) => {
  const { baseUrl } = await serve(t, (response) => response.writeHead(204).end());
  assert.equal(await data(createFanfare({ baseUrl }).DELETE(POST, { params: { path: { ...path, post_id: path.customer_id } } })), undefined);
});
