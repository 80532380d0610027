import { createHmac, hash } from "node:crypto";
import { promisify } from "node:util";
import { constants, gzip } from "node:zlib";
import type { Chunk } from "../src/domain/batch-schema.ts";
import type { Part, SplitName } from "../src/domain/dataset-version-schema.ts";
import { idBytes } from "../src/domain/id-set.ts";
import { objectKeys } from "../src/domain/object-keys.ts";
import type { Split } from "../src/domain/pipeline-schema.ts";
import type { TrainingRecord } from "../src/domain/record-schema.ts";
import { canonicalMessages, questionAndAnswer, splitOf, whyNotTrainable } from "../src/domain/record.ts";
import type { ObjectStore, SourceItem } from "../src/ports.ts";

const compress = promisify(gzip);
const splits = ["train", "valid", "test"] as const;

/** A chunk is written when it holds this many bytes of items: what a source costs in memory, however large it is. */
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

/** Collects items of one source until it is full, then writes them: raw items, clean records per split, refused ones. */
export class ChunkWriter {
  readonly #context: ChunkContext;
  readonly #raw: string[] = [];
  readonly #quarantine: string[] = [];
  readonly #records: Record<SplitName, { lines: string[]; ids: Buffer[] }> = {
    train: { lines: [], ids: [] },
    valid: { lines: [], ids: [] },
    test: { lines: [], ids: [] },
  };
  #bytes = 0;

  constructor(context: ChunkContext) {
    this.#context = context;
  }

  get received(): number {
    return this.#raw.length;
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
    this.#raw.push(item.raw);
    this.#bytes += item.raw.length + 200;
    const reason = "reason" in item ? item.reason : whyNotTrainable(item.chat);
    if (reason !== null || "reason" in item) {
      this.#quarantine.push(JSON.stringify({ at: item.at, reason, text: item.raw.slice(0, 1000) }));
      return;
    }
    const { messages, author, group, labels } = item.chat;
    const canonical = canonicalMessages(messages);
    const id = sha256(canonical);
    const groupKey = group ?? sha256(canonicalMessages(questionAndAnswer(messages).question));
    const record: TrainingRecord = {
      id,
      messages,
      source: this.#context.source,
      sourceItem: item.sourceItem,
      receivedAt: item.receivedAt,
      author:
        author === undefined || this.#context.authorKey === null ? null : pseudonym(author, this.#context.authorKey),
      group: groupKey,
      labels: labels ?? {},
    };
    const split = this.#records[splitOf(Number.parseInt(sha256(groupKey).slice(0, 8), 16), this.#context.split)];
    split.lines.push(JSON.stringify(record));
    split.ids.push(Buffer.from(id.slice(0, idBytes * 2), "hex"));
  }

  /** Writes everything under names made of `chunk` and of what is written; answers where it lies. */
  async write(store: ObjectStore, chunk: string): Promise<Chunk> {
    const { dataset, source } = this.#context;
    const filled = splits.filter((split) => this.#records[split].lines.length > 0);
    const put = async (keyOf: (name: string) => string, body: string | Uint8Array, options = {}): Promise<string> => {
      const key = keyOf(`${chunk}-${contentName(body)}`);
      await store.put(key, body, options);
      return key;
    };
    const [raw, quarantine, ids, ...parts] = await Promise.all([
      packed(this.#raw).then((body) => put((name) => objectKeys.raw(source, name), body)),
      this.#quarantine.length === 0
        ? null
        : put((name) => objectKeys.quarantine(dataset, name), joined(this.#quarantine), {
            contentType: "application/jsonl",
          }),
      keepIds(
        filled.flatMap((split) => this.#records[split].ids),
        (body) => put((name) => objectKeys.batchIds(source, name), body),
      ),
      ...filled.map((split) => writePart(store, { dataset, source, split }, this.#records[split].lines)),
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
  lines: readonly string[],
): Promise<Part> {
  const body = await packed(lines);
  const sha256 = hash("sha256", body, "hex");
  const key = objectKeys.part(of.dataset, sha256);
  await store.put(key, body);
  return { key, sha256, split: of.split, records: lines.length, source: of.source, bytes: body.length };
}

/** Most sources bring little at a time: an object less for each of them. */
async function keepIds(ids: readonly Buffer[], put: (body: Buffer) => Promise<string>): Promise<Chunk["ids"]> {
  const bytes = Buffer.concat(ids);
  return ids.length <= idsInline ? { base64: bytes.toString("base64") } : { key: await put(bytes) };
}

function joined(lines: readonly string[]): string {
  return lines.length === 0 ? "" : `${lines.join("\n")}\n`;
}

/** Fast compression: chat records repeat their prompts, so that the lowest level already finds most of it. */
function packed(lines: readonly string[]): Promise<Buffer> {
  return compress(joined(lines), { level: constants.Z_BEST_SPEED });
}

function sha256(text: string): string {
  return hash("sha256", text, "hex");
}

function pseudonym(author: string, key: string): string {
  return createHmac("sha256", key).update(author).digest("hex");
}
