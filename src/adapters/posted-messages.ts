/**
 * What has been posted of one cycle at one place, remembered in the bucket: a repeat, or another worker, finds it there and
 * posts nothing twice. A message is claimed before it is posted; a claim whose worker was lost, or whose answer was, is
 * taken over after having looked whether the message is there nevertheless.
 */
import { z } from "zod";
import { isRetryable, PreconditionFailed, TypedFailure } from "../domain/failures.ts";
import type { ObjectStore } from "../ports.ts";

/** How long a claim keeps others away, in milliseconds: longer than an attempt takes. */
const claimMs = 60_000;
/** Writers of one document at a time are few. */
const mostWrites = 10;

const postSchema = z.object({
  /** What the service calls it; null while it is being posted. */
  message: z.string().nullable(),
  /** When it was tried first, ISO-8601: not to be found before. */
  since: z.iso.datetime(),
  /** When the last attempt began that has not come back; null when all have. */
  claimedAt: z.iso.datetime().nullable(),
});

const documentSchema = z.object({
  format: z.literal(1),
  posts: z.record(z.string(), postSchema),
  /** Time of the newest alert that the first message shows, ISO-8601. */
  shownAt: z.iso.datetime().nullable(),
});
type Posted = z.infer<typeof documentSchema>;

/** How a message gets there. */
export interface Posting {
  /** Answers what the service calls the message. */
  post(): Promise<string>;
  /** The message when an earlier attempt has posted it after all; null when it is not there, or nobody can tell. */
  find(since: Date): Promise<string | null>;
}

/** A message that was posted, or is to be posted by who holds this; `isLost` when an attempt before may have done so. */
interface Claim {
  message: string | null;
  since: string;
  isLost: boolean;
}

/** Of a bucket, what this needs. */
export type Memory = Pick<ObjectStore, "get" | "put">;

export class PostedMessages {
  readonly #store: Memory;
  readonly #key: string;
  readonly #now: () => Date;

  constructor(store: Memory, key: string, now: () => Date) {
    this.#store = store;
    this.#key = key;
    this.#now = now;
  }

  /** The message of this name, or null when none was posted. */
  async find(name: string): Promise<string | null> {
    return (await this.#read())?.value.posts[name]?.message ?? null;
  }

  /**
   * Posts the message of this name, unless it was; answers what the service calls it. Throws `Conflict` while somebody else
   * posts it, and what `post` throws.
   */
  async once(name: string, posting: Posting): Promise<string> {
    const { message, since, isLost } = await this.#claim(name);
    if (message !== null) return message;
    try {
      const posted = (isLost ? await posting.find(new Date(since)) : null) ?? (await posting.post());
      await this.#change((known) => withPost(known, name, { message: posted, since, claimedAt: null }));
      return posted;
    } catch (error) {
      await this.#release(name, error, since);
      throw error;
    }
  }

  /** Whether this is the newest to be shown so far; then it is noted. */
  async isNewest(at: string): Promise<boolean> {
    const { shownAt } = await this.#change((known) =>
      known.shownAt !== null && known.shownAt >= at ? known : { ...known, shownAt: at },
    );
    return shownAt === at;
  }

  /** Forgets a message that is not there any more. */
  async forget(name: string): Promise<void> {
    await this.#change((known) => without(known, name));
  }

  async #claim(name: string): Promise<Claim> {
    const now = this.#now();
    let claim: Claim = { message: null, since: now.toISOString(), isLost: false };
    await this.#change((known) => {
      const post = known.posts[name];
      claim = { message: post?.message ?? null, since: post?.since ?? now.toISOString(), isLost: post !== undefined };
      if (claim.message !== null) return known;
      const ageMs = post?.claimedAt ? now.getTime() - Date.parse(post.claimedAt) : claimMs;
      if (ageMs < claimMs) {
        const retryAfterMs = claimMs - ageMs;
        throw new TypedFailure("Conflict", `${this.#key}: another attempt posts ${name}`, { retryAfterMs });
      }
      return withPost(known, name, { message: null, since: claim.since, claimedAt: now.toISOString() });
    });
    return claim;
  }

  /** What was refused is not there; of anything else the next attempt has to look. */
  async #release(name: string, error: unknown, since: string): Promise<void> {
    const isRefused = error instanceof TypedFailure && (error.type === "RateLimited" || !isRetryable(error.type));
    try {
      await this.#change((known) => {
        if (isRefused) return without(known, name);
        return withPost(known, name, { message: null, since, claimedAt: null });
      });
    } catch {
      // The claim runs out by itself.
    }
  }

  async #read(): Promise<{ value: Posted; etag: string } | null> {
    const object = await this.#store.get(this.#key);
    if (object === null) return null;
    const parsed = documentSchema.safeParse(JSON.parse(object.body.toString("utf8")));
    if (!parsed.success) throw new TypedFailure("InvalidData", `${this.#key}: not what has been posted`);
    return { value: parsed.data, etag: object.etag };
  }

  async #change(change: (known: Posted) => Posted): Promise<Posted> {
    for (let attempt = 1; ; attempt++) {
      const current = await this.#read();
      const known = current?.value ?? { format: 1, posts: {}, shownAt: null };
      const next = change(known);
      if (next === known) return known;
      try {
        await this.#store.put(this.#key, `${JSON.stringify(next, null, 2)}\n`, {
          contentType: "application/json",
          condition: current === null ? { ifNoneMatch: "*" } : { ifMatch: current.etag },
        });
        return next;
      } catch (error) {
        if (!(error instanceof PreconditionFailed) || attempt === mostWrites) throw error;
      }
    }
  }
}

function withPost(known: Posted, name: string, post: z.infer<typeof postSchema>): Posted {
  return { ...known, posts: { ...known.posts, [name]: post } };
}

function without({ posts, ...known }: Posted, name: string): Posted {
  const { [name]: _, ...rest } = posts;
  return { ...known, posts: rest };
}
