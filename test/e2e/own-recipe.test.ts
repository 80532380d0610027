/** A recipe from outside the tree: the one that docs/recipes.md shows, as it stands there, through a whole cycle. */
import { readFileSync, rmSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { modelManifestSchema } from "../../src/domain/model-version-schema.ts";
import { objectKeys } from "../../src/domain/object-keys.ts";
import { serviceName } from "../../src/domain/ids.ts";
import { generateSample } from "../../src/dev/sample-data.ts";
import { searchAttributes } from "../../workflows/search-attributes.ts";
import { aDirectory } from "../support/emulator.ts";
import { aPipeline, createdJobs, feed, giveTestSet, startLoop, type Loop } from "../support/loop.ts";

const RECORDS = generateSample({ seed: 1, count: 60, split: "train" });
/** Given to more questions than any of the sample. */
const COMMON = "inform(name[Common Answer])";

let loop: Loop;
let folder: string;

beforeAll(async () => {
  folder = aDirectory(documentedFiles());
  loop = await startLoop({ TUNELOOP_RECIPES: folder });
  await giveTestSet(loop);
});

afterAll(async () => {
  await loop.stop();
  rmSync(folder, { recursive: true });
});

/** The code blocks of docs/recipes.md that name a file. */
function documentedFiles(): Record<string, string> {
  const text = readFileSync(new URL("../../docs/recipes.md", import.meta.url), "utf8");
  const blocks = text.matchAll(/^```\w+ (\S+)\n(.*?)^```$/gms);
  return Object.fromEntries([...blocks].map(([, name = "", content = ""]) => [name, content]));
}

describe("the documented recipe", () => {
  it("is listed by a command that finds the running stack, with where it is from", async () => {
    const { code, stdout } = await loop.tuneloop("recipe", "list", "--json");
    expect(code).toBe(0);
    expect(JSON.parse(stdout).recipes).toContainEqual({
      name: "majority",
      folder,
      description: "gives the most frequent answer to every question",
    });
  });

  it("goes through a cycle up to a decision, and serves what it has learnt", async () => {
    const pipeline = aPipeline(loop, { name: "most", recipe: { name: "majority", hyperparameters: { tie: "last" } } });
    const asked = RECORDS.map(({ messages }) => messages);
    const common = Array.from({ length: 20 }, (_, index) => ({
      messages: [
        { role: "user", content: `What is common, for the ${index + 1}. time?` },
        { role: "assistant", content: COMMON },
      ],
    }));
    const lines = [...asked.map((messages) => ({ messages })), ...common].map((item) => JSON.stringify(item));
    const { cycle } = await feed(loop, pipeline, 1, lines);
    const report = await cycle.result();
    expect(report.outcome).toBe("promoted");
    expect(report.decision?.outcome).toBe("promote");
    expect(report.costUsd).toBeGreaterThan(0);
    const { typedSearchAttributes } = await cycle.describe();
    expect(typedSearchAttributes.get(searchAttributes.costUsd)).toBe(report.costUsd);

    const model = await loop.store.get(objectKeys.modelManifest("most", "most-1"));
    expect(modelManifestSchema.parse(JSON.parse(model?.body.toString() ?? ""))).toMatchObject({
      recipe: "majority",
      dataset: "most@1",
      trainedRecords: 80,
    });
    expect(await createdJobs(loop, "most", 1)).toHaveLength(1);
    const service = await loop.emulator.client.services.find(serviceName("most"));
    const answer = await fetch(`${service?.base_url}/v1/chat/completions`, {
      method: "POST",
      headers: { authorization: `Bearer ${service?.auth_token}`, "content-type": "application/json" },
      body: JSON.stringify({ model: "most-1", messages: [{ role: "user", content: "What is it?" }] }),
    });
    expect(await answer.json()).toMatchObject({ model: "most-1", choices: [{ message: { content: COMMON } }] });
  });

  it("is refused with the field, by the command and by the workflow, when a hyperparameter is not one of those", async () => {
    const pipeline = aPipeline(loop, { name: "tied", recipe: { name: "majority", hyperparameters: { tie: "both" } } });
    const problem = 'hyperparameters.tie: Invalid option: expected one of "first"|"last"';
    const file = aDirectory({ "tied.yaml": JSON.stringify(pipeline) });
    const { code, stderr } = await loop.tuneloop("start", "-f", `${file}/tied.yaml`);
    rmSync(file, { recursive: true });
    expect([code, stderr]).toEqual([2, expect.stringContaining(`tied.yaml: ${problem}`)]);
    const { cycle } = await feed(
      loop,
      pipeline,
      1,
      RECORDS.map((item) => JSON.stringify(item)),
    );
    await expect(cycle.result()).rejects.toMatchObject({ cause: { message: expect.stringContaining(problem) } });
  });
});
