import { useState } from "react";
import { changed, FanfareError } from "../api";
import { useCustomerId } from "../shell/customer";
import { useDraft } from "./draft";

/** What a field holds. */
export type Value = string | boolean | string[];
export type Values<V> = Record<keyof V, Value>;

const same = (one: Value | undefined, other: Value | undefined) => JSON.stringify(one) === JSON.stringify(other);

/** What is edited, as it was at a version. */
export interface Seen<V> {
  values: V;
  etag: string;
}

/**
 * Edits something that others may edit, too. What is typed is kept with the version that it was typed over; only what was changed is sent.
 * If the thing has changed since, `current` has what is there now, and nothing that was typed is lost.
 */
export function useVersions<V extends Values<V>>({ draftKey, seen, load, save }: { draftKey: string; seen: Seen<V>; load: () => Promise<Seen<V>>; save: (changes: Partial<V>, etag: string) => Promise<Seen<V>> }) {
  const customerId = useCustomerId();
  const draft = useDraft<Seen<V> & { base: V }>(draftKey, { values: seen.values, base: seen.values, etag: seen.etag });
  const [current, setCurrent] = useState<Seen<V>>();
  const [error, setError] = useState<unknown>();
  const [busy, setBusy] = useState(false);
  const { values, base, etag } = draft.value;
  const differing = (Object.keys(values) as (keyof V)[]).filter((field) => !same(values[field], base[field]));
  const restart = (from: Seen<V>) => {
    draft.set({ values: from.values, base: from.values, etag: from.etag });
    draft.clear();
    setCurrent(undefined);
  };
  const send = async (over: string): Promise<boolean> => {
    setBusy(true);
    setError(undefined);
    try {
      restart(await save(Object.fromEntries(differing.map((field) => [field, values[field]])) as Partial<V>, over));
      await changed(customerId);
      return true;
    } catch (problem) {
      setError(problem);
      if (problem instanceof FanfareError && problem.status === 412) {
        const now = await load().catch(() => undefined); // what went wrong first is shown
        if (now === undefined) return false;
        setError(undefined);
        if (now.etag !== over && (Object.keys(base) as (keyof V)[]).every((field) => same(now.values[field], base[field]))) return await send(now.etag); // what changed is none of what is edited here
        setCurrent(now);
      }
      return false;
    } finally {
      setBusy(false);
    }
  };
  return {
    values,
    set: <K extends keyof V & string>(field: K, value: V[K]) => draft.set((before) => ({ ...before, values: { ...before.values, [field]: value } })),
    dirty: differing.length > 0,
    busy,
    error,
    /** Saves what was typed; whether that worked. */
    save: () => send(etag),
    /** What is there now, once somebody else was faster. */
    current,
    /** Saves what was typed over what is there now. */
    keepMine: () => (current === undefined ? Promise.resolve(false) : send(current.etag)),
    /** Goes back to what is there now. */
    takeTheirs: () => current !== undefined && restart(current),
    /** Forgets what was typed. */
    discard: () => restart({ values: base, etag }),
  };
}

export type Versions<V extends Values<V>> = ReturnType<typeof useVersions<V>>;
