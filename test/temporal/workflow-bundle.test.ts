import { mkdir, mkdtemp, readdir, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { workflowBundle } from "../../src/temporal/workflow-bundle.ts";

const repository = join(import.meta.dirname, "..", "..");
let checkout: string;
let cache: string;

const workflow = (answer: string) => `export async function greet(): Promise<string> { return "${answer}"; }\n`;
const cached = async (): Promise<string[]> => (await readdir(cache)).toSorted();

beforeAll(async () => {
  checkout = await mkdtemp(join(tmpdir(), "tuneloop-checkout-"));
  cache = join(checkout, "node_modules", ".cache", "tuneloop");
  for (const folder of ["workflows", "activities", "src", "node_modules"]) await mkdir(join(checkout, folder));
  await symlink(join(repository, "node_modules", "@temporalio"), join(checkout, "node_modules", "@temporalio"));
  await writeFile(join(checkout, "package.json"), '{ "type": "module" }');
  await writeFile(join(checkout, "workflows", "index.ts"), workflow("hello"));
});

afterAll(() => rm(checkout, { recursive: true }));

describe("workflowBundle", () => {
  it("bundles a checkout's workflows, and only once as long as nothing changes", async () => {
    expect(await workflowBundle(checkout)).toMatchObject({ code: expect.stringContaining("hello") });
    const [name = ""] = await cached();
    await writeFile(join(cache, name), "taken from the cache");
    expect(await workflowBundle(checkout)).toEqual({ code: "taken from the cache" });
  });

  it("bundles again after a change, and keeps that one only", async () => {
    const before = await cached();
    await writeFile(join(checkout, "workflows", "index.ts"), workflow("good day"));
    expect(await workflowBundle(checkout)).toMatchObject({ code: expect.stringContaining("good day") });
    expect(await cached()).toHaveLength(1);
    expect(await cached()).not.toEqual(before);
  });

  it("bundles where nothing can be kept", async () => {
    await rm(cache, { recursive: true });
    await writeFile(cache, "no directory");
    expect(await workflowBundle(checkout)).toMatchObject({ code: expect.stringContaining("good day") });
  });

  it("fails when the workflows cannot be bundled", async () => {
    await writeFile(join(checkout, "workflows", "index.ts"), "export const =");
    await expect(workflowBundle(checkout)).rejects.toThrow("the workflows cannot be bundled");
  });
});
