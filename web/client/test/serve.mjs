import { createServer } from "node:http";

/**
 * A server that answers one request after another, as `answers` say, and keeps what it was asked. It ends with the test.
 *
 * @param {import("node:test").TestContext} t
 * @param {((response: import("node:http").ServerResponse, request: object) => void)[]} answers the last one answers all that follow
 */
export async function serve(t, ...answers) {
  const requests = [];
  const server = createServer((request, response) => {
    const parts = [];
    request.on("data", (part) => parts.push(part));
    request.on("end", () => {
      const asked = { method: request.method, url: request.url, headers: request.headers, body: Buffer.concat(parts).toString(), at: Date.now() };
      requests.push(asked);
      answers[Math.min(requests.length, answers.length) - 1](response, asked);
    });
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  });
  return { baseUrl: `http://127.0.0.1:${server.address().port}`, requests };
}

/** Answers with JSON. */
export const json = (status, body, headers = {}) => (response) => response.writeHead(status, { "Content-Type": "application/json", ...headers }).end(JSON.stringify(body));

/** Answers with a problem. */
export const problem = (status, body = {}, headers = {}) =>
  json(status, { type: "about:blank", title: "Problem", status, detail: `It is ${status}.`, ...body }, { "Content-Type": "application/problem+json", ...headers });
