import { createHash, randomUUID } from "node:crypto";
import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";

/**
 * Writes files into a directory below `cacheDirectory` that is named by their content; answers the directory. The same
 * files give the same directory, so that an upload of it is found again. Several processes may do so at once, and nobody
 * sees half of them; a damaged file is mended.
 *
 * @param files text by path, with `/` between folders
 */
export async function placeFiles(
  cacheDirectory: string,
  name: string,
  files: Readonly<Record<string, string>>,
): Promise<string> {
  const content = JSON.stringify(Object.entries(files).toSorted(([one], [other]) => (one < other ? -1 : 1)));
  const directory = join(cacheDirectory, `${name}-${createHash("sha256").update(content).digest("hex").slice(0, 16)}`);
  await mkdir(cacheDirectory, { recursive: true });
  const temporary = join(cacheDirectory, `.${name}-${randomUUID()}`);
  try {
    for (const [path, text] of Object.entries(files)) await writeWithFolder(join(temporary, path), text);
    await rename(temporary, directory).catch(async () => {
      // Another process was first, or an earlier one: the directory is whole, but its files may have been changed since.
      for (const [path, text] of Object.entries(files)) {
        const present = await readFile(join(directory, path), "utf8").catch(() => null);
        if (present !== text) {
          await mkdir(dirname(join(directory, path)), { recursive: true });
          await rename(join(temporary, path), join(directory, path));
        }
      }
    });
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
  return directory;
}

async function writeWithFolder(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, text);
}
