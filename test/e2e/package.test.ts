import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { spawnDev } from "../support/dev-process.ts";

const execFileAsync = promisify(execFile);
const repository = join(import.meta.dirname, "..", "..");
/** The Node of this test comes first, as it does for those who have the right one. */
const environment = { ...process.env, PATH: `${dirname(process.execPath)}:${process.env["PATH"] ?? ""}` };

const { version } = z
  .object({ version: z.string() })
  .parse(JSON.parse(readFileSync(join(repository, "package.json"), "utf8")));

let directory: string;
let user: string;
let files: string[];
let registryAnswers: boolean;

async function run(cwd: string, command: string, ...args: string[]): Promise<string> {
  const { stdout } = await execFileAsync(command, args, { cwd, env: environment, maxBuffer: 100_000_000 });
  return stdout.trim();
}

/** Packs a copy, so that no `dist/` appears in the working tree; answers the tarball. */
async function pack(): Promise<string> {
  const copy = join(directory, "checkout");
  for (const path of ["package.json", "tsconfig.json", "src", "workflows", "activities"]) {
    await cp(join(repository, path), join(copy, path), { recursive: true });
  }
  await symlink(join(repository, "node_modules"), join(copy, "node_modules"));
  await run(copy, "npm", "pack", "--pack-destination", directory);
  return join(directory, `tuneloop-${version}.tgz`);
}

/** Installs into an empty project; false when there is no registry to install dependencies from. */
async function install(tarball: string): Promise<boolean> {
  await mkdir(user);
  await writeFile(join(user, "package.json"), '{ "private": true, "type": "module" }');
  try {
    await run(user, "npm", "install", "--prefer-offline", "--no-audit", "--no-fund", tarball);
    return true;
  } catch (error) {
    if (/ENOTCACHED|ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ETIMEDOUT/.test(String(error))) return false;
    throw error;
  }
}

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "tuneloop-package-"));
  user = join(directory, "user");
  const tarball = await pack();
  files = (await run(directory, "tar", "tzf", tarball)).split("\n");
  registryAnswers = await install(tarball);
});

afterAll(() => rm(directory, { recursive: true, force: true }));

describe("npm pack", () => {
  it("packs the compiled program, the workflow bundle and the launcher, and no TypeScript", () => {
    expect(files).toEqual(
      expect.arrayContaining([
        "package/src/cli/tuneloop.js",
        "package/dist/src/cli/main.js",
        "package/dist/src/index.d.ts",
        "package/dist/workflow-bundle.js",
      ]),
    );
    expect(files.filter((file) => /(?<!\.d)\.ts$|\/test\/|build-package/.test(file))).toEqual([]);
  });
});

describe("the installed package", () => {
  beforeEach(({ skip }) => skip(!registryAnswers, "npm reaches no registry to install dependencies from"));

  it("runs its command", async () => {
    expect(await run(user, "npx", "tuneloop", "--version")).toBe(version);
    expect(await run(user, "npx", "tuneloop", "--help")).toMatch(/Usage: tuneloop [^]*\bdev\b[^]*\bworker\b/);
  });

  it("exports what others need to start and steer workflows, and the Anyscale client", async () => {
    const script = `
      import { datasetUpdatedSignal, taskQueues, workflowIds } from "tuneloop";
      import { AnyscaleClient, NotFoundError } from "tuneloop/anyscale";
      process.stdout.write([datasetUpdatedSignal.name, taskQueues.main, workflowIds.pipeline("games"),
        typeof AnyscaleClient, NotFoundError.name].join(" "));`;
    expect(await run(user, process.execPath, "--input-type=module", "--eval", script)).toBe(
      "datasetUpdated tuneloop pipeline/games function NotFoundError",
    );
  });

  it("starts the whole local stack and stops it", async () => {
    const launcher = join(user, "node_modules", "tuneloop", "src", "cli", "tuneloop.js");
    const dev = spawnDev(join(directory, "state"), launcher);
    const stack = await dev.running();
    expect(Object.values(stack.addresses)).not.toContain(null);
    dev.child.kill("SIGINT");
    expect(await dev.ended).toBe(0);
  });
});
