import { randomBytes } from "node:crypto";
import { createServer, type IncomingMessage, type Server } from "node:http";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { CreateBucketCommand, HeadObjectCommand, type S3Client } from "@aws-sdk/client-s3";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { createS3Client, parseS3Uri, S3ObjectStore } from "../../src/adapters/s3-object-store.ts";
import type { ObjectStore, ObjectSummary } from "../../src/ports.ts";
import { sha256 } from "../support/fake-ports.ts";
import { MemoryObjectStore } from "../support/memory-store.ts";
import { startTestStack, type TestStack } from "../support/stack.ts";

let stack: TestStack;
let client: S3Client;
beforeAll(async () => {
  stack = await startTestStack({ services: ["s3"] });
  client = clientFor(stack.environment["AWS_ENDPOINT_URL"] ?? "");
  await client.send(new CreateBucketCommand({ Bucket: "contract" }));
});
afterAll(async () => {
  client.destroy();
  await stack.stop();
});

const clientFor = (endpoint: string, silenceMs?: number): S3Client => {
  const { AWS_ACCESS_KEY_ID: accessKeyId = "id", AWS_SECRET_ACCESS_KEY: secretAccessKey = "key" } =
    stack?.environment ?? {};
  return createS3Client({
    endpoint,
    region: "us-east-1",
    credentials: { accessKeyId, secretAccessKey },
    ...(silenceMs === undefined ? {} : { silenceMs }),
  });
};
const collect = async (found: AsyncIterable<ObjectSummary>): Promise<string[]> => {
  const keys: string[] = [];
  for await (const { key } of found) keys.push(key);
  return keys;
};
const large = randomBytes(12 * 1024 * 1024);

