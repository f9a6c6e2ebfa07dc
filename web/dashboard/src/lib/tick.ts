import { useSyncExternalStore } from "react";

/** How far apart what is shown of the time is looked at again. */
const EVERY = 10_000;

const listeners = new Set<() => void>();
let timer: ReturnType<typeof setInterval> | undefined;

function tell() {
  if (document.visibilityState === "visible") for (const listener of listeners) listener();
}

/** One clock for all that is shown, which stands still while nobody looks. */
function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  if (timer === undefined) {
    timer = setInterval(tell, EVERY);
    document.addEventListener("visibilitychange", tell);
  }
  return () => {
    listeners.delete(listener);
    if (listeners.size > 0) return;
    clearInterval(timer);
    timer = undefined;
    document.removeEventListener("visibilitychange", tell);
  };
}

/** What `read` makes of the time; it is shown anew only when that is another text. */
export function useTick(read: () => string): string {
  return useSyncExternalStore(subscribe, read);
}
