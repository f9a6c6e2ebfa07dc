import { customerKey, fanfare, FanfareError, queryClient, versioned } from "../../api";
import { draftName } from "../../lib/drafts";
import { reachable } from "../../lib/reachable";
import { Store } from "../../lib/store";
import { session } from "../../session/session";
import { bodyOf, draftOf, editable, emptyDraft, same, tooLong, unhurried, type Draft, type Versioned } from "./model";

/** How long after the last key what was typed is stored at the server, in milliseconds. */
const PAUSE = 1500;
/** When it is tried again where nothing tells that the server is back. */
const AGAIN = 8000;

export type Status =
  | { kind: "stored" }
  /** There is something that the server does not have yet. */
  | { kind: "typed" }
  | { kind: "saving" }
  /** The server is away, or the sign-in has ended: it goes on by itself. */
  | { kind: "away" }
  | { kind: "refused"; error: unknown }
  /** Somebody else changed the post: both versions are shown. */
  | { kind: "conflict"; theirs: Versioned };

export interface View {
  draft: Draft;
  /** The version that was seen when what is typed was begun. */
  base: { etag: string; draft: Draft } | null;
  post: Versioned | null;
  status: Status;
  /** What is shown was typed earlier, and kept in this browser. */
  restored: boolean;
}

/** What is kept in this browser. `creating` is a request to make the post whose answer never came. */
interface Kept {
  draft: Draft;
  base: View["base"];
  creating?: { key: string; draft: Draft };
}

/** What is thrown where there is nothing that could be stored. */
export class NothingWritten extends Error {}

/** What is thrown where a text is longer than the server takes. */
export class TooLong extends Error {}

export function postKey(customerId: string, postId: string) {
  return [...customerKey(customerId), "post", postId] as const;
}

export function loadPost(customerId: string, postId: string): Promise<Versioned> {
  return versioned(fanfare.GET("/v1/customers/{customer_id}/posts/{post_id}", { params: { path: { customer_id: customerId, post_id: postId } } }));
}

const storage = {
  name: (customerId: string, postId: string | null) => draftName(session.person, `post.${postId ?? `new.${customerId}`}`),
  read(name: string): Kept | undefined {
    try {
      const text = localStorage.getItem(name);
      return text === null ? undefined : (JSON.parse(text) as Kept);
    } catch {
      return undefined;
    }
  },
};

/** Runs a change as one that the whole dashboard watches, so that an ended sign-in or an absent server is noticed everywhere. */
function watched<T>(change: () => Promise<T>): Promise<T> {
  return queryClient.getMutationCache().build<T, Error, void, unknown>(queryClient, { mutationFn: change, networkMode: "always" }).execute(undefined);
}

function passing(error: unknown): boolean {
  return error instanceof FanfareError && [0, 401, 408, 429, 502, 503, 504].includes(error.status);
}

/**
 * Keeps what is typed of a post: in this browser at once, and at the server a moment later. It makes the post once, then changes the
 * version that was seen; nothing typed is lost when the sign-in ends, the server is away, or somebody else was faster.
 */
export class Saver {
  readonly view: Store<View>;
  private creating: Kept["creating"];
  private timer: ReturnType<typeof setTimeout> | undefined;
  private running: Promise<void> | undefined;
  private readonly stops: (() => void)[] = [];

  constructor(
    private readonly customerId: string,
    post: Versioned | null,
    prefill: Partial<Draft>,
    /** Is told when the post was made. */
    private readonly made: (post: Versioned) => void,
  ) {
    const kept = storage.read(storage.name(customerId, post?.id ?? null));
    const there = post === null ? emptyDraft : draftOf(post);
    const fresh = { ...there, ...(post === null ? prefill : {}) };
    const differs = kept !== undefined && !same(kept.draft, there);
    this.creating = kept?.creating;
    const now = post === null ? null : { etag: post.etag, draft: there };
    const before = differs && kept.base !== null && !same(kept.base.draft, there) ? kept.base : now;
    this.view = new Store<View>({ draft: differs ? kept.draft : fresh, base: before, post, status: { kind: differs ? "typed" : "stored" }, restored: differs });
  }