/** What every object store promises, the one in memory included that other tests rely on. */
describe.each<[string, () => ObjectStore]>([
  ["S3ObjectStore", () => new S3ObjectStore(client, "s3://contract/some/prefix")],
  ["MemoryObjectStore", () => new MemoryObjectStore()],
])("%s", (_, open) => {
  let store: ObjectStore;
  beforeAll(() => {
    store = open();
  });

  it("answers what was written, with the ETag of the write, and null for what is not there", async () => {
    const { etag } = await store.put("a/text ä+%.json", '{"x":1}', { contentType: "application/json" });
    expect(await store.get("a/text ä+%.json")).toEqual({ body: Buffer.from('{"x":1}'), etag });
    expect(await store.get("a/nothing")).toBeNull();
    await store.put("a/empty", "");
    expect((await store.get("a/empty"))?.body).toEqual(Buffer.alloc(0));
  });

  it("writes only what is not there yet by If-None-Match", async () => {
    await store.put("once", "first", { condition: { ifNoneMatch: "*" } });
    const again = store.put("once", "second", { condition: { ifNoneMatch: "*" } });
    await expect(again).rejects.toMatchObject({
      name: "TypedFailure",
      type: "Conflict",
      message: expect.stringContaining("once"),
    });
    expect((await store.get("once"))?.body.toString()).toBe("first");
  });

  it("writes only over the version that was read by If-Match", async () => {
    const { etag } = await store.put("swap", "1");
    const next = await store.put("swap", "2", { condition: { ifMatch: etag } });
    expect(next.etag).not.toBe(etag);
    await expect(store.put("swap", "3", { condition: { ifMatch: etag } })).rejects.toMatchObject({ type: "Conflict" });
    await expect(store.put("gone", "1", { condition: { ifMatch: etag } })).rejects.toMatchObject({
      type: expect.stringMatching(/^(Conflict|NotFound)$/),
    });
    expect((await store.get("swap"))?.body.toString()).toBe("2");
  });

  it("lets one of many win that write the same new key at the same time", async () => {
    const writes = await Promise.allSettled(
      Array.from({ length: 8 }, (_unused, index) => store.put("race", `${index}`, { condition: { ifNoneMatch: "*" } })),
    );
    expect(writes.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
  });

  it("streams 12 MB both ways", async () => {
    const pieces = Array.from({ length: 96 }, (_unused, index) =>
      large.subarray(index * 131_072, (index + 1) * 131_072),
    );
    await store.putStream("large", Readable.from(pieces));
    expect((await buffer(await store.stream("large", { sha256: sha256(large) }))).equals(large)).toBe(true);
    expect((await store.get("large", { sha256: sha256(large) }))?.body.equals(large)).toBe(true);
  });

  it("streams nothing as an empty object", async () => {
    await store.putStream("nothing", Readable.from([]));
    expect((await store.get("nothing"))?.body).toHaveLength(0);
  });

  it("fails as CorruptObject when the bytes are not those expected, in whole and at the end of a stream", async () => {
    await store.put("corrupt", large.subarray(0, 3_000_000));
    const expected = { sha256: sha256("what was written") };
    await expect(store.get("corrupt", expected)).rejects.toMatchObject({
      type: "CorruptObject",
      message: expect.stringContaining("corrupt"),
    });
    let seen = 0;
    const read = async (): Promise<void> => {
      for await (const piece of await store.stream("corrupt", expected)) seen += Buffer.from(piece).length;
    };
    await expect(read()).rejects.toMatchObject({ type: "CorruptObject" });
    expect(seen).toBeGreaterThan(0);
  });

  it("fails as NotFound when what is to be streamed is not there", async () => {
    await expect(store.stream("a/nothing")).rejects.toMatchObject({ type: "NotFound" });
  });

  it("lists keys in order, below a prefix and after a key", async () => {
    for (const key of ["l/b", "l/a", "l/a.1", "l0", "k"]) await store.put(key, key);
    expect(await collect(store.list("l/"))).toEqual(["l/a", "l/a.1", "l/b"]);
    expect(await collect(store.list("l/", { startAfter: "l/a" }))).toEqual(["l/a.1", "l/b"]);
    expect(await collect(store.list("nothing/"))).toEqual([]);
    for await (const object of store.list("l/b")) {
      const etag = (await store.get("l/b"))?.etag;
      expect(object).toEqual({
        key: "l/b",
        bytes: 3,
        etag,
        modifiedAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
      });
    }
  });

  it("lists more than a page of keys, each once", async () => {
    const keys = Array.from({ length: 1003 }, (_unused, index) => `many/${String(index).padStart(4, "0")}`);
    for (let at = 0; at < keys.length; at += 64) {
      await Promise.all(keys.slice(at, at + 64).map((key) => store.put(key, "x")));
    }
    expect(await collect(store.list("many/"))).toEqual(keys);
    expect(await collect(store.list("many/", { startAfter: "many/0009" }))).toHaveLength(993);
  });
});

describe("S3ObjectStore", () => {
  it("addresses objects by path, below its prefix, whether that ends in a slash or not", async () => {
    const stores = ["s3://contract/p", "s3://contract/p/"].map((root) => new S3ObjectStore(client, root));
    await stores[0]?.put("x.txt", "text", { contentType: "text/plain" });
    expect((await stores[1]?.get("x.txt"))?.body.toString()).toBe("text");
    const head = await client.send(new HeadObjectCommand({ Bucket: "contract", Key: "p/x.txt" }));
    expect(head.ContentType).toBe("text/plain");
    expect(stores.map((store) => store.uri("x.txt"))).toEqual(["s3://contract/p/x.txt", "s3://contract/p/x.txt"]);
    expect(new S3ObjectStore(client, "s3://contract").uri("x")).toBe("s3://contract/x");
  });

  it("lists no name that versitygw gives to an object for a moment before its own", async () => {
    const store = new S3ObjectStore(client, "s3://contract");
    const passing = "moment/.a.jsonl.sgwtmp.1795287797523345073";
    await Promise.all([passing, "moment/a.jsonl"].map((key) => store.put(key, "a")));
    expect((await store.get(passing))?.body.toString()).toBe("a");
    expect(await collect(store.list("moment/"))).toEqual(["moment/a.jsonl"]);
  });

  it("fails as NotFound in a bucket that does not exist", async () => {
    const store = new S3ObjectStore(client, "s3://no-such-bucket/p");
    await expect(store.put("x", "y")).rejects.toMatchObject({ type: "NotFound" });
    await expect(collect(store.list(""))).rejects.toMatchObject({ type: "NotFound" });
  });

  it("fails as Refused with a wrong secret, without saying it", async () => {
    const credentials = { accessKeyId: stack.environment["AWS_ACCESS_KEY_ID"] ?? "", secretAccessKey: "wrong-secret" };
    const wrong = createS3Client({
      endpoint: stack.environment["AWS_ENDPOINT_URL"] ?? "",
      region: "us-east-1",
      credentials,
    });
    const failure: unknown = await new S3ObjectStore(wrong, "s3://contract").get("x").catch((error: unknown) => error);
    expect(failure).toMatchObject({ type: "Refused", message: expect.stringContaining("s3://contract/x") });
    expect(String(failure)).not.toContain("wrong-secret");
  });

  it("fails as Unavailable when nobody answers", async () => {
    const store = new S3ObjectStore(clientFor("http://127.0.0.1:1"), "s3://contract");
    await expect(store.get("x")).rejects.toMatchObject({ type: "Unavailable" });
    await expect(store.put("x", "y")).rejects.toMatchObject({ type: "Unavailable" });
    await expect(collect(store.list(""))).rejects.toMatchObject({ type: "Unavailable" });
    await expect(store.putStream("x", Readable.from(["y"]))).rejects.toMatchObject({ type: "Unavailable" });
  });

  it("fails when the stream to be written breaks, keeps the cause, and leaves no object", async () => {
    const store = new S3ObjectStore(client, "s3://contract");
    const breaking = async function* (): AsyncGenerator<Buffer> {
      yield large.subarray(0, 6 * 1024 * 1024);
      throw new Error("the source broke");
    };
    await expect(store.putStream("broken", Readable.from(breaking()))).rejects.toMatchObject({
      cause: { message: "the source broke" },
    });
    expect(await store.get("broken")).toBeNull();
  });

  describe("against a server that misbehaves", () => {
    let server: Server;
    afterEach(() => {
      server.closeAllConnections();
      server.close();
    });
    const storeOn = async (
      answer: Parameters<typeof createServer>[1] & object,
      silenceMs?: number,
    ): Promise<S3ObjectStore> => {
      server = createServer(answer);
      await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
      const address = server.address();
      const port = typeof address === "object" && address !== null ? address.port : 0;
      return new S3ObjectStore(clientFor(`http://127.0.0.1:${port}`, silenceMs), "s3://contract");
    };

    it.each([
      [400, "RequestTimeout", "Unavailable"],
      [403, "AccessDenied", "Refused"],
      [408, "RequestTimeout", "Unavailable"],
      [409, "ConditionalRequestConflict", "Conflict"],
      [429, "TooManyRequests", "RateLimited"],
      [500, "InternalError", "Unavailable"],
      [503, "SlowDown", "RateLimited"],
      [503, "ServiceUnavailable", "Unavailable"],
    ])("casts %i %s to %s", async (status, code, type) => {
      const store = await storeOn((request, response) => {
        request.resume();
        response.writeHead(status, { "content-type": "application/xml" });
        response.end(`<?xml version="1.0"?><Error><Code>${code}</Code><Message>no</Message></Error>`);
      });
      await expect(store.put("x", "y")).rejects.toMatchObject({ type });
    });

    it.each<[string, (request: IncomingMessage) => void]>([
      ["takes a request and says nothing", (request) => void request.resume()],
      ["does not even take what is sent", () => {}],
    ])("fails as Unavailable when the server %s", async (_, listen) => {
      const store = await storeOn(listen, 100);
      await Promise.all(
        [store.get("x"), store.put("x", large), store.stream("x"), collect(store.list(""))].map((call) =>
          expect(call).rejects.toMatchObject({ type: "Unavailable" }),
        ),
      );
    });

    it("fails as Unavailable when the server falls silent in the middle of an object", async () => {
      const store = await storeOn((_request, response) => {
        response.writeHead(200, { "content-length": 1_000_000, etag: '"x"' });
        response.write(Buffer.alloc(1000));
      }, 100);
      await expect(store.get("x")).rejects.toMatchObject({ type: "Unavailable" });
      await expect(store.stream("x").then(buffer)).rejects.toMatchObject({ type: "Unavailable" });
    });

    it("waits for an answer that is long in coming but keeps coming", async () => {
      const store = await storeOn((_request, response) => {
        response.writeHead(200, { "content-length": 6, etag: '"x"' });
        let sent = 0;
        const sending = setInterval(() => {
          response.write(String(sent++));
          if (sent === 6) clearInterval(sending);
        }, 300);
      }, 1000);
      expect((await store.get("x"))?.body.toString()).toBe("012345");
    });

    it("fails as Unavailable when the connection breaks in the middle of an object", async () => {
      const store = await storeOn((_request, response) => {
        response.writeHead(200, { "content-length": 1_000_000, etag: '"x"' });
        response.write(Buffer.alloc(1000), () => response.destroy());
      });
      await expect(store.get("x")).rejects.toMatchObject({ type: "Unavailable" });
      for (const expected of [undefined, { sha256: sha256("x") }]) {
        await expect(store.stream("x", expected).then(buffer)).rejects.toMatchObject({ type: "Unavailable" });
      }
    });
  });
});

describe("parseS3Uri", () => {
  it.each([
    ["s3://bucket", { bucket: "bucket", key: "" }],
    ["s3://bucket/", { bucket: "bucket", key: "" }],
    ["s3://my.bucket-1/a/b c.jsonl", { bucket: "my.bucket-1", key: "a/b c.jsonl" }],
  ])("takes %s apart", (uri, parts) => {
    expect(parseS3Uri(uri)).toEqual(parts);
  });

  it.each(["", "bucket/key", "https://bucket/key", "s3://", "s3:///key", "s3://Bucket/key", "s3://-bucket/key"])(
    "refuses %j as InvalidInput",
    (uri) => {
      expect(() => parseS3Uri(uri)).toThrow(expect.objectContaining({ type: "InvalidInput" }));
    },
  );
});
