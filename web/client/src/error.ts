import type { components } from "./schema.js";

/** What the API answers when something is wrong (RFC 9457, `application/problem+json`). */
export type Problem = components["schemas"]["Problem"];

/**
 * An answer of the API that is no success, or no answer at all (`status` 0).
 * Its message says what happened and what to do, in words that can be shown.
 */
export class FanfareError extends Error {
  override readonly name = "FanfareError";
  /** The HTTP status; 0 when there was no answer. */
  readonly status: number;
  /** What kind of problem it is, for programs, such as `urn:fanfare:problem:not-found`. */
  readonly type: string;
  /** The kind of problem in words. */
  readonly title: string;
  /** Each place in the request that is wrong. */
  readonly errors: NonNullable<Problem["errors"]>;
  /** What support can find the request by. */
  readonly requestId: string | undefined;
  /** In how many seconds it may be tried again, if the API said so. */
  readonly retryAfter: number | undefined;

  constructor(problem: Problem, options?: ErrorOptions & { retryAfter?: number | undefined }) {
    super(problem.detail, options);
    this.status = problem.status;
    this.type = problem.type;
    this.title = problem.title;
    this.errors = problem.errors ?? [];
    this.requestId = problem.request_id;
    this.retryAfter = options?.retryAfter;
  }

  /** The problem that an answer tells of. Answers of proxies, which are no problems, become one. */
  static async from(response: Response): Promise<FanfareError> {
    const retryAfter = secondsOf(response.headers.get("Retry-After"));
    const requestId = response.headers.get("X-Request-ID") ?? undefined;
    let problem: Problem = {
      type: "about:blank",
      title: response.statusText || `HTTP ${response.status}`,
      status: response.status,
      detail: `The server answered with ${response.status}.`,
      ...(requestId === undefined ? {} : { request_id: requestId }),
    };
    if (response.headers.get("Content-Type")?.startsWith("application/problem+json")) {
      try {
        problem = { ...problem, ...((await response.json()) as Problem) };
      } catch {
        // it was cut off: the status has to do
      }
    }
    return new FanfareError(problem, { retryAfter });
  }

  /** That there was no answer: the network is away, the address is wrong, or the time was over. */
  static unreachable(cause: unknown): FanfareError {
    return new FanfareError(
      { type: "urn:fanfare:client:unreachable", title: "Not reachable", status: 0, detail: "The server cannot be reached. Look at the network, and try again." },
      { cause },
    );
  }
}

/** Seconds from now of a Retry-After header (RFC 9110, 10.2.3): a number of seconds or a date. */
export function secondsOf(header: string | null, now = Date.now()): number | undefined {
  if (header === null) return undefined;
  if (/^\d+$/.test(header.trim())) return Number(header);
  const at = Date.parse(header);
  return Number.isNaN(at) ? undefined : Math.max(0, (at - now) / 1000);
}
