import i18n from "i18next";
import { platforms, type PlatformName } from "../components/Platform";

/** What a post is called in a line: its title or how its text begins, and never nothing. */
export function labelOf(post: { title: string; text: string }, length = 200): string {
  const label = post.title.trim() || post.text.slice(0, 10 * length).trim();
  return label === "" ? i18n.t("untitled") : label.slice(0, length);
}

const order = Object.keys(platforms);

/** Puts what is of platforms in the one order in which they are shown everywhere. */
export function inOrder<T extends { platform: PlatformName }>(all: readonly T[]): T[] {
  return [...all].sort((a, b) => order.indexOf(a.platform) - order.indexOf(b.platform));
}

/** The platforms to which a post goes, each once. */
export function platformsOf(post: { platform_posts: readonly { platform: PlatformName }[] }): PlatformName[] {
  return [...new Set(inOrder(post.platform_posts).map((one) => one.platform))];
}