  start(): () => void {
    const on = () => {
      if (this.view.value.status.kind === "away" && !reachable.away.value && session.state.value === "signed-in") this.plan(100);
    };
    const store = () => this.running ?? (this.going() && this.automatic() ? this.save().catch(() => undefined) : Promise.resolve());
    this.stops.push(reachable.away.subscribe(on), session.state.subscribe(on), session.beforeSignOut(store));
    if (this.going()) this.plan(PAUSE);
    return () => {
      clearTimeout(this.timer);
      for (const stop of this.stops.splice(0)) stop();
      if (session.state.value !== "signed-out") void store();
    };
  }

  set(change: (before: Draft) => Draft) {
    const view = this.view.value;
    const draft = change(view.draft);
    if (draft === view.draft) return;
    this.update({ draft, status: view.status.kind === "conflict" || view.status.kind === "away" || view.status.kind === "saving" ? view.status : { kind: "typed" } });
    this.keep();
    if (view.status.kind !== "conflict" && view.status.kind !== "away") this.plan(PAUSE);
  }

  /** What the server has now, from whoever fetched it. */
  seen(post: Versioned) {
    const view = this.view.value;
    if (this.running !== undefined || view.post === null || post.etag === view.post.etag || post.updated_at < view.post.updated_at) return;
    const typed = view.base !== null && !same(view.draft, view.base.draft);
    if (!typed) this.adopt(post);
    else this.update({ post });
  }

  /** Shows what the server has, and forgets what was typed. */
  discard() {
    const { post } = this.view.value;
    this.creating = undefined;
    if (post !== null) return this.adopt(post);
    this.update({ draft: emptyDraft, status: { kind: "stored" }, restored: false });
    this.forget();
  }

  /** What was restored is wanted: it is stored like what is typed. */
  noted() {
    this.update({ restored: false });
    if (this.going()) this.plan(PAUSE);
  }

  /** Goes on from the other version of a conflict with what was chosen of both. */
  async resolve(draft: Draft, theirs: Versioned): Promise<void> {
    this.update({ draft, base: { etag: theirs.etag, draft: draftOf(theirs) }, post: theirs, status: { kind: "typed" } });
    this.keep();
    await this.save();
  }

  /** Stores what is typed, and answers the version that the server has then. */
  async save(): Promise<Versioned> {
    clearTimeout(this.timer);
    while (this.running !== undefined) await this.running;
    if (this.view.value.draft.text === "") throw new NothingWritten();
    if (tooLong(this.view.value.draft)) throw new TooLong();
    if (this.changed()) {
      this.running = this.store().finally(() => (this.running = undefined));
      await this.running;
    } else if (this.view.value.post !== null) this.update({ status: { kind: "stored" } });
    const { post } = this.view.value;
    if (post === null) throw new NothingWritten();
    return post;
  }

  /** There is something to store. What was only restored waits until somebody goes on writing, as it may be discarded. */
  private going(): boolean {
    return this.view.value.status.kind === "typed" && !this.view.value.restored;
  }

  private changed(): boolean {
    const { base, draft } = this.view.value;
    return base === null ? draft.text !== "" : !same(base.draft, draft);
  }

  private automatic(): boolean {
    const { post, draft } = this.view.value;
    return draft.text !== "" && !tooLong(draft) && (post === null || unhurried.includes(post.state));
  }

  private plan(after: number) {
    clearTimeout(this.timer);
    const { kind } = this.view.value.status;
    if (kind !== "away" && !this.automatic()) return;
    this.timer = setTimeout(() => {
      if (this.running !== undefined) this.plan(PAUSE);
      else this.save().catch(() => undefined); // its state says what happened
    }, after);
  }

