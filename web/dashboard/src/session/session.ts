import { forgetDrafts } from "../lib/drafts";
import { Store } from "../lib/store";
import { rememberCustomer } from "../shell/last";

/** A way to sign in. */
export interface Provider {
  /** The token of who is signed in, renewed if need be; null: nobody is. */
  token(): Promise<string | null>;
  /** Ends the sign-in here, and at the provider where it has one; it does not come back where that leads to another page. */
  signOut(): Promise<void>;
}

type SessionState = "loading" | "signed-out" | "signed-in" | "expired";

const state = new Store<SessionState>("loading");
let provider: Provider | undefined;
let person: string | null = null;

/** Whom a token is of: its `sub` (RFC 7519, 4.1.2). What it says is believed by nobody but this page, about itself. */
function personOf(token: string | null): string | null {
  const body = token?.split(".")[1];
  if (body === undefined) return null;
  try {
    const { sub } = JSON.parse(atob(body.replace(/-/g, "+").replace(/_/g, "/"))) as { sub?: unknown };
    return typeof sub === "string" ? sub : null;
  } catch {
    return null;
  }
}

/** Those who store on the server what somebody is writing. */
const writers = new Set<() => Promise<unknown>>();
/** How long a sign-out waits for them. */
const FAREWELL = 3_000;

/** Ends what a system admin may have opened. */
const endRiver = () => fetch("/river/", { method: "DELETE", keepalive: true }).catch(() => undefined);

/** Begins anew: nothing that was fetched or typed as somebody else is left on the page. */
function beginAnew() {
  rememberCustomer(null);
  void endRiver();
  window.location.assign("/");
}

/** Who is signed in. */
export const session = {
  state,
  /** Whoever is signed in, or was until the sign-in ended; "" for nobody. */
  get person(): string {
    return person ?? "";
  },
  async use(next: Provider) {
    provider = next;
    const token = await next.token();
    person = personOf(token);
    state.set(token === null ? "signed-out" : "signed-in");
  },
  async token(): Promise<string | null> {
    const token = (await provider?.token()) ?? null;
    // Another tab may have signed somebody else in.
    if (token !== null && person !== null && personOf(token) !== null && personOf(token) !== person) {
      beginAnew();
      return null;
    }
    return token;
  },
  /** The server does not accept the token any more: whoever sits here signs in again, and what they have written stays where it is. */
  expired() {
    if (state.value === "signed-in") state.set("expired");
  },
  /** A new token is there: of the same person, who goes on, or of another one, who begins anew. */
  async renewed() {
    const next = personOf((await provider?.token()) ?? null);
    if (person !== null && next !== person) {
      beginAnew();
      return;
    }
    person = next;
    state.set("signed-in");
  },
  /** Has something stored before a sign-out. It gives what takes that back. */
  beforeSignOut(store: () => Promise<unknown>): () => void {
    writers.add(store);
    return () => void writers.delete(store);
  },
  /** Ends the sign-in, and leaves nothing of whoever was signed in. */
  async signOut() {
    await Promise.race([Promise.allSettled([...writers].map((store) => store())), new Promise((resolve) => setTimeout(resolve, FAREWELL))]);
    state.set("signed-out"); // nothing is stored any more
    forgetDrafts(session.person);
    await endRiver();
    await provider?.signOut();
    beginAnew();
  },
};
