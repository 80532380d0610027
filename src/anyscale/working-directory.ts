import { createHash } from "node:crypto";
import { readdirSync, readFileSync, realpathSync, statSync } from "node:fs";
import { basename, join, relative, resolve, sep } from "node:path";
import { zipSync, type Zippable } from "fflate";
import { InvalidRequestError } from "./errors.ts";
import { type Ignore, ignorePatterns } from "./ignore-patterns.ts";

/** What is never uploaded, at any depth. */
const ALWAYS_EXCLUDED = [".git", ".venv", "venv", "__pycache__"];

/** Most bytes of one working directory, before compression: it is packed in memory. */
const MAX_BYTES = 512 * 1024 * 1024;

/** ZIP's earliest time, in local fields as ZIP has it: the archive then depends on content alone, in every time zone. */
const FIXED_TIME = new Date(1980, 0, 1);

/** A packed directory; equal content and directory name give equal bytes and so an equal file name. */
export interface PackedDirectory {
  /** `pkg_<md5 of the bytes>.zip`. */
  fileName: string;
  bytes: Uint8Array<ArrayBuffer>;
}

/** Whether a working directory is a URI to pass on and not a local directory. */
export function isRemoteDirectory(workingDirectory: string): boolean {
  return /^[a-z][a-z0-9+.-]*:\/\//i.test(workingDirectory);
}

/**
 * Packs a directory as a ZIP with one top-level folder named after it, without `.git`, `.venv`, `venv` and `__pycache__`, without
 * what `excludes` names and what a `.gitignore` in it or below names. Symlinks are followed inside the directory. Throws
 * `InvalidRequestError` when the directory is missing, a symlink leaves it or loops, an entry is neither file nor directory, or
 * the content is above 512 MiB.
 *
 * @param excludes lines as of a `.gitignore`, relative to the directory
 */
export function packDirectory(directory: string, excludes: readonly string[] = []): PackedDirectory {
  const given = resolve(directory);
  const root = realDirectory(given, directory);
  const files: Zippable = {};
  const folder = basename(given) || "root";
  let total = 0;
  const walk = ({ real, path, parents, ignores }: Folder) => {
    const ignoresHere = [...ignores, ...gitignoreOf(real, path)];
    for (const entry of readdirSync(real).sort()) {
      const entryPath = path === "" ? entry : `${path}/${entry}`;
      // Left out before it is followed: a symlink that is broken or leaves the directory may well be excluded.
      const isDirectory = statSync(join(real, entry), { throwIfNoEntry: false })?.isDirectory() ?? false;
      if (ignoresHere.some((ignore) => ignore(entryPath, isDirectory))) continue;
      const target = realEntry(join(real, entry), root);
      const stats = statSync(target);
      if (stats.isDirectory()) {
        if (parents.includes(target))
          throw new InvalidRequestError(`working directory: ${entryPath} is a symlink loop; exclude it`);
        walk({ real: target, path: entryPath, parents: [...parents, target], ignores: ignoresHere });
      } else if (stats.isFile()) {
        total += stats.size;
        if (total > MAX_BYTES) throw tooLarge(directory);
        const bytes = readFileSync(target);
        files[`${folder}/${entryPath}`] = [bytes, { mtime: FIXED_TIME, os: 3, attrs: modeOf(stats.mode) << 16 }];
      } else {
        throw new InvalidRequestError(`working directory: ${entryPath} is neither a file nor a directory; exclude it`);
      }
    }
  };
  walk({ real: root, path: "", parents: [root], ignores: [ignorePatterns([...ALWAYS_EXCLUDED, ...excludes])] });
  if (Object.keys(files).length === 0) files[`${folder}/`] = [new Uint8Array(), { mtime: FIXED_TIME }];
  const bytes = zipSync(files);
  return { fileName: `pkg_${createHash("md5").update(bytes).digest("hex")}.zip`, bytes };
}

/** A directory that is walked: where it is, what it is called below the root, what it lies in, and what leaves entries out. */
interface Folder {
  real: string;
  path: string;
  parents: readonly string[];
  ignores: readonly Ignore[];
}

/** What the `.gitignore` of a directory leaves out, by paths relative to the root; nothing without one. */
function gitignoreOf(real: string, path: string): Ignore[] {
  const file = join(real, ".gitignore");
  if (!statSync(file, { throwIfNoEntry: false })?.isFile()) return [];
  const ignore = ignorePatterns(readFileSync(file, "utf8").split("\n"));
  const prefix = path === "" ? 0 : path.length + 1;
  return [(entry, isDirectory) => ignore(entry.slice(prefix), isDirectory)];
}

function realDirectory(path: string, given: string): string {
  const stats = statSync(path, { throwIfNoEntry: false });
  if (stats?.isDirectory()) return realpathSync(path);
  const what = stats ? "is not a directory" : "does not exist";
  throw new InvalidRequestError(`working directory "${given}" ${what}; pass a directory or a URI`);
}

function realEntry(path: string, root: string): string {
  let real: string;
  try {
    real = realpathSync(path);
  } catch (cause) {
    throw new InvalidRequestError(`working directory: ${relative(root, path)} is a broken symlink`, { cause });
  }
  if (real.startsWith(root.endsWith(sep) ? root : root + sep) || real === root) return real;
  throw new InvalidRequestError(
    `working directory: ${relative(root, path)} is a symlink that leaves it; copy the file in`,
  );
}

/** Only the executable bit is kept: other bits depend on the machine's umask and would change the name. */
function modeOf(mode: number): number {
  return 0o100000 | ((mode & 0o100) === 0 ? 0o644 : 0o755);
}

function tooLarge(directory: string): InvalidRequestError {
  return new InvalidRequestError(`working directory "${directory}" has more than ${MAX_BYTES} bytes; move data to S3`);
}
