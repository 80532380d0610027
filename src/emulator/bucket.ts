import { createHmac, timingSafeEqual } from "node:crypto";
import { createWriteStream, existsSync, mkdirSync, readFileSync, renameSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { ArchiveError, unpack } from "./archive.ts";
import { newId } from "./ids.ts";

const BUCKET = "s3://emulator-bucket";
const MAX_UPLOAD_BYTES = 512 * 1024 * 1024;

/** The cloud's bucket: uploaded packages, by name, and URLs with a signature in place of the token. */
export class Bucket {
  readonly #directory: string;
  readonly #key: string;

  /** @param key what signatures are made with; URLs live as long as it does */
  constructor(directory: string, key: string) {
    this.#directory = directory;
    this.#key = key;
    mkdirSync(directory, { recursive: true });
  }

  /** The answer to a presigned-URL request, as on the wire. Null for a name that is not a plain file name. */
  presign(fileName: string, origin: string) {
    if (!isPlainName(fileName)) return null;
    const path = `runtime_env_packages/${fileName}`;
    return {
      file_uri: `${BUCKET}/${path}`,
      url: this.sign(`${origin}/bucket/${path}`),
      file_exists: existsSync(join(this.#directory, fileName)),
      bucket_name: BUCKET,
      bucket_path: path,
      url_scheme: "http",
      file_size: null,
    };
  }

  /** Adds the signature that {@link isSigned} checks. It covers path and other query parameters, not the host. */
  sign(url: string): string {
    const signed = new URL(url);
    signed.searchParams.set("signature", this.#signature(signed));
    return signed.href;
  }

  /** Whether a URL is one that {@link sign} made. */
  isSigned(url: string): boolean {
    const given = new URL(url);
    const signature = Buffer.from(given.searchParams.get("signature") ?? "");
    given.searchParams.delete("signature");
    const expected = Buffer.from(this.#signature(given));
    return signature.length === expected.length && timingSafeEqual(signature, expected);
  }

  #signature(url: URL): string {
    return createHmac("sha256", this.#key)
      .update(url.pathname + url.search)
      .digest("hex");
  }

  /** Stores an upload; it is there as a whole or not at all. False when it is above 512 MiB or no plain name. */
  async receive(fileName: string, body: Readable): Promise<boolean> {
    if (!isPlainName(fileName)) return false;
    const partial = join(this.#directory, `${newId("partial")}.tmp`);
    let bytes = 0;
    try {
      await pipeline(
        body,
        async function* (source: AsyncIterable<Uint8Array>) {
          for await (const chunk of source) {
            bytes += chunk.length;
            if (bytes > MAX_UPLOAD_BYTES) return;
            yield chunk;
          }
        },
        createWriteStream(partial),
      );
      if (bytes > MAX_UPLOAD_BYTES) return false;
      renameSync(partial, join(this.#directory, fileName));
      return true;
    } finally {
      await rm(partial, { force: true });
    }
  }

  /**
   * Unpacks the package of a `working_dir` below an empty directory and answers the working directory; without a package
   * that is the directory itself. Throws `ArchiveError` for a package that is not here or is refused.
   */
  unpack(workingDir: string | undefined, directory: string): string {
    mkdirSync(directory, { recursive: true });
    if (workingDir === undefined) return directory;
    const fileName = workingDir.startsWith(`${BUCKET}/runtime_env_packages/`)
      ? workingDir.split("/").at(-1)
      : undefined;
    if (fileName === undefined || !isPlainName(fileName) || !existsSync(join(this.#directory, fileName))) {
      throw new ArchiveError(
        `working_dir ${workingDir} is unknown: the emulator knows directories uploaded to it only`,
      );
    }
    return unpack(readFileSync(join(this.#directory, fileName)), directory);
  }
}

function isPlainName(name: string): boolean {
  return /^[A-Za-z0-9_][A-Za-z0-9._-]{0,200}$/.test(name);
}
