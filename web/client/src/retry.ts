import { secondsOf } from "./error.js";

/** The longest time that a retry waits; what is told to come later is left to the caller. */
const LONGEST_WAIT = 30;

/** How a request is sent: `fetch`, or something that is used in its place. */
export type Fetch = (request: Request) => Promise<Response>;

/**
 * Sends a request again when it is safe to: reading, and POST with its Idempotency-Key, which the API carries out once
 * however often it comes. Others are sent again only when the API says that it has not begun with them (429).
 * Waits as long as Retry-After says, or 0.5 s, 1 s, 2 s, … with some chance, so that many clients do not come together.
 */
export function retrying(send: Fetch, retries: number): Fetch {
  return async (request) => {
    for (let tried = 0; ; tried++) {
      const last = tried >= retries;
      let answer: Response;
      try {
        answer = await send(last ? request : request.clone());
      } catch (error) {
        if (last || !repeatable(request) || request.signal.aborted) throw error;
        await wait(pause(tried), request.signal);
        continue;
      }
      if (last || !again(request, answer.status)) return answer;
      const seconds = secondsOf(answer.headers.get("Retry-After")) ?? pause(tried);
      if (seconds > LONGEST_WAIT) return answer;
      await answer.body?.cancel();
      await wait(seconds, request.signal);
    }
  };
}

function again(request: Request, status: number): boolean {
  if (status === 429) return true;
  return repeatable(request) && [502, 503, 504].includes(status);
}

function repeatable(request: Request): boolean {
  return ["GET", "HEAD"].includes(request.method) || (request.method === "POST" && request.headers.has("Idempotency-Key"));
}

function pause(tried: number): number {
  return 0.5 * 2 ** tried * (0.75 + Math.random() / 2);
}

function wait(seconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      reject(signal.reason as Error);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener("abort", stop);
      resolve();
    }, seconds * 1000);
    if (signal.aborted) stop();
    else signal.addEventListener("abort", stop, { once: true });
  });
}
