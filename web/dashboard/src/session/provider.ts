import { once } from "../lib/load";
import { settings } from "../settings";
import { development } from "./development";
import { session, type Provider } from "./session";

/** The ways to sign in; the libraries of those that the installation does not use are never loaded. */
export const provider = {
  oidc: once(() => import("./oidc").then((module) => new module.Oidc(settings().sign_in))),
  supabase: once(() => import("./supabase").then((module) => new module.Supabase(settings().sign_in))),
};

/** Finds out who is signed in, by the installation's way. */
export async function startSession(): Promise<void> {
  const nobody: Provider = { token: () => Promise.resolve(null), signOut: () => Promise.resolve() };
  const kind = settings().sign_in.kind;
  await session.use(kind === "development" ? development : kind === "oidc" ? await provider.oidc() : kind === "supabase" ? await provider.supabase() : nobody);
}
