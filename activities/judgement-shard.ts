import { judgementSchema, type Judgement } from "../src/domain/judgement-schema.ts";
import { objectKeys } from "../src/domain/object-keys.ts";
import type { ObjectStore } from "../src/ports.ts";
import { parseLine } from "./documents.ts";

/** Questions whose judgements lie in one object. */
export const shardRecords = 250;

/** Replies are stored so often while they come: a lost worker costs what has come since. */
const storedEveryMs = 1000;

/** Where the replies about the answers of one shard lie. */
export interface JudgementPlace {
  evaluation: string;
  judge: string;
  shard: number;
}

/** Replies of a judge as an object's text has them. Throws InvalidData naming the line. */
export function parseJudgements(name: string, text: string): Judgement[] {
  if (text.trimEnd() === "") return [];
  const lines = text.trimEnd().split("\n");
  return lines.map((line, index) => parseLine(judgementSchema, line, { key: name, number: index + 1 }));
}

/** What a judge replied about the answers of one shard, stored as it comes. */
export class JudgementShard {
  readonly #store: ObjectStore;
  readonly #name: string;
  readonly #byHash: Map<string, Judgement>;
  /** What the object holds; null when there is none. */
  #stored: string | null;
  #writing: Promise<void> = Promise.resolve();
  #writtenAtMs = performance.now();

  private constructor(store: ObjectStore, name: string, stored: string | null) {
    this.#store = store;
    this.#name = name;
    this.#stored = stored;
    this.#byHash = new Map(parseJudgements(name, stored ?? "").map((judgement) => [judgement.hash, judgement]));
  }

  static async open(store: ObjectStore, { evaluation, judge, shard }: JudgementPlace): Promise<JudgementShard> {
    const name = objectKeys.judgements(evaluation, judge, shard);
    const object = await store.get(name);
    return new JudgementShard(store, name, object?.body.toString("utf8") ?? null);
  }

  /** The reply to what has this hash; null when there is none yet. */
  reply(hash: string): Judgement | null {
    const known = this.#byHash.get(hash);
    return known === undefined || known.reply === null ? null : known;
  }

  add(judgement: Judgement): void {
    this.#byHash.set(judgement.hash, judgement);
    if (performance.now() - this.#writtenAtMs < storedEveryMs) return;
    this.#writtenAtMs = performance.now();
    // What cannot be written now is written by the last write, whose failure counts.
    this.#writing = this.#writing.then(() => this.#write([...this.#byHash.keys()])).catch(() => {});
  }

  /** Stores everything that has come, whatever else is stored. */
  async keep(): Promise<void> {
    await this.#writing;
    await this.#write([...this.#byHash.keys()]);
  }

  /** Stores what is about these hashes, in their order, and nothing else. */
  async close(hashes: readonly string[]): Promise<void> {
    await this.#writing;
    await this.#write([...new Set(hashes)]);
  }

  async #write(hashes: readonly string[]): Promise<void> {
    const judgements = hashes.flatMap((hash) => this.#byHash.get(hash) ?? []);
    const body = judgements.map((judgement) => `${JSON.stringify(judgement)}\n`).join("");
    if (body === this.#stored) return;
    await this.#store.put(this.#name, body, { contentType: "application/jsonl" });
    this.#stored = body;
  }
}
