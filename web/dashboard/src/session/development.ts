import { apiUrl } from "../api";
import type { Provider } from "./session";

const KEY = "fanfare.development.token";

/** Somebody of the demo data. */
interface Person {
  id: string;
  name: string;
  email: string;
  about: string;
}

/** The sign-in of `fanfare dev`: one chooses who to be. */
export const development: Provider = {
  token: () => Promise.resolve(sessionStorage.getItem(KEY)),
  signOut: () => {
    sessionStorage.removeItem(KEY);
    return Promise.resolve();
  },
};

export async function people(): Promise<Person[]> {
  const answer = await fetch(`${apiUrl}/dev/people`);
  if (!answer.ok) throw new Error(`the server answered with ${answer.status}`);
  return ((await answer.json()) as { people: Person[] }).people;
}

export async function signInAs(person: string): Promise<void> {
  const answer = await fetch(`${apiUrl}/dev/sign-in`, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ person }) });
  if (!answer.ok) throw new Error(`the server answered with ${answer.status}`);
  sessionStorage.setItem(KEY, ((await answer.json()) as { token: string }).token);
}
