import { AuthClient } from "@supabase/auth-js";
import type { Settings } from "../settings";
import type { Provider } from "./session";

/** Sign-in at Supabase, with e-mail and password or a link by e-mail. */
export class Supabase implements Provider {
  private readonly auth: InstanceType<typeof AuthClient>;
  constructor(signIn: Settings["sign_in"]) {
    this.auth = new AuthClient({
      url: `${signIn.url ?? ""}/auth/v1`,
      headers: { apikey: signIn.anon_key ?? "" },
      flowType: "pkce",
      storageKey: "fanfare.supabase",
      storage: localStorage, // the link of an e-mail opens another tab
    });
  }

  async token(): Promise<string | null> {
    const { data } = await this.auth.getSession();
    return data.session?.access_token ?? null;
  }

  /** @throws Error with Supabase's own words. */
  async signIn(email: string, password: string): Promise<void> {
    const { error } = await this.auth.signInWithPassword({ email, password });
    if (error) throw error;
  }

  /** Sends a link by e-mail that signs in. */
  async sendLink(email: string): Promise<void> {
    const { error } = await this.auth.signInWithOtp({ email, options: { emailRedirectTo: window.location.origin } });
    if (error) throw error;
  }

  async signOut(): Promise<void> {
    await this.auth.signOut({ scope: "local" });
  }
}
