import { session } from "../session/session";
import { draftName } from "./drafts";
import { useCallback, useEffect, useRef, useState } from "react";

/**
 * What somebody is writing, kept in this browser as they type, so that neither a reload nor the end of a sign-in loses it.
 * `key` says what it is a draft of; `clear` forgets it once it is saved at the server.
 */
export function useDraft<T>(key: string, initial: T): { value: T; set: (value: T | ((before: T) => T)) => void; clear: () => void; restored: boolean } {
  const name = draftName(session.person, key);
  const [restored] = useState(() => localStorage.getItem(name) !== null);
  const [value, setValue] = useState<T>(() => read(name) ?? initial);
  const dirty = useRef(false);
  const set = useCallback((next: T | ((before: T) => T)) => {
    dirty.current = true;
    setValue(next);
  }, []);
  useEffect(() => {
    if (dirty.current && session.state.value !== "signed-out") localStorage.setItem(name, JSON.stringify(value));
  }, [name, value]);
  const clear = useCallback(() => {
    dirty.current = false;
    localStorage.removeItem(name);
  }, [name]);
  return { value, set, clear, restored };
}

function read<T>(name: string): T | undefined {
  try {
    const text = localStorage.getItem(name);
    return text === null ? undefined : (JSON.parse(text) as T);
  } catch {
    return undefined;
  }
}
