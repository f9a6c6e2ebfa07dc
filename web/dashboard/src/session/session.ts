import { Store } from "../lib/store";

/** A way to sign in. */
export interface Provider {
  /** The token of who is signed in, renewed if need be; null: nobody is. */
  token(): Promise<string | null>;
  /** Ends the sign-in here, and at the provider where it has one. */
  signOut(): Promise<void>;
}

export type SessionState = "loading" | "signed-out" | "signed-in" | "expired";

const state = new Store<SessionState>("loading");
let provider: Provider | undefined;

/** Who is signed in. */
export const session = {
  state,
  async use(next: Provider) {
    provider = next;
    state.set((await next.token()) === null ? "signed-out" : "signed-in");
  },
  async token(): Promise<string | null> {
    return (await provider?.token()) ?? null;
  },
  /** The server does not accept the token any more: whoever sits here signs in again, and what they have written stays where it is. */
  expired() {
    if (state.value === "signed-in") state.set("expired");
  },
  /** A new token is there. */
  renewed() {
    state.set("signed-in");
  },
  async signOut() {
    await provider?.signOut();
    state.set("signed-out");
  },
};
