const KEY = "fanfare.invitation";
const HOUR = 3_600_000;

/** The invitation of the link that was opened, kept in this browser until somebody has signed in and accepted it, for an hour at most. */
export const invitation = {
  /** Keeps what stands behind the # of the link. */
  keep(hash: string) {
    const token = new URLSearchParams(hash.replace(/^#/, "")).get("token");
    if (token !== null && token !== "") localStorage.setItem(KEY, JSON.stringify({ token, at: Date.now() }));
  },
  get token(): string | null {
    try {
      const kept = JSON.parse(localStorage.getItem(KEY) ?? "null") as { token: string; at: number } | null;
      return kept !== null && Date.now() - kept.at < HOUR ? kept.token : null;
    } catch {
      return null;
    }
  },
  forget() {
    localStorage.removeItem(KEY);
  },
};