  private async store(): Promise<void> {
    this.update({ status: { kind: "saving" } });
    try {
      for (let round = 0; this.changed() && this.view.value.draft.text !== "" && round < 4 && !tooLong(this.view.value.draft); round += 1) {
        if (this.view.value.base === null) await this.create();
        else await this.change();
        if (this.view.value.status.kind === "conflict") throw new Error("conflict");
      }
      if (this.changed()) {
        this.update({ status: { kind: "typed" } });
        this.plan(PAUSE);
      } else {
        this.update({ status: { kind: "stored" } });
        this.forget();
      }
    } catch (error) {
      if (this.view.value.status.kind !== "conflict") {
        this.update({ status: passing(error) ? { kind: "away" } : { kind: "refused", error } });
        if (passing(error)) this.plan(AGAIN);
      }
      throw error;
    }
  }

  private async create(): Promise<void> {
    // The same request again until its answer comes, also after a reload: the post is made once.
    this.creating ??= { key: crypto.randomUUID(), draft: this.view.value.draft };
    const { key, draft } = this.creating;
    this.keep();
    const headers = { "Idempotency-Key": key };
    try {
      const post = await watched(() => versioned(fanfare.POST("/v1/customers/{customer_id}/posts", { params: { path: { customer_id: this.customerId } }, body: bodyOf(draft), headers })));
      localStorage.removeItem(storage.name(this.customerId, null));
      this.creating = undefined;
      this.took(post, draft);
      this.made(post);
    } catch (error) {
      if (!passing(error)) this.creating = undefined;
      throw error;
    }
  }

  private async change(): Promise<void> {
    const { base, draft, post } = this.view.value;
    if (base === null || post === null) return;
    const params = { path: { customer_id: this.customerId, post_id: post.id } };
    try {
      this.took(await watched(() => versioned(fanfare.PATCH("/v1/customers/{customer_id}/posts/{post_id}", { params, body: bodyOf(draft), headers: { "If-Match": base.etag } }))), draft);
    } catch (error) {
      if (!(error instanceof FanfareError) || (error.status !== 412 && error.status !== 409)) throw error;
      const theirs = await loadPost(this.customerId, post.id);
      queryClient.setQueryData(postKey(this.customerId, post.id), theirs);
      const content = draftOf(theirs);
      if (!editable.includes(theirs.state) || (error.status === 409 && theirs.etag === base.etag)) {
        this.update({ post: theirs });
        throw error;
      }
      // Where the other change was not to what the post says, there is nothing to choose.
      if (same(content, base.draft) || same(content, draft)) this.update({ post: theirs, base: { etag: theirs.etag, draft: content } });
      else this.update({ post: theirs, status: { kind: "conflict", theirs } });
    }
  }

  /** The server has stored a draft; meanwhile more may have been typed. */
  private took(post: Versioned, draft: Draft) {
    queryClient.setQueryData(postKey(this.customerId, post.id), post);
    this.update({ post, base: { etag: post.etag, draft }, restored: false });
    this.keep();
  }

  private adopt(post: Versioned) {
    const draft = draftOf(post);
    this.update({ draft, post, base: { etag: post.etag, draft }, status: { kind: "stored" }, restored: false });
    this.forget();
  }

  private update(change: Partial<View>) {
    this.view.set({ ...this.view.value, ...change });
  }

  private keep() {
    if (session.state.value === "signed-out") return; // nothing is left in the browser
    const { draft, base, post } = this.view.value;
    const kept: Kept = { draft, base, ...(this.creating === undefined ? {} : { creating: this.creating }) };
    try {
      localStorage.setItem(storage.name(this.customerId, post?.id ?? null), JSON.stringify(kept));
    } catch {
      // no room is left: the server has it in a moment
    }
  }

  private forget() {
    localStorage.removeItem(storage.name(this.customerId, this.view.value.post?.id ?? null));
  }
}

