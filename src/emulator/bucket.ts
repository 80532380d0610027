import { createWriteStream, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { ArchiveError, unpack } from "./archive.ts";
import { newId } from "./ids.ts";
import type { SignedUrls } from "./signed-urls.ts";

const BUCKET = "s3://emulator-bucket";
const MAX_UPLOAD_BYTES = 512 * 1024 * 1024;

/** How the name of an upload ends that is under way. */
const PARTIAL = ".tmp";

/** The cloud's bucket: uploaded packages, by name, and the signed URLs that receive them. */
export class Bucket {
  readonly #directory: string;
  readonly #urls: SignedUrls;

  constructor(directory: string, urls: SignedUrls) {
    this.#directory = directory;
    this.#urls = urls;
    mkdirSync(directory, { recursive: true });
    const cutOff = readdirSync(directory).filter((name) => name.endsWith(PARTIAL));
    for (const name of cutOff) rmSync(join(directory, name));
  }

  /** The answer to a presigned-URL request, as on the wire. Null for a name that is not a plain file name, or one of an unfinished upload. */
  presign(fileName: string, origin: string) {
    if (!isPlainName(fileName)) return null;
    const path = `runtime_env_packages/${fileName}`;
    return {
      file_uri: `${BUCKET}/${path}`,
      url: this.#urls.sign(`${origin}/bucket/${path}`),
      file_exists: existsSync(join(this.#directory, fileName)),
      bucket_name: BUCKET,
      bucket_path: path,
      url_scheme: "http",
      file_size: null,
    };
  }

  /** Stores an upload; it is there as a whole or not at all. False when it is above 512 MiB or no plain name. */
  async receive(fileName: string, body: Readable): Promise<boolean> {
    if (!isPlainName(fileName)) return false;
    const partial = join(this.#directory, newId("partial") + PARTIAL);
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
   * Unpacks an uploaded package below an empty directory and answers the working directory; without a package
   * that is the directory itself. Throws `ArchiveError` for a package that is not here or is refused.
   */
  unpack(uri: string | undefined, directory: string): string {
    mkdirSync(directory, { recursive: true });
    if (uri === undefined) return directory;
    const fileName = uri.startsWith(`${BUCKET}/runtime_env_packages/`) ? uri.split("/").at(-1) : undefined;
    if (fileName === undefined || !isPlainName(fileName) || !existsSync(join(this.#directory, fileName))) {
      throw new ArchiveError(`${uri} is unknown: the emulator knows directories uploaded to it only`);
    }
    return unpack(readFileSync(join(this.#directory, fileName)), directory);
  }
}

function isPlainName(name: string): boolean {
  return /^[A-Za-z0-9_][A-Za-z0-9._-]{0,200}$/.test(name) && !name.endsWith(PARTIAL);
}
