import { useNavigate, useSearch } from "@tanstack/react-router";
import { useCallback, useMemo } from "react";

type Search = Record<string, unknown>;

/** What the address says, as far as a page trusts it: `read` makes it of what is there; `change` sets some of it, and leaves out what is undefined. */
export function useFilters<T extends object>(read: (search: Search) => T) {
  const search: Search = useSearch({ strict: false });
  const navigate = useNavigate();
  const value = useMemo(() => read(search), [read, search]);
  const change = useCallback(
    (some: { [K in keyof T]?: T[K] | undefined }, { push = false } = {}) => {
      const next = (before: Search) => Object.fromEntries(Object.entries({ ...before, ...some }).filter(([, entry]) => entry !== undefined && entry !== ""));
      void navigate({ to: ".", search: next, replace: !push, resetScroll: false });
    },
    [navigate],
  );
  return [value, change] as const;
}

/** A text of the address; undefined where there is none. */
export function textOf(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value.slice(0, 200) : typeof value === "number" ? String(value) : undefined;
}

/** An id of the address; undefined where it is none. */
export function idOf(value: unknown): string | undefined {
  return typeof value === "string" && /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(value) ? value : undefined;
}

/** One of some words. */
export function oneOf<Word extends string>(words: readonly Word[], value: unknown): Word | undefined {
  return words.find((word) => word === value);
}

/** Some of some words, which the address has with commas between them. */
export function someOf<Word extends string>(words: readonly Word[], value: unknown): Word[] {
  const named = typeof value === "string" ? value.split(",") : [];
  return words.filter((word) => named.includes(word));
}
