import { describe, expect, it } from "vitest";
import { expectFailure, inActivity } from "../support/activity.ts";
import { aBatch, datasetActivities, readManifest } from "../support/datasets.ts";
import { aChat, aSourceItem, fakeSource } from "../support/fake-ports.ts";
import { MemoryObjectStore } from "../support/memory-store.ts";

/** A store with a batch of one record for each source. */
async function stored(...sources: string[]) {
  const store = new MemoryObjectStore();
  const keys: string[] = [];
  for (const source of sources) {
    keys.push((await aBatch(store, [aSourceItem("1", aChat(`from ${source}`))], {}, source)).batch);
  }
  return { store, keys, activities: datasetActivities(store, fakeSource([])) };
}

describe("gatherBatches", () => {
  it("lists batches and failures for a commit, which takes them after those it is given", async () => {
    const { store, keys, activities } = await stored("a", "b", "c");
    const [one, two, three] = keys;
    const gather = (batches: (string | undefined)[], failedSources: Record<string, string>) =>
      activities.gatherBatches({
        format: 1,
        dataset: "games",
        batches: batches.filter((key) => key !== undefined),
        failedSources,
      });
    const gathered = [
      (await gather([two], { down: "Unavailable: 503" })).key,
      (await gather([three], { gone: "NotFound: 404" })).key,
    ];
    const request = { dataset: "games", parent: 0, batches: [one ?? ""], gathered, leastRecords: 0 };
    const commit = () => activities.commitVersion({ ...request, failedSources: { late: "TooLate: no" } });
    expect(await inActivity(commit)).toMatchObject({ version: 1, added: 3 });
    expect(readManifest(store, 1)).toMatchObject({
      batches: keys,
      failedSources: { late: "TooLate: no", down: "Unavailable: 503", gone: "NotFound: 404" },
    });
    expect(await inActivity(commit)).toMatchObject({ version: 1, added: 3 });
  });

  it("writes the same list under the same name when it is repeated", async () => {
    const { store, keys, activities } = await stored("a");
    const gather = () => activities.gatherBatches({ format: 1, dataset: "games", batches: keys, failedSources: {} });
    const { key } = await gather();
    const written = store.text(key);
    expect(await gather()).toEqual({ key });
    expect(store.text(key)).toBe(written);
  });

  it("makes a commit fail as NotFound, with its name, when it is gone", async () => {
    const { activities } = await stored();
    const commit = () =>
      activities.commitVersion({
        dataset: "games",
        parent: 0,
        batches: [],
        failedSources: {},
        gathered: ["datasets/games/gathered/x.json"],
        leastRecords: 0,
      });
    expect(await expectFailure(commit, "NotFound")).toContain("datasets/games/gathered/x.json");
  });
});

describe("commitVersion", () => {
  it("answers the counts of 200 sources, and of more none: the manifest has them", async () => {
    for (const [count, named] of [
      [200, 200],
      [201, 0],
    ] as const) {
      const { store, keys, activities } = await stored(...Array.from({ length: count }, (_, index) => `s${index}`));
      const request = { dataset: "games", parent: 0, batches: keys, failedSources: {}, gathered: [], leastRecords: 0 };
      const { perSource } = await inActivity(() => activities.commitVersion(request));
      expect(Object.keys(perSource)).toHaveLength(named);
      expect(Object.keys(readManifest(store, 1).perSource)).toHaveLength(count);
    }
  });
});
