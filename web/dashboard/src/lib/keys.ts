import { useEffect, useRef } from "react";

/**
 * The keys that a page has for itself. They do nothing while something is typed, while a dialog is open, and right after `g`,
 * which with a letter goes to another page. A handler that answers false did nothing with its key.
 */
export function useKeys(handlers: Record<string, () => unknown>) {
  const latest = useRef(handlers);
  useEffect(() => {
    latest.current = handlers;
  });
  useEffect(() => {
    let after = 0;
    const onKey = (event: KeyboardEvent) => {
      const target = event.target;
      if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
      if (target instanceof HTMLElement && (target.isContentEditable || ["INPUT", "TEXTAREA", "SELECT"].includes(target.tagName))) return;
      if (document.querySelector("[aria-modal='true']") !== null) return;
      const first = Date.now() >= after;
      after = event.key === "g" ? Date.now() + 1500 : 0;
      const handler = latest.current[event.key];
      if (first && handler !== undefined && handler() !== false) event.preventDefault();
    };
    window.addEventListener("keydown", onKey);
    return () => window.removeEventListener("keydown", onKey);
  }, []);
}
