import { createHmac, hash } from "node:crypto";
import type { Chunk } from "../src/domain/batch-schema.ts";
import type { Part, SplitName } from "../src/domain/dataset-version-schema.ts";
import { idBytes } from "../src/domain/id-set.ts";
import { objectKeys } from "../src/domain/object-keys.ts";
import type { Split } from "../src/domain/pipeline-schema.ts";
import { canonicalForms, renderRecord, splitOf, whyNotTrainable } from "../src/domain/record.ts";
import type { ObjectStore, SourceItem } from "../src/ports.ts";
import { LinePacker } from "./line-packer.ts";
import { authorIn, withoutAuthor } from "./raw-author.ts";

const splits = ["train", "valid", "test"] as const;

/** A chunk is written when it has taken this many bytes of items: their packed form is what a source costs in memory. */
const fullBytes = 16 * 1024 * 1024;
/** Ids that are kept in the batch itself. */
const idsInline = 1024;

/** What a chunk needs to know of its batch. */
export interface ChunkContext {
  dataset: string;
  source: string;
  split: Split;
  authorKey: string | null;
}

/**
 * Packs items of one source until it is full, then writes them: items as they came, clean records per split, refused ones.
 * Of an author only a keyed hash is in any of them, or nothing without a key.
 */
export class ChunkWriter {
  readonly #context: ChunkContext;
  readonly #raw = new LinePacker();
  readonly #quarantine: string[] = [];
  readonly #records: Record<SplitName, { packer: LinePacker; ids: string[] }> = {
    train: { packer: new LinePacker(), ids: [] },
    valid: { packer: new LinePacker(), ids: [] },
    test: { packer: new LinePacker(), ids: [] },
  };
  #bytes = 0;

  constructor(context: ChunkContext) {
    this.#context = context;
  }

  get received(): number {
    return this.#raw.lines;
  }

  get quarantined(): number {
    return this.#quarantine.length;
  }

  /** Size of the items so far. */
  get bytes(): number {
    return this.#bytes;
  }

  get isFull(): boolean {
    return this.#bytes >= fullBytes;
  }

  add(item: SourceItem): void {
    const { source, authorKey } = this.#context;
    const named = "chat" in item ? item.chat.author : authorIn(item.raw);
    const author = named === undefined || authorKey === null ? null : pseudonym(named, authorKey);
    const raw = named === undefined ? item.raw : withoutAuthor(item.raw, named, author);
    this.#raw.add(raw);
    this.#bytes += raw.length + 200;
    const reason = "reason" in item ? item.reason : whyNotTrainable(item.chat);
    if (reason !== null || "reason" in item) {
      this.#quarantine.push(JSON.stringify({ at: item.at, reason, text: raw.slice(0, 1000) }));
      return;
    }
    const { labels = {} } = item.chat;
    const { messages, question } = canonicalForms(item.chat.messages);
    const id = sha256(messages);
    const group = item.chat.group ?? sha256(question);
    const split = this.#records[splitOf(Number.parseInt(sha256(group).slice(0, 8), 16), this.#context.split)];
    split.ids.push(id.slice(0, idBytes * 2));
    split.packer.add(
      renderRecord(id, messages, {
        source,
        sourceItem: item.sourceItem,
        receivedAt: item.receivedAt,
        author,
        group,
        labels,
      }),
    );
  }

  /** Resolves when more items may be added without piling up. */
  async caughtUp(): Promise<void> {
    await this.#raw.caughtUp();
    for (const split of splits) await this.#records[split].packer.caughtUp();
  }

  /** Writes everything under names made of `chunk` and of what is written; answers where it lies. */
  async write(store: ObjectStore, chunk: string): Promise<Chunk> {
    const { dataset, source } = this.#context;
    const filled = splits.filter((split) => this.#records[split].ids.length > 0);
    const put = async (keyOf: (name: string) => string, body: string | Uint8Array, options = {}): Promise<string> => {
      const key = keyOf(`${chunk}-${contentName(body)}`);
      await store.put(key, body, options);
      return key;
    };
    const [raw, quarantine, ids, ...parts] = await Promise.all([
      this.#raw.finish().then((body) => put((name) => objectKeys.raw(source, name), body)),
      this.#quarantine.length === 0
        ? null
        : put((name) => objectKeys.quarantine(dataset, name), `${this.#quarantine.join("\n")}\n`, {
            contentType: "application/jsonl",
          }),
      keepIds(
        filled.flatMap((split) => this.#records[split].ids),
        (body) => put((name) => objectKeys.batchIds(source, name), body),
      ),
      ...filled.map((split) => writePart(store, { dataset, source, split }, this.#records[split].packer)),
    ]);
    return { raw, quarantine, ids, parts };
  }
}

/** Short name of content: other content has another one. */
export function contentName(content: string | Uint8Array): string {
  return hash("sha256", content, "hex").slice(0, 16);
}

/** Writes records as a content-addressed part. */
export async function writePart(
  store: ObjectStore,
  of: { dataset: string; source: string; split: SplitName },
  records: LinePacker,
): Promise<Part> {
  const body = await records.finish();
  const sha256 = hash("sha256", body, "hex");
  const key = objectKeys.part(of.dataset, sha256);
  await store.put(key, body);
  return { key, sha256, split: of.split, records: records.lines, source: of.source, bytes: body.length };
}

/** Most sources bring little at a time: an object less for each of them. */
async function keepIds(ids: readonly string[], put: (body: Buffer) => Promise<string>): Promise<Chunk["ids"]> {
  const bytes = Buffer.from(ids.join(""), "hex");
  return ids.length <= idsInline ? { base64: bytes.toString("base64") } : { key: await put(bytes) };
}

function sha256(text: string): string {
  return hash("sha256", text, "hex");
}

/** Stands for an author: the same for the same author and key, and of no use to who does not know the key. */
export function pseudonym(author: string, key: string): string {
  return createHmac("sha256", key).update(author).digest("hex");
}
