import { UserManager, WebStorageStateStore } from "oidc-client-ts";
import type { Settings } from "../settings";
import type { Provider } from "./session";

/** Sign-in at an OpenID Connect provider, with a code and PKCE; the tokens are this tab's. */
export class Oidc implements Provider {
  private readonly users: UserManager;
  constructor(signIn: Settings["sign_in"]) {
    const here = `${window.location.origin}/sign-in/callback`;
    this.users = new UserManager({
      authority: signIn.issuer ?? "",
      client_id: signIn.client_id ?? "",
      scope: signIn.scopes.join(" "),
      redirect_uri: here,
      popup_redirect_uri: here,
      post_logout_redirect_uri: window.location.origin,
      userStore: new WebStorageStateStore({ store: sessionStorage }),
      stateStore: new WebStorageStateStore({ store: localStorage }),
      automaticSilentRenew: false, // when a token is needed
    });
  }

  async token(): Promise<string | null> {
    let user = await this.users.getUser();
    if (user !== null && (user.expires_in ?? 60) < 30) {
      user = user.refresh_token === undefined ? null : await this.users.signinSilent().catch(() => null);
    }
    if (user === null) return null;
    // Some providers' access tokens are for themselves alone, and are no JWTs: then the ID token says who somebody is.
    return user.access_token.split(".").length === 3 ? user.access_token : (user.id_token ?? null);
  }

  /** Leaves the page for the provider's, and comes back to where one was. */
  async signIn(): Promise<void> {
    await this.users.signinRedirect({ state: window.location.pathname + window.location.search + window.location.hash });
  }

  /** Signs in again beside the page, which stays as it is. */
  async signInAgain(): Promise<void> {
    await this.users.signinPopup();
  }

  /** What the provider's answer leads to: the address where one was; undefined in the small window of signInAgain. */
  async callback(): Promise<string | undefined> {
    if (window.opener !== null) {
      await this.users.signinPopupCallback();
      return undefined;
    }
    const user = await this.users.signinRedirectCallback();
    return typeof user.state === "string" && user.state.startsWith("/") && !user.state.startsWith("//") ? user.state : "/";
  }

  async signOut(): Promise<void> {
    const metadata = await this.users.metadataService.getMetadata().catch(() => undefined);
    if (metadata?.end_session_endpoint === undefined) return this.users.removeUser();
    await this.users.signoutRedirect();
    return new Promise(() => undefined); // the page is left
  }
}
