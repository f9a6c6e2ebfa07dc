import { useEffect } from "react";
import { apiUrl, changed } from "./api";
import { session } from "./session/session";

/** How often everything is fetched again while nothing tells of changes. */
const POLL = 30_000;
/** How far apart it is fetched again, at least, where much changes. */
const REST = 3_000;

/**
 * Fetches again what is shown of a customer whenever something changes there.
 * Browsers keep few connections to a host, so one tab listens for all: it tells the others.
 */
export function useLive(customerId: string) {
  useEffect(() => {
    const stop = new AbortController();
    const others = new BroadcastChannel(`fanfare.changes.${customerId}`);
    let stale = false;
    let next = 0;
    let waiting: ReturnType<typeof setTimeout> | undefined;
    const refetch = () => {
      if (document.visibilityState !== "visible") {
        stale = true;
        return;
      }
      clearTimeout(waiting);
      const wait = next - Date.now();
      if (wait > 0) {
        waiting = setTimeout(refetch, wait);
        return;
      }
      next = Date.now() + REST;
      void changed(customerId);
    };
    let told = Date.now();
    const onVisible = () => {
      if (!stale || document.visibilityState !== "visible") return;
      stale = false;
      void changed(customerId);
    };
    document.addEventListener("visibilitychange", onVisible);
    others.onmessage = (message) => {
      told = Date.now();
      if (message.data === "change") refetch();
    };
    const poll = setInterval(() => {
      if (Date.now() - told > POLL) refetch();
    }, POLL);
    void navigator.locks
      .request(`fanfare.changes.${customerId}`, { signal: stop.signal }, () =>
        listen(customerId, stop.signal, (event) => {
          told = Date.now();
          others.postMessage(event);
          if (event === "change") refetch();
        }),
      )
      .catch(() => undefined); // another customer, or the page is left
    return () => {
      stop.abort();
      others.close();
      clearInterval(poll);
      clearTimeout(waiting);
      document.removeEventListener("visibilitychange", onVisible);
    };
  }, [customerId]);
}

/** Listens until it is stopped, beginning again whenever the stream ends. */
async function listen(customerId: string, signal: AbortSignal, tell: (event: "change" | "alive") => void): Promise<void> {
  for (let wait = 2000; !signal.aborted; wait = Math.min(wait * 2, 60_000)) {
    try {
      const token = await session.token();
      const answer = await fetch(`${apiUrl}/v1/customers/${customerId}/changes`, {
        headers: { Accept: "text/event-stream", ...(token === null ? {} : { Authorization: `Bearer ${token}` }) },
        signal,
      });
      if (answer.ok && answer.body !== null) {
        const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
        for (let text = ""; ; ) {
          const { done, value } = await reader.read();
          if (done) break;
          wait = 1000;
          text += value;
          const blocks = text.split("\n\n");
          text = blocks.pop() ?? "";
          for (const block of blocks) tell(/^event: change$/m.test(block) ? "change" : "alive");
        }
      }
    } catch {
      // cut off: again in a while
    }
    await new Promise((resolve) => setTimeout(resolve, wait));
  }
}
