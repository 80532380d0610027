import { describe, expect, it } from "vitest";
import { describeModels } from "../../src/cli/models.ts";
import { listModels, type ModelEntry } from "../../src/registry/models.ts";
import { objectKeys } from "../../src/domain/object-keys.ts";
import { emptyRegistry, withAliases } from "../../src/domain/registry.ts";
import { MemoryObjectStore } from "../support/memory-store.ts";

const manifest = (version: string, trainedRecords: number) => ({
  format: 1,
  model: "games",
  version,
  recipe: "embedded",
  baseModel: null,
  dataset: `games@${version.slice(6)}`,
  task: "frames",
  files: [],
  trainedRecords,
  trainSeconds: 1,
  loss: [],
});
const moved = (at: string, to: string) => ({
  at,
  to: { champion: to },
  workflowId: `retrain/${to}`,
  reason: "it is better",
});

/** Versions 2, 10 and 9, of which the last has left no model. */
function aBucket(): MemoryObjectStore {
  const store = new MemoryObjectStore();
  for (const version of ["games-2", "games-10"]) {
    store.write(objectKeys.modelManifest("games", version), JSON.stringify(manifest(version, 60)));
  }
  const recipe = { name: "embedded", baseModel: null, hyperparameters: {} };
  const claim = { workflowId: "retrain/games/9", jobName: "train-9", entrypoint: "x", recipe, costUsd: 1.5 };
  store.write(objectKeys.trainingClaim("games", "games-9"), JSON.stringify(claim));
  const first = withAliases(emptyRegistry("games"), moved("2026-01-01T10:00:00Z", "games-2"));
  const registry = withAliases(first, moved("2026-01-02T10:00:00Z", "games-10"));
  store.write(objectKeys.registry("games"), JSON.stringify(registry));
  return store;
}

describe("listModels", () => {
  it("lists versions by number and moves by time, the newest first, with what is known of each", async () => {
    const { models, history } = await listModels(aBucket(), "games");
    expect(models.map(({ version, alias }) => [version, alias])).toEqual([
      ["games-10", "champion"],
      ["games-9", null],
      ["games-2", null],
    ]);
    expect(models[0]?.lineage).toMatchObject({ dataset: "games@10", recipe: "embedded", trainedRecords: 60 });
    expect(models[1]).toMatchObject({ lineage: null, job: "train-9", costUsd: 1.5, decision: null });
    expect(history.map(({ to }) => to)).toEqual(["games-10", "games-2"]);
  });

  it("lists the tenth repeat of a cycle after the ninth, and before the cycle that follows", async () => {
    const store = new MemoryObjectStore();
    for (const version of ["games-1", "games-1.9", "games-1.10", "games-2"])
      store.write(objectKeys.modelManifest("games", version), JSON.stringify(manifest(version, 60)));
    const { models } = await listModels(store, "games");
    expect(models.map(({ version }) => version)).toEqual(["games-2", "games-1.10", "games-1.9", "games-1"]);
  });

  it("knows nothing of a pipeline that has no model", async () => {
    expect(await listModels(new MemoryObjectStore(), "games")).toEqual({ models: [], history: [] });
  });
});

describe("describeModels", () => {
  const models: ModelEntry[] = [
    {
      version: "games-10",
      alias: "champion",
      lineage: { dataset: "games@10", recipe: "embedded", task: "frames", trainedRecords: 60, baseModel: null },
      job: "train",
      costUsd: 1.5,
      decision: { outcome: "promote", metric: "accuracy", value: "85.0 %" },
    },
  ];
  const history = [
    { ...moved("2026-01-02T10:00:00Z", "games-10"), alias: "champion" as const, from: null, to: "games-10" },
  ];

  it("is a table, and below it who moved what", () => {
    const lines = describeModels({ models, history }, 120).split("\n");
    expect(lines[1]).toMatch(
      /^ {2}games-10 +champion +promote +accuracy +85\.0 % +games@10 +60 +embedded \(frames\) +1\.50$/,
    );
    expect(lines).toContain("  2026-01-02 10:00  champion: none → games-10");
    expect(lines).toContain("    by retrain/games-10: it is better");
  });

  it("shows a cost below a cent, which is not nothing", () => {
    const cheap = models.map((model) => ({ ...model, costUsd: 0.00079 }));
    expect(describeModels({ models: cheap, history }, 120).split("\n")[1]).toMatch(/ 0\.00079$/);
  });

  it("fits into a terminal of 60 columns", () => {
    const long = history.map((move) => ({ ...move, reason: "a long story ".repeat(20) }));
    const lines = describeModels({ models, history: long }, 60).split("\n");
    expect(lines.filter((line) => line.length > 60)).toEqual([]);
    expect(lines).toContain("    TRAINED ON  games@10");
  });

  it("says how many earlier moves it leaves out", () => {
    const many = Array.from({ length: 13 }, () => history).flat();
    expect(describeModels({ models, history: many }, 120)).toContain("and 3 earlier: --json");
  });
});
