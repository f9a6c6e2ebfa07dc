import { useNavigate, useSearch } from "@tanstack/react-router";
import { useCallback } from "react";

/** What the address says after its `?`, as somebody may have typed it, and a way to change it. What is set to undefined is taken out. */
export function useAddress(): { text: (name: string) => string | undefined; flag: (name: string) => boolean; set: (changes: Record<string, string | true | undefined>, options?: { replace?: boolean }) => void } {
  const search: Record<string, unknown> = useSearch({ strict: false });
  const navigate = useNavigate();
  const set = useCallback(
    (changes: Record<string, string | true | undefined>, options?: { replace?: boolean }) => void navigate({ to: ".", search: (before: Record<string, unknown>) => ({ ...before, ...changes }), replace: options?.replace ?? false, resetScroll: false }),
    [navigate],
  );
  return {
    text: (name) => (typeof search[name] === "string" ? search[name] : undefined),
    flag: (name) => search[name] === true,
    set,
  };
}

/** One of some values; the first where it is none of them. */
export function oneOf<T extends string>(known: readonly [T, ...T[]], value: string | null | undefined): T {
  return known.find((candidate) => candidate === value) ?? known[0];
}
