import type { Schemas } from "@fanfare/client";

/** What the installation is like: how people sign in, and what it has. */
export type Settings = Schemas["DashboardSettings"];

let loaded: Settings | undefined;

/** The installation's settings, which `main` loads before anything else. */
export function settings(): Settings {
  if (loaded === undefined) throw new Error("settings are not loaded");
  return loaded;
}

export async function loadSettings(apiUrl: string): Promise<Settings> {
  const answer = await fetch(`${apiUrl}/v1/dashboard`);
  if (!answer.ok) throw new Error(`the server answered with ${answer.status}`);
  loaded = (await answer.json()) as Settings;
  return loaded;
}
