import { createHash } from "node:crypto";
import { Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import { GetObjectCommand, NoSuchKey, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import type { z } from "zod";
import { textLines } from "../../domain/lines.ts";
import { parseJson } from "./json.ts";

/** An object in S3. */
export interface ObjectAddress {
  bucket: string;
  key: string;
}

/** Splits `s3://bucket/key`; throws when the URI has another form. */
export function parseS3Uri(uri: string): ObjectAddress {
  const match = /^s3:\/\/([^/]+)\/(.*)$/s.exec(uri);
  if (match === null) throw new Error(`${uri}: expected s3://bucket/key`);
  return { bucket: match[1] ?? "", key: match[2] ?? "" };
}

/**
 * The S3 access of the machine that a job or service runs on: credentials and region as the AWS SDK finds them, and
 * `AWS_ENDPOINT_URL` for another server, which is then addressed by path, as most of them want it.
 */
export function createS3Client(env: NodeJS.ProcessEnv): S3Client {
  const endpoint = env["AWS_ENDPOINT_URL"];
  return new S3Client({
    region: env["AWS_REGION"] ?? env["AWS_DEFAULT_REGION"] ?? "us-east-1",
    ...(endpoint === undefined || endpoint === "" ? {} : { endpoint, forcePathStyle: true }),
  });
}

/** The whole object; with `sha256` (hex) its bytes are checked. Throws an error that names the object. */
export async function readObject(client: S3Client, address: ObjectAddress, sha256?: string): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of await openObject(client, address)) chunks.push(Buffer.from(chunk));
  const body = Buffer.concat(chunks);
  if (sha256 !== undefined) expectSha256(address, sha256OfBytes(body), sha256);
  return body;
}

/** Reads, parses and checks a JSON object in S3. Throws one line that names the URI and the field. */
export async function readJson<T>(client: S3Client, uri: string, schema: z.ZodType<T>): Promise<T> {
  return parseJson((await readObject(client, parseS3Uri(uri))).toString("utf8"), uri, schema);
}

/** As `readJson`, but null when there is no such object. */
export async function readJsonIfThere<T>(client: S3Client, uri: string, schema: z.ZodType<T>): Promise<T | null> {
  try {
    return await readJson(client, uri, schema);
  } catch (error) {
    if (error instanceof Error && error.cause instanceof NoSuchKey) return null;
    throw error;
  }
}

/**
 * Lines of a gzip object, without their ends, in constant memory. Throws at the end when the object's bytes do not have
 * the hash.
 */
export async function* readGzipLines(client: S3Client, address: ObjectAddress, sha256: string): AsyncGenerator<string> {
  const hash = createHash("sha256");
  const body = await openObject(client, address);
  const hashed = Readable.from(
    (async function* () {
      for await (const chunk of body) {
        hash.update(chunk);
        yield chunk;
      }
    })(),
  );
  const plain = createGunzip();
  hashed.on("error", (error) => plain.destroy(error)).pipe(plain);
  try {
    yield* textLines(plain);
  } catch (cause) {
    throw unreadable(address, cause);
  }
  expectSha256(address, hash.digest("hex"), sha256);
}

/** Writes a whole object, over one that is there. */
export async function writeObject(
  client: S3Client,
  { bucket, key }: ObjectAddress,
  body: Uint8Array | string,
  contentType: string,
): Promise<void> {
  await client.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: body, ContentType: contentType }));
}

/** sha256 of bytes, hex. */
export function sha256OfBytes(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

async function openObject(client: S3Client, { bucket, key }: ObjectAddress): Promise<Readable> {
  try {
    const { Body } = await client.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
    if (Body instanceof Readable) return Body;
    throw new Error("the answer has no body");
  } catch (cause) {
    throw unreadable({ bucket, key }, cause);
  }
}

function unreadable({ bucket, key }: ObjectAddress, cause: unknown): Error {
  const reason = cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause);
  return new Error(`cannot read s3://${bucket}/${key}: ${reason}`, { cause });
}

function expectSha256({ bucket, key }: ObjectAddress, found: string, wanted: string): void {
  if (found !== wanted) throw new Error(`s3://${bucket}/${key} has sha256 ${found}, expected ${wanted}`);
}
