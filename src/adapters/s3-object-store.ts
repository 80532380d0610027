import { createHash } from "node:crypto";
import { pipeline, Readable, Transform } from "node:stream";
import {
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
  S3ServiceException,
  type GetObjectCommandOutput,
} from "@aws-sdk/client-s3";
import { Upload } from "@aws-sdk/lib-storage";
import { PreconditionFailed, TypedFailure } from "../domain/failures.ts";
import type { ObjectStore, ObjectSummary, WriteCondition } from "../ports.ts";

/**
 * An S3 client for any endpoint. Credentials, region and `AWS_ENDPOINT_URL` come from the environment as in every AWS
 * tool; a given endpoint is addressed by path, since few of them have a wildcard host name.
 *
 * Unlike the other clients it repeats a request itself, twice: each is idempotent, and a pass over a large source makes
 * thousands of them.
 */
export function createS3Client(options: {
  endpoint: string | null;
  region: string | null;
  /** In place of the environment's. */
  credentials?: { accessKeyId: string; secretAccessKey: string };
  /** How long a connection may carry nothing in the middle of a request or its answer; 60,000 by default. */
  silenceMs?: number;
}): S3Client {
  return new S3Client({
    ...(options.credentials === undefined ? {} : { credentials: options.credentials }),
    ...(options.endpoint === null ? {} : { endpoint: options.endpoint, forcePathStyle: true }),
    ...(options.region === null ? {} : { region: options.region }),
    maxAttempts: 3,
    requestChecksumCalculation: "WHEN_REQUIRED",
    responseChecksumValidation: "WHEN_REQUIRED",
    requestHandler: {
      connectionTimeout: 5_000,
      // Of silence and not of the whole: a large object over a slow line takes long and is well.
      socketTimeout: options.silenceMs ?? 60_000,
      httpAgent: { maxSockets: 128, keepAlive: true },
      httpsAgent: { maxSockets: 128, keepAlive: true },
    },
  });
}

/** Takes `s3://bucket/key` apart. Throws InvalidInput on anything else. */
export function parseS3Uri(uri: string): { bucket: string; key: string } {
  const match = /^s3:\/\/([a-z0-9][a-z0-9.-]*)\/?(.*)$/.exec(uri);
  if (!match?.[1]) throw new TypedFailure("InvalidInput", `${uri}: must be s3://bucket/key`);
  return { bucket: match[1], key: match[2] ?? "" };
}

/** A name that versitygw gives to an object that it replaces, for a moment; a listing may meet it, and then it is gone. */
const passing = /(^|\/)\.[^/]+\.sgwtmp\.\d+$/;

/** The objects below one prefix of one bucket. */
export class S3ObjectStore implements ObjectStore {
  readonly #client: S3Client;
  readonly #bucket: string;
  readonly #prefix: string;

  /** @param root `s3://bucket/prefix`; keys are relative to it */
  constructor(client: S3Client, root: string) {
    const { bucket, key } = parseS3Uri(root);
    this.#client = client;
    this.#bucket = bucket;
    this.#prefix = key === "" || key.endsWith("/") ? key : `${key}/`;
  }

  uri(key: string): string {
    return `s3://${this.#bucket}/${this.#prefix}${key}`;
  }

  async get(key: string, expected?: { sha256: string }): Promise<{ body: Buffer; etag: string } | null> {
    const reply = await this.#open(key);
    if (reply === null) return null;
    const bytes = await this.#attempt(key, async () => (await reply.Body?.transformToByteArray()) ?? new Uint8Array());
    const body = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    if (expected) assertHash(key, expected.sha256, createHash("sha256").update(body).digest("hex"));
    return { body, etag: reply.ETag ?? "" };
  }

  async stream(key: string, expected?: { sha256: string }): Promise<Readable> {
    const reply = await this.#open(key);
    if (!(reply?.Body instanceof Readable)) throw new TypedFailure("NotFound", `${this.uri(key)}: no such object`);
    const check = bodyCheck(key, this.uri(key), expected?.sha256 ?? null);
    // What breaks the body breaks the check, whose reader hears of it.
    return pipeline(reply.Body, check, () => {});
  }

