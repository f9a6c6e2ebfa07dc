import { useNavigate, useSearch } from "@tanstack/react-router";
import { useCallback } from "react";

/** What follows the ? in the address, as texts, which anybody may have written; changing it leaves out what is empty. */
export function useAddress() {
  const raw: Record<string, unknown> = useSearch({ strict: false });
  const navigate = useNavigate();
  const get = (name: string): string => {
    const value = raw[name];
    return typeof value === "string" ? value : typeof value === "number" || typeof value === "boolean" ? String(value) : "";
  };
  /** One of some words; the first where it is none of them. */
  const choice = <T extends string>(name: string, words: readonly [T, ...T[]]): T => words.find((word) => word === get(name)) ?? words[0];
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
  return { get, choice, set };
}

/** A day as 2026-11-30, or nothing. */
export function day(text: string): string | undefined {
  return /^\d{4}-\d{2}-\d{2}$/.test(text) && !Number.isNaN(Date.parse(text)) ? text : undefined;
}

/** An id of the API, or nothing. */
export function uuid(text: string): string | undefined {
  return /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text) ? text : undefined;
}

/** One of some values; the first where it is none of them. */
export function oneOf<T extends string>(known: readonly [T, ...T[]], value: string | null | undefined): T {
  return known.find((candidate) => candidate === value) ?? known[0];
}
