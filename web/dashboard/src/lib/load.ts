import { reachable } from "./reachable";

const KEY = "fanfare.reloaded";
/** How far apart pages are loaded anew on their own, at least. */
const REST = 60_000;

// What could not be fetched leaves no element behind: it would pass for loaded the next time.
document.addEventListener(
  "error",
  ({ target }) => {
    if (target instanceof HTMLLinkElement) target.remove();
  },
  true,
);

/** Whether the server has the version of the dashboard that runs here; undefined: it does not answer. */
async function current(): Promise<boolean | undefined> {
  try {
    const answer = await fetch("/", { headers: { Accept: "text/html" }, cache: "no-store" });
    if (!answer.ok) return undefined;
    const script = document.querySelector("script[type=module][src]")?.getAttribute("src") ?? "";
    return (await answer.text()).includes(`"${script}"`);
  } catch {
    return undefined;
  }
}

/** Whether the page may be loaded anew: once, as it may be of no use. */
function mayReload(): boolean {
  const now = Date.now();
  if (now - Number(sessionStorage.getItem(KEY)) < REST) return false;
  sessionStorage.setItem(KEY, String(now));
  return true;
}

/** Keeps what was got; what failed is got anew the next time. */
export function once<Part>(get: () => Promise<Part>): () => Promise<Part> {
  let kept: Promise<Part> | undefined;
  return () =>
    (kept ??= get().catch((error: unknown) => {
      kept = undefined;
      throw error;
    }));
}

/**
 * Loads a part of the dashboard, such as a page or its words. While the server is away, it waits for it. A part that is gone because
 * another version was deployed comes with the whole page, which is then loaded anew.
 */
export async function load<Part>(get: () => Promise<Part>): Promise<Part> {
  for (let tries = 0; ; ) {
    try {
      return await get();
    } catch (error) {
      const same = await current();
      if (same === undefined) {
        reachable.lost();
        await reachable.again();
        tries = 0;
      } else if (!same && mayReload()) {
        window.location.reload();
        await new Promise(() => undefined);
      } else if (tries++ > 0) throw error;
    }
  }
}
