import assert from "node:assert/strict";
import { test } from "node:test";
import { createFanfare, data, FanfareError } from "@fanfare/client";
import { json, problem, serve } from "./serve.mjs";

const params = { path: { customer_id: "00000000-0000-4000-8000-000000000000" } };
const POSTS = "/v1/customers/{customer_id}/posts";
const now = { "Retry-After": "0" };

test("a POST is sent again with the same Idempotency-Key and body", async (t) => {
  const { baseUrl, requests } = await serve(t, problem(503, {}, now), json(201, { id: "1" }));
  const text = "x".repeat(2_000_000);
  const post = await data(createFanfare({ baseUrl, apiKey: "k" }).POST(POSTS, { params, body: { title: "t", text } }));
  assert.equal(post.id, "1");
  assert.equal(requests.length, 2);
  assert.match(requests[0].headers["idempotency-key"], /^[0-9a-f-]{36}$/);
  assert.equal(requests[1].headers["idempotency-key"], requests[0].headers["idempotency-key"]);
  assert.equal(requests[1].body, requests[0].body);
  assert.equal(JSON.parse(requests[1].body).text.length, text.length);
});

test("an Idempotency-Key that is given is kept", async (t) => {
  const { baseUrl, requests } = await serve(t, json(201, { id: "1" }));
  await createFanfare({ baseUrl }).POST(POSTS, { params: { ...params, header: { "Idempotency-Key": "mine" } }, body: { title: "t", text: "x" } });
  assert.equal(requests[0].headers["idempotency-key"], "mine");
});

test("after 429 it waits as long as Retry-After says", async (t) => {
  const { baseUrl, requests } = await serve(t, problem(429, {}, { "Retry-After": "1" }), json(200, { items: [], next_cursor: null }));
  await createFanfare({ baseUrl }).GET(POSTS, { params });
  assert.equal(requests.length, 2);
  assert.ok(requests[1].at - requests[0].at >= 950, `${requests[1].at - requests[0].at} ms`);
});

test("a wait that is too long is left to the caller", async (t) => {
  const { baseUrl, requests } = await serve(t, problem(429, {}, { "Retry-After": "3600" }));
  await assert.rejects(createFanfare({ baseUrl }).GET(POSTS, { params }), (error) => error instanceof FanfareError && error.status === 429 && error.retryAfter === 3600);
  assert.equal(requests.length, 1);
});

test("PATCH and DELETE are not sent again after 503, but are after 429", async (t) => {
  const path = "/v1/customers/{customer_id}/posts/{post_id}";
  const of = { path: { ...params.path, post_id: params.path.customer_id } };
  const broken = await serve(t, problem(503, {}, now));
  const fanfare = createFanfare({ baseUrl: broken.baseUrl });
  await assert.rejects(fanfare.PATCH(path, { params: of, body: { text: "x" } }), { name: "FanfareError", status: 503 });
  await assert.rejects(fanfare.DELETE(path, { params: of }), { name: "FanfareError", status: 503 });
  assert.equal(broken.requests.length, 2);
  const busy = await serve(t, problem(429, {}, now), json(200, { id: "1" }));
  await createFanfare({ baseUrl: busy.baseUrl }).PATCH(path, { params: of, body: { text: "x" } });
  assert.equal(busy.requests.length, 2);
  assert.equal(busy.requests[1].body, busy.requests[0].body);
});

test("it gives up after the retries, with what was answered last", async (t) => {
  const { baseUrl, requests } = await serve(t, problem(503, {}, now));
  await assert.rejects(createFanfare({ baseUrl, retries: 3 }).GET(POSTS, { params }), { status: 503 });
  assert.equal(requests.length, 4);
});

test("retries: 0 sends once", async (t) => {
  const { baseUrl, requests } = await serve(t, problem(503, {}, now));
  await assert.rejects(createFanfare({ baseUrl, retries: 0 }).GET(POSTS, { params }), { status: 503 });
  assert.equal(requests.length, 1);
});

test("a connection that breaks is tried again", async (t) => {
  const { baseUrl, requests } = await serve(t, (response) => response.destroy(), json(200, { items: [], next_cursor: null }));
  await createFanfare({ baseUrl }).GET(POSTS, { params });
  assert.equal(requests.length, 2);
});

test("aborting ends the wait", async (t) => {
  const { baseUrl, requests } = await serve(t, problem(503, {}, { "Retry-After": "20" }));
  const stop = new AbortController();
  const begun = Date.now();
  setTimeout(() => stop.abort(), 200);
  await assert.rejects(createFanfare({ baseUrl }).GET(POSTS, { params, signal: stop.signal }), { name: "AbortError" });
  assert.ok(Date.now() - begun < 5000);
  assert.equal(requests.length, 1);
});
