import type { Schemas } from "../../api";
import type { PlatformName } from "../../components/Platform";

export type Post = Schemas["Post"];
export type Versioned = Post & { etag: string };
export type Options = Schemas["Options"];
export type Account = Schemas["Integration"];
export type Check = Schemas["PlatformCheck"];

/** What a post says on one account. `text` and `media_ids` are null where they are the post's. */
export interface Variant {
  integration_id: string;
  text: string | null;
  media_ids: string[] | null;
  options: Options;
}

/** What is written of a post. */
export interface Draft {
  title: string;
  text: string;
  campaign_id: string | null;
  media_ids: string[];
  platforms: Variant[];
}

/** How many characters the API takes of a text at most. */
export const LONGEST = 100_000;

/** How many characters a text has, as the API counts them. */
export function lengthOf(text: string): number {
  return text.length <= LONGEST / 2 ? text.length : [...text].length;
}

/** Whether one of the texts is longer than the API takes. */
export function tooLong(draft: Draft): boolean {
  return [draft.text, ...draft.platforms.map((variant) => variant.text ?? "")].some((text) => lengthOf(text) > LONGEST);
}

export const emptyDraft: Draft = { title: "", text: "", campaign_id: null, media_ids: [], platforms: [] };

/** States of a post in which it can be changed. */
export const editable: readonly Post["state"][] = ["draft", "pending_approval", "approved", "scheduled", "failed", "cancelled"];

/** States in which what is typed is stored at once: nobody waits for the post, and it does not go out by itself. */
export const unhurried: readonly Post["state"][] = ["draft", "failed", "cancelled"];

export function draftOf(post: Post): Draft {
  return {
    title: post.title,
    text: post.text,
    campaign_id: post.campaign_id,
    media_ids: post.media_ids,
    platforms: post.platform_posts.map((platform) => ({ integration_id: platform.integration_id, text: platform.own_text ? platform.text : null, media_ids: platform.media_ids, options: platform.options })),
  };
}

/** What an account's text is: its own where it has one, and the post's otherwise. */
export function textOf(draft: Draft, variant: Variant): string {
  return variant.text !== null && variant.text !== "" ? variant.text : draft.text;
}

export function mediaOf(draft: Draft, variant: Variant): string[] {
  return variant.media_ids ?? draft.media_ids;
}

/** Options without those that were left empty, in one order. */
function tidy(options: Options): Options {
  const entries = Object.entries(options).filter(([, value]) => value !== undefined && value !== "" && value !== false && !(Array.isArray(value) && value.length === 0));
  return Object.fromEntries(entries.sort(([a], [b]) => a.localeCompare(b)));
}

/** What the API is sent of a draft. */
export function bodyOf(draft: Draft) {
  return {
    title: draft.title,
    text: draft.text,
    campaign_id: draft.campaign_id,
    media_ids: draft.media_ids,
    platforms: draft.platforms.map((variant) => {
      const options = tidy({ ...variant.options, ...(variant.options.thread === undefined ? {} : { thread: variant.options.thread.filter((part) => part.text !== "") }) });
      return {
        integration_id: variant.integration_id,
        ...(variant.text === null || variant.text === "" ? {} : { text: variant.text }),
        ...(variant.media_ids === null ? {} : { media_ids: variant.media_ids }),
        ...(Object.keys(options).length === 0 ? {} : { options }),
      };
    }),
  };
}

/** A draft in a form in which equal ones are equal texts. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) =>
    part !== null && typeof part === "object" && !Array.isArray(part) ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => a.localeCompare(b))) : part,
  );
}

export function same(a: Draft, b: Draft): boolean {
  const comparable = (draft: Draft) => {
    const body = bodyOf(draft);
    return canonical({ ...body, platforms: body.platforms.sort((x, y) => x.integration_id.localeCompare(y.integration_id)) });
  };
  return comparable(a) === comparable(b);
}

/** One thing in which two versions of a post differ. */
export interface Difference {
  key: string;
  kind: "title" | "text" | "campaign" | "media" | "accounts" | "ownText" | "ownMedia" | "options";
  integration_id?: string;
  base: string;
  mine: string;
  theirs: string;
}

const json = (value: unknown) => (value === undefined ? "" : canonical(value));

/** In what two versions differ, with what was there before both. Texts are as they are, everything else is JSON. */
export function differences(base: Draft, mine: Draft, theirs: Draft): Difference[] {
  const found: Difference[] = [];
  const compare = (key: string, kind: Difference["kind"], of: (draft: Draft) => string, integrationId?: string) => {
    const difference: Difference = { key, kind, base: of(base), mine: of(mine), theirs: of(theirs), ...(integrationId === undefined ? {} : { integration_id: integrationId }) };
    if (difference.mine !== difference.theirs) found.push(difference);
  };
  compare("title", "title", (draft) => draft.title);
  compare("text", "text", (draft) => draft.text);
  compare("campaign", "campaign", (draft) => json(draft.campaign_id));
  compare("media", "media", (draft) => json(draft.media_ids));
  compare("accounts", "accounts", (draft) => json(draft.platforms.map((variant) => variant.integration_id).sort()));
  const both = mine.platforms.filter((variant) => theirs.platforms.some((other) => other.integration_id === variant.integration_id));
  for (const { integration_id: id } of both) {
    const of = (draft: Draft) => draft.platforms.find((variant) => variant.integration_id === id);
    compare(`${id}.text`, "ownText", (draft) => of(draft)?.text ?? "", id);
    compare(`${id}.media`, "ownMedia", (draft) => json(of(draft)?.media_ids ?? null), id);
    compare(`${id}.options`, "options", (draft) => json(tidy(of(draft)?.options ?? {})), id);
  }
  return found;
}

/** A draft in which each difference has the value that was chosen for it. */
export function merged(mine: Draft, theirs: Draft, chosen: ReadonlyMap<string, string>): Draft {
  const value = (key: string, otherwise: string) => chosen.get(key) ?? otherwise;
  const ids = JSON.parse(value("accounts", json(mine.platforms.map((variant) => variant.integration_id).sort()))) as string[];
  const from = (id: string) => mine.platforms.find((variant) => variant.integration_id === id) ?? theirs.platforms.find((variant) => variant.integration_id === id);
  return {
    title: value("title", mine.title),
    text: value("text", mine.text),
    campaign_id: JSON.parse(value("campaign", json(mine.campaign_id))) as string | null,
    media_ids: JSON.parse(value("media", json(mine.media_ids))) as string[],
    platforms: ids.flatMap((id) => {
      const variant = from(id);
      if (variant === undefined) return [];
      return [
        {
          integration_id: id,
          text: value(`${id}.text`, variant.text ?? "") || null,
          media_ids: JSON.parse(value(`${id}.media`, json(variant.media_ids))) as string[] | null,
          options: JSON.parse(value(`${id}.options`, json(variant.options))) as Options,
        },
      ];
    }),
  };
}

/** Whether a platform's posts have a heading. */
export function hasTitle(platform: PlatformName): boolean {
  return platform === "ghost" || platform === "mailchimp";
}