  async put(
    key: string,
    body: Uint8Array | string,
    options: { condition?: WriteCondition; contentType?: string } = {},
  ): Promise<{ etag: string }> {
    const { condition, contentType } = options;
    return this.#attempt(key, async () => {
      const reply = await this.#client.send(
        new PutObjectCommand({
          Bucket: this.#bucket,
          Key: this.#prefix + key,
          Body: body,
          ...(contentType === undefined ? {} : { ContentType: contentType }),
          ...(condition === undefined
            ? {}
            : "ifMatch" in condition
              ? { IfMatch: condition.ifMatch }
              : { IfNoneMatch: "*" }),
        }),
      );
      return { etag: reply.ETag ?? "" };
    });
  }

  async putStream(key: string, body: Readable, options: { contentType?: string } = {}): Promise<void> {
    await this.#attempt(key, () =>
      new Upload({
        client: this.#client,
        queueSize: 2,
        params: {
          Bucket: this.#bucket,
          Key: this.#prefix + key,
          Body: body,
          ...(options.contentType === undefined ? {} : { ContentType: options.contentType }),
        },
      }).done(),
    );
  }

  async *list(prefix: string, options: { startAfter?: string } = {}): AsyncIterable<ObjectSummary> {
    let token: string | undefined;
    do {
      const page = await this.#attempt(prefix, () =>
        this.#client.send(
          new ListObjectsV2Command({
            Bucket: this.#bucket,
            Prefix: this.#prefix + prefix,
            ...(options.startAfter === undefined ? {} : { StartAfter: this.#prefix + options.startAfter }),
            ...(token === undefined ? {} : { ContinuationToken: token }),
          }),
        ),
      );
      for (const object of page.Contents ?? []) {
        const key = (object.Key ?? "").slice(this.#prefix.length);
        if (passing.test(key)) continue;
        yield {
          key,
          bytes: object.Size ?? 0,
          etag: object.ETag ?? "",
          modifiedAt: (object.LastModified ?? new Date(0)).toISOString(),
        };
      }
      token = page.NextContinuationToken;
    } while (token !== undefined);
  }

  async #open(key: string): Promise<GetObjectCommandOutput | null> {
    try {
      return await this.#attempt(key, () =>
        this.#client.send(new GetObjectCommand({ Bucket: this.#bucket, Key: this.#prefix + key })),
      );
    } catch (error) {
      if (error instanceof TypedFailure && error.type === "NotFound") return null;
      throw error;
    }
  }

  async #attempt<T>(key: string, call: () => Promise<T>): Promise<T> {
    try {
      return await call();
    } catch (error) {
      throw typedS3Failure(this.uri(key), error);
    }
  }
}

function typedS3Failure(uri: string, error: unknown): TypedFailure {
  if (error instanceof TypedFailure) return error;
  const status = error instanceof S3ServiceException ? error.$metadata.httpStatusCode : undefined;
  const said = error instanceof Error ? error.name : "unknown error";
  if (status === 412 || status === 409) return new PreconditionFailed(uri);
  const message = `${uri}: ${said} [status=${status ?? "none"}]`;
  // S3 answers 400 to a request that it received too slowly.
  if (status === 408 || said === "RequestTimeout") return new TypedFailure("Unavailable", message, { cause: error });
  if (status === 404) return new TypedFailure("NotFound", `${uri}: no such object or bucket`, { cause: error });
  if (status === 429 || said === "SlowDown") return new TypedFailure("RateLimited", message, { cause: error });
  if (status !== undefined && status >= 400 && status < 500)
    return new TypedFailure("Refused", message, { cause: error });
  return new TypedFailure("Unavailable", message, { cause: error });
}

function assertHash(key: string, expected: string, actual: string): void {
  if (actual !== expected) {
    throw new TypedFailure(
      "CorruptObject",
      `${key}: sha256 is ${actual.slice(0, 12)}, ${expected.slice(0, 12)} was written`,
    );
  }
}

/** Passes bytes on; fails at their end when they are not the ones expected, and with a type when their source breaks. */
function bodyCheck(key: string, uri: string, expected: string | null): Transform {
  const hash = createHash("sha256");
  return new Transform({
    transform(bytes: Buffer, _encoding, done) {
      if (expected !== null) hash.update(bytes);
      done(null, bytes);
    },
    flush(done) {
      try {
        if (expected !== null) assertHash(key, expected, hash.digest("hex"));
        done();
      } catch (error) {
        done(error instanceof Error ? error : new Error(String(error)));
      }
    },
    destroy(error, done) {
      done(error === null ? null : typedS3Failure(uri, error));
    },
  });
}
