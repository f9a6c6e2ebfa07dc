import assert from "node:assert/strict";
import { test } from "node:test";
import { createFanfare, FanfareError } from "@fanfare/client";
import { json, problem, serve } from "./serve.mjs";

const params = { path: { customer_id: "00000000-0000-4000-8000-000000000000" } };
const POSTS = "/v1/customers/{customer_id}/posts";

/** The error of a call. */
async function errorOf(call) {
  try {
    await call;
  } catch (error) {
    assert.ok(error instanceof FanfareError, String(error));
    return error;
  }
  assert.fail("it did not fail");
}

test("a problem becomes a FanfareError", async (t) => {
  const errors = [{ message: "expected length <= 200", location: "body.title" }];
  const { baseUrl, requests } = await serve(t, problem(422, { type: "urn:fanfare:problem:invalid", title: "Unprocessable Entity", detail: "The title is too long.", errors, request_id: "r-1" }));
  const error = await errorOf(createFanfare({ baseUrl }).POST(POSTS, { params, body: { title: "t", text: "x" } }));
  assert.deepEqual([error.status, error.type, error.title, error.message, error.requestId, error.retryAfter], [422, "urn:fanfare:problem:invalid", "Unprocessable Entity", "The title is too long.", "r-1", undefined]);
  assert.deepEqual(error.errors, errors);
  assert.equal(requests.length, 1);
});

test("a proxy's page becomes one, too", async (t) => {
  const { baseUrl } = await serve(t, (response) => response.writeHead(502, { "Content-Type": "text/html", "X-Request-ID": "p-1" }).end("<h1>Bad Gateway</h1>"));
  const error = await errorOf(createFanfare({ baseUrl, retries: 0 }).GET(POSTS, { params }));
  assert.deepEqual([error.status, error.title, error.requestId, error.errors], [502, "Bad Gateway", "p-1", []]);
  assert.doesNotMatch(error.message, /<h1>/);
});

test("a problem that is cut off leaves the status", async (t) => {
  const { baseUrl } = await serve(t, (response) => response.writeHead(500, { "Content-Type": "application/problem+json" }).end('{"type":"urn'));
  assert.equal((await errorOf(createFanfare({ baseUrl, retries: 0 }).GET(POSTS, { params }))).status, 500);
});

test("no answer has status 0", async () => {
  const error = await errorOf(createFanfare({ baseUrl: "http://127.0.0.1:1", retries: 0 }).GET(POSTS, { params }));
  assert.deepEqual([error.status, error.type], [0, "urn:fanfare:client:unreachable"]);
  assert.ok(error.cause instanceof Error);
});

test("who calls is told by a token or an API key", async (t) => {
  const { baseUrl, requests } = await serve(t, json(200, { items: [], next_cursor: null }));
  await createFanfare({ baseUrl, apiKey: "key" }).GET(POSTS, { params });
  await createFanfare({ baseUrl, token: async () => "token" }).GET(POSTS, { params });
  await createFanfare({ baseUrl, token: () => null }).GET(POSTS, { params });
  assert.deepEqual(
    requests.map(({ headers }) => [headers["x-api-key"], headers.authorization, headers["idempotency-key"]]),
    [["key", undefined, undefined], [undefined, "Bearer token", undefined], [undefined, undefined, undefined]],
  );
});

test("a client needs an address", () => {
  for (const baseUrl of [undefined, ""]) assert.throws(() => createFanfare({ baseUrl, apiKey: "k" }), { name: "Error", message: "baseUrl is missing: give the address of Fanfare, such as https://fanfare.example" });
  for (const baseUrl of ["fanfare.example", "localhost:8080", "/fanfare", "http://", "ftp://fanfare.example"]) assert.throws(() => createFanfare({ baseUrl }), /^Error: baseUrl is no address: .* not "/);
  for (const baseUrl of ["https://fanfare.example", "http://127.0.0.1:8080/", "https://example.com/fanfare"]) createFanfare({ baseUrl });
});
