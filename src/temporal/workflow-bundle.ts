import { fork } from "node:child_process";
import { createHash, randomUUID } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { WorkflowBundleOption } from "@temporalio/worker";
import { z } from "zod";

const bundleSchema = z.object({ code: z.string() });
/** The checkout, or what was built of it. */
const root = fileURLToPath(new URL("../..", import.meta.url));
/** What a bundle can depend on: our sources, and the versions of the packages. */
const sources = ["workflows", "activities", "src", "package.json"];

/**
 * The workflows as workers run them: bundled beforehand in the installed package; in a checkout now (about 4 s), or taken
 * from `node_modules/.cache/tuneloop/` where nothing has changed since. Throws when bundling fails; why is on standard error.
 *
 * @param checkout whose workflows; default: those beside this file
 */
export async function workflowBundle(checkout = root): Promise<WorkflowBundleOption> {
  const packaged = join(checkout, "workflow-bundle.js");
  if (existsSync(packaged)) return { codePath: packaged };
  const cache = join(checkout, "node_modules", ".cache", "tuneloop");
  const name = `workflows-${await hashOfSources(checkout)}.js`;
  const known = await readFile(join(cache, name), "utf8").catch(() => null);
  if (known !== null) return { code: known };
  const { code } = bundleSchema.parse(await bundle(checkout));
  // A checkout that cannot be written to bundles each time.
  await keep(cache, name, code).catch(() => {});
  return { code };
}

async function hashOfSources(checkout: string): Promise<string> {
  const hash = createHash("sha256");
  for (const source of sources) {
    const path = join(checkout, source);
    const isFile = source.endsWith(".json");
    const files = isFile ? [""] : (await readdir(path, { recursive: true })).filter((file) => file.endsWith(".ts"));
    for (const file of files.toSorted()) {
      const content = await readFile(join(path, file));
      hash.update(`${source}/${file}\0${content.length}\0`).update(content);
    }
  }
  return hash.digest("hex").slice(0, 32);
}

/** Keeps the newest bundle only. */
async function keep(cache: string, name: string, code: string): Promise<void> {
  await mkdir(cache, { recursive: true });
  const outdated = (await readdir(cache)).filter((file) => /^workflows-[0-9a-f]+\.js$/.test(file) && file !== name);
  const draft = join(cache, `${name}.${randomUUID()}`);
  await writeFile(draft, code);
  await rename(draft, join(cache, name));
  await Promise.all(outdated.map((file) => rm(join(cache, file), { force: true })));
}

/** A process of its own bundles, since a bundler leaves some 200 MB behind in the one it runs in. */
function bundle(checkout: string): Promise<unknown> {
  const bundler = fileURLToPath(new URL("./bundle-workflows.ts", import.meta.url));
  const workflows = join(checkout, "workflows", "index.ts");
  const child = fork(bundler, [workflows], { execArgv: [], stdio: ["ignore", "ignore", "inherit", "ipc"] });
  return new Promise((resolve, reject) => {
    child.once("message", resolve);
    child.once("error", reject);
    // Comes after all messages.
    child.once("disconnect", () => reject(new Error("the workflows cannot be bundled")));
  });
}
