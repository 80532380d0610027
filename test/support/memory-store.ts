/** An object store in memory that keeps the promises of the port, and breaks where a test wants it to. */
import { createHash } from "node:crypto";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { PreconditionFailed, TypedFailure } from "../../src/domain/failures.ts";
import type { ObjectStore, ObjectSummary, WriteCondition } from "../../src/ports.ts";

/** A call as the hook sees it: before it takes effect, and after. */
export interface StoreCall {
  method: "get" | "put" | "list";
  key: string;
  when: "before" | "after";
}

/** Objects in memory; as at S3, equal content has an equal ETag. */
export class MemoryObjectStore implements ObjectStore {
  readonly objects = new Map<string, { body: Buffer; etag: string; modifiedAt: string }>();
  /** Every call that took effect. */
  readonly calls: Omit<StoreCall, "when">[] = [];
  /** May throw to break the call (after: its answer is lost), or change the store as a rival would. */
  hook: (call: StoreCall) => void | Promise<void> = () => {};

  uri(key: string): string {
    return `s3://bucket/prefix/${key}`;
  }

  async get(key: string, expected?: { sha256: string }): Promise<{ body: Buffer; etag: string } | null> {
    return this.#call("get", key, () => {
      const object = this.objects.get(key);
      if (object === undefined) return null;
      if (expected && hashOf(object.body) !== expected.sha256)
        throw new TypedFailure("CorruptObject", `${key}: sha256`);
      return { body: Buffer.from(object.body), etag: object.etag };
    });
  }

  async stream(key: string, expected?: { sha256: string }): Promise<Readable> {
    const object = await this.#call("get", key, () => this.objects.get(key) ?? null);
    if (object === null) throw new TypedFailure("NotFound", `${this.uri(key)}: no such object`);
    const { body } = object;
    const pieces = function* (): Generator<Buffer> {
      for (let at = 0; at < body.length; at += 64 * 1024) yield body.subarray(at, at + 64 * 1024);
      if (expected && hashOf(body) !== expected.sha256) throw new TypedFailure("CorruptObject", `${key}: sha256`);
    };
    return Readable.from(pieces());
  }

  async put(
    key: string,
    body: Uint8Array | string,
    options: { condition?: WriteCondition } = {},
  ): Promise<{ etag: string }> {
    return this.#call("put", key, () => {
      const { condition } = options;
      const etag = this.objects.get(key)?.etag;
      if (condition && ("ifMatch" in condition ? etag !== condition.ifMatch : etag !== undefined))
        throw new PreconditionFailed(key);
      return { etag: this.write(key, body) };
    });
  }

  async putStream(key: string, body: Readable): Promise<void> {
    await this.put(key, await buffer(body));
  }

  async *list(prefix: string, options: { startAfter?: string } = {}): AsyncIterable<ObjectSummary> {
    const found = await this.#call("list", prefix, () =>
      [...this.objects.keys()].filter((key) => key.startsWith(prefix) && key > (options.startAfter ?? "")).toSorted(),
    );
    for (const key of found) {
      const object = this.objects.get(key);
      if (object) yield { key, bytes: object.body.length, etag: object.etag, modifiedAt: object.modifiedAt };
    }
  }

  /** Writes without being a call, as somebody else; answers the etag. */
  write(key: string, body: Uint8Array | string): string {
    const bytes = Buffer.from(body);
    const etag = `"${createHash("md5").update(bytes).digest("hex")}"`;
    this.objects.set(key, { body: bytes, etag, modifiedAt: "2026-01-01T00:00:00.000Z" });
    return etag;
  }

  /** Text of an object that must be there. */
  text(key: string): string {
    const object = this.objects.get(key);
    if (object === undefined) throw new Error(`there is no ${key}`);
    return object.body.toString("utf8");
  }

  async #call<T>(method: StoreCall["method"], key: string, act: () => T): Promise<T> {
    await this.hook({ method, key, when: "before" });
    const result = act();
    this.calls.push({ method, key });
    await this.hook({ method, key, when: "after" });
    return result;
  }
}

function hashOf(body: Buffer): string {
  return createHash("sha256").update(body).digest("hex");
}
