import { useNavigate, useSearch } from "@tanstack/react-router";

/** What stands behind the ? of the address, as texts: whatever else stands there is as if it were not there. */
export function useAddress() {
  const search: Record<string, unknown> = useSearch({ strict: false });
  const navigate = useNavigate();
  const get = (name: string): string => {
    const value = search[name];
    return typeof value === "string" ? value : typeof value === "number" || typeof value === "boolean" ? String(value) : "";
  };
  return {
    get,
    /** One of some words; the first of them where the address says none of them. */
    one: <T extends string>(name: string, words: readonly [T, ...T[]]): T => words.find((word) => word === get(name)) ?? words[0],
    /** Changes some of it; what is empty goes. */
    set: (changes: Record<string, string>) => {
      const next = { ...search, ...changes };
      void navigate({ to: ".", search: Object.fromEntries(Object.entries(next).filter(([, value]) => value !== "")), replace: true, resetScroll: false });
    },
  };
}
