import { beforeEach, describe, expect, it } from "vitest";
import { createPipelineActivities } from "../../activities/pipelines.ts";
import { objectKeys } from "../../src/domain/object-keys.ts";
import { emptyRegistry } from "../../src/domain/registry.ts";
import type { WorkflowOutcome } from "../../src/ports.ts";
import { expectFailure, inActivity } from "../support/activity.ts";
import { aBatch, commit } from "../support/datasets.ts";
import { aChat, aSourceItem, fakeWorkflows } from "../support/fake-ports.ts";
import { MemoryObjectStore } from "../support/memory-store.ts";

let store: MemoryObjectStore;
beforeEach(() => {
  store = new MemoryObjectStore();
});
const activities = (outcomes: Record<string, WorkflowOutcome> = {}) =>
  createPipelineActivities({ store, workflows: fakeWorkflows(outcomes) });
/** Adds a version of so many new records per source. */
async function addVersion(parent: number, sources: Record<string, number>): Promise<void> {
  const batches = Object.entries(sources).map(async ([source, count]) => {
    const items = Array.from({ length: count }, (_, index) =>
      aSourceItem(`${index}`, aChat(`${parent} ${source} ${index}`)),
    );
    return (await aBatch(store, items, {}, source)).batch;
  });
  await commit(store, await Promise.all(batches), parent);
}
const registryKey = objectKeys.registry("games");

describe("createPipelineActivities", () => {
  describe("readPipeline", () => {
    it("knows nothing of a pipeline that has never done anything, and writes nothing", async () => {
      expect(await activities().readPipeline({ name: "games" })).toEqual({
        dataset: { version: 0, records: 0, failedSources: {} },
        champion: null,
        lastCycle: null,
      });
      expect(store.objects.size).toBe(0);
    });

    it("answers the newest version and the last cycle", async () => {
      await addVersion(0, { discord: 3 });
      await addVersion(1, { discord: 2, twitch: 4 });
      const lastCycle = { workflowId: "retrain/games/1", datasetVersion: 1, repeat: 1, records: 3 };
      store.write(registryKey, JSON.stringify({ ...emptyRegistry("games"), champion: "games-1", lastCycle }));
      expect(await activities().readPipeline({ name: "games" })).toEqual({
        dataset: { version: 2, records: 9, failedSources: {} },
        champion: "games-1",
        lastCycle,
      });
    });
  });

  describe("openCycle", () => {
    const alerts = [{ kind: "webhook" as const, url: "https://ops.example/hook", signingSecret: "HOOK_KEY" }];
    const open = (version: number | null, workflowId = "retrain/games/2") =>
      inActivity(() => activities().openCycle({ pipeline: "games", workflowId, version, repeat: 1, alerts }));

    it("takes the newest version or the one that is named, counts its records and notes the cycle and whom it tells", async () => {
      await addVersion(0, { discord: 3 });
      await addVersion(1, { discord: 2, twitch: 4 });
      expect(await open(null)).toEqual({
        workflowId: "retrain/games/2",
        datasetVersion: 2,
        repeat: 1,
        records: 9,
        champion: null,
        perSource: { discord: 5, twitch: 4 },
        failedSources: {},
      });
      const noted = { lastCycle: { datasetVersion: 2, records: 9 }, alerts };
      expect(JSON.parse(store.text(registryKey))).toMatchObject(noted);
      expect(await open(1, "retrain/games/1")).toMatchObject({
        datasetVersion: 1,
        records: 3,
        perSource: { discord: 3 },
      });
    });

    it("says which sources failed when the version was made, as reading the pipeline does, the first 20", async () => {
      const { batch } = await aBatch(store, [aSourceItem("1", aChat("question"))]);
      const failed = Array.from({ length: 25 }, (_, index) => [`s${index}`, "Refused: no"]);
      await commit(store, [batch], 0, { failedSources: Object.fromEntries(failed) });
      const first = Object.fromEntries(failed.slice(0, 20));
      expect((await open(null)).failedSources).toEqual(first);
      expect((await activities().readPipeline({ name: "games" })).dataset.failedSources).toEqual(first);
    });

    it("counts the largest 200 sources one by one, and the others together", async () => {
      await addVersion(0, Object.fromEntries(Array.from({ length: 203 }, (_, i) => [`s${i}`, i < 200 ? 2 : 1])));
      const { perSource, records } = await open(null);
      expect(Object.keys(perSource)).toHaveLength(201);
      expect(perSource["(3 more)"]).toBe(3);
      expect(Object.values(perSource).reduce((sum, count) => sum + count, 0)).toBe(records);
    });

    it("writes nothing more when it is repeated", async () => {
      await addVersion(0, { discord: 3 });
      await open(1);
      const written = store.calls.filter(({ method }) => method === "put").length;
      await open(1);
      expect(store.calls.filter(({ method }) => method === "put")).toHaveLength(written);
    });

    it("refuses a cycle whose model is champion already, and notes nothing of it", async () => {
      await addVersion(0, { discord: 3 });
      const registry = JSON.stringify({ ...emptyRegistry("games"), champion: "games-1" });
      store.write(registryKey, registry);
      expect(await expectFailure(() => open(1), "InvalidInput")).toBe(
        "repeat: games-1 is champion already; raise repeat",
      );
      expect(store.text(registryKey)).toBe(registry);
      store.write(registryKey, JSON.stringify({ ...emptyRegistry("games"), champion: "games-1.2" }));
      expect(await open(1)).toMatchObject({ champion: "games-1.2" });
    });

    it("fails as NotFound, saying what to do, without a version, and naming a version that is not there", async () => {
      const request = { pipeline: "games", workflowId: "w", repeat: 1, alerts };
      const none = () => activities().openCycle({ ...request, version: null });
      expect(await expectFailure(none, "NotFound")).toBe("dataset games has no version yet: run updateDataset first");
      const missing = () => activities().openCycle({ ...request, version: 7 });
      expect(await expectFailure(missing, "NotFound")).toContain("versions/000007.json");
    });
  });

  describe("awaitWorkflow", () => {
    const wait = (outcome: WorkflowOutcome) => () => activities({ w: outcome }).awaitWorkflow({ workflowId: "w" });

    it.each<[WorkflowOutcome, unknown]>([
      [
        { status: "completed", result: { outcome: "kept" } },
        { result: { outcome: "kept" }, error: null },
      ],
      [{ status: "completed" }, { result: null, error: null }],
      [
        { status: "failed", error: "no quorum" },
        { result: null, error: "no quorum" },
      ],
      [{ status: "cancelled" }, { result: null, error: "cancelled" }],
      [{ status: "terminated" }, { result: null, error: "terminated" }],
      [{ status: "not-found" }, { result: null, error: "not-found" }],
    ])("of %j answers %j", async (outcome, end) => {
      expect(await inActivity(wait(outcome))).toEqual(end);
    });

    it("waits while the workflow runs", async () => {
      expect(await expectFailure(wait({ status: "running" }), "StillWaiting")).toBe("waiting for workflow w");
    });
  });
});
