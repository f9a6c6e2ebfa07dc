const PREFIX = "fanfare.draft.";

/** Under what this browser keeps what somebody is writing, so that nobody else who signs in here is shown it. */
export function draftName(person: string, key: string): string {
  return `${PREFIX}${encodeURIComponent(person).replaceAll(".", "%2E")}.${key}`;
}

/** Forgets all that a person was writing in this browser. */
export function forgetDrafts(person: string) {
  for (const name of Object.keys(localStorage)) if (name.startsWith(draftName(person, ""))) localStorage.removeItem(name);
}
