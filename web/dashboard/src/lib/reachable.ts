import { apiUrl, queryClient } from "../api";
import { Store } from "./store";

const away = new Store(false);
let timer: ReturnType<typeof setTimeout> | undefined;

/** Whether the server answers. While it does not, it is asked every few seconds; once it does, everything that is shown is fetched again. */
export const reachable = {
  away,
  lost() {
    if (away.value) return;
    away.set(true);
    timer = setTimeout(ask, 2000);
  },
  found() {
    if (!away.value) return;
    clearTimeout(timer);
    away.set(false);
    void queryClient.invalidateQueries();
  },
  /** Comes to its end when the server answers. */
  again(): Promise<void> {
    return new Promise((resolve) => {
      if (!away.value) return resolve();
      const stop = away.subscribe(() => {
        stop();
        resolve();
      });
    });
  },
};

async function ask() {
  try {
    const answer = await fetch(`${apiUrl}/livez`, { cache: "no-store" });
    if (answer.ok) return reachable.found();
  } catch {
    // still away
  }
  if (away.value) timer = setTimeout(ask, 3000);
}
