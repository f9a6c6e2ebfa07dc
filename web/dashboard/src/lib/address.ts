import { useNavigate, useSearch } from "@tanstack/react-router";
import { useCallback } from "react";

/** What the address says of a name, as a text; the empty one where it says nothing. */
export type Get = (name: string) => string;

/** What follows the ? in the address, as texts, which anybody may have written; changing it leaves out what is empty. */
export function useAddress() {
  const search: Record<string, unknown> = useSearch({ strict: false });
  const navigate = useNavigate();
  const get: Get = useCallback(
    (name) => {
      const value = search[name];
      return typeof value === "string" ? value : typeof value === "number" || typeof value === "boolean" ? String(value) : "";
    },
    [search],
  );
  /** One of some words; the first where it is none of them. */
  const one = <T extends string>(name: string, words: readonly [T, ...T[]]): T => oneOf(words, get(name)) ?? words[0];
  const set = useCallback(
    (changes: Record<string, string | undefined>, push = false) =>
      void navigate({
        to: ".",
        search: (before: Record<string, unknown>) => Object.fromEntries(Object.entries({ ...before, ...changes }).filter(([, value]) => value !== undefined && value !== "")),
        replace: !push,
        resetScroll: false,
      }),
    [navigate],
  );
  return { get, one, set };
}

/** A day as 2026-11-30, or nothing. */
export function dayOf(text: string): string | undefined {
  if (!/^(19|20|21)\d\d-\d\d-\d\d$/.test(text)) return undefined;
  const at = new Date(`${text}T00:00:00Z`);
  return !Number.isNaN(at.getTime()) && at.toISOString().startsWith(text) ? text : undefined; // February has no 30th
}

/** An id of the API, or nothing. */
export function idOf(text: string): string | undefined {
  return /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text) ? text : undefined;
}

/** One of some words, or nothing. */
export function oneOf<T extends string>(words: readonly T[], text: string | null): T | undefined {
  return words.find((word) => word === text);
}

/** Some of some words, which have commas between them. */
export function someOf<T extends string>(words: readonly T[], text: string): T[] {
  const named = text.split(",");
  return words.filter((word) => named.includes(word));
}
