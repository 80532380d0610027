import { beforeEach, describe, expect, it } from "vitest";
import { findFormerChampion, findServing } from "../../activities/comebacks.ts";
import type { ServiceStatus } from "../../src/compute-port.ts";
import { objectKeys } from "../../src/domain/object-keys.ts";
import { emptyRegistry } from "../../src/domain/registry.ts";
import { expectFailure, inActivity } from "../support/activity.ts";
import { aRollOutInput, aTestSet } from "../support/builders.ts";
import { aServed, aService, FakeCompute } from "../support/fake-ports.ts";
import { MemoryObjectStore } from "../support/memory-store.ts";

let store: MemoryObjectStore;
let compute: FakeCompute;

beforeEach(() => {
  store = new MemoryObjectStore();
  compute = new FakeCompute();
  const moved = { at: "2026-01-01T00:00:00Z", alias: "champion" as const, workflowId: "w", reason: "better" };
  const history = [
    { ...moved, from: null, to: "games-1" },
    { ...moved, from: "games-1", to: "games-2" },
    { ...moved, alias: "challenger" as const, from: null, to: "games-3" },
  ];
  const testSet = { ...aTestSet(), uri: null, retention: null };
  const registry = { ...emptyRegistry("games"), champion: "games-2", challenger: "games-3", testSet, history };
  store.write(objectKeys.registry("games"), JSON.stringify(registry));
});

/** As if the pipeline had trained a version. */
const claim = (model: string) => {
  const recipe = { name: "embedded", baseModel: null, hyperparameters: {} };
  const body = { workflowId: "w", jobName: "train", entrypoint: "x", recipe };
  store.write(objectKeys.trainingClaim("games", model), JSON.stringify(body));
};

describe("findFormerChampion", () => {
  const find = (to: string | null) => findFormerChampion({ store, compute }, { pipeline: "games", to });

  it("answers the champion of before, and who is it now", async () => {
    compute.service = aService({ primary: aServed("games-2") });
    expect(await inActivity(() => find(null))).toEqual({
      model: "games-1",
      champion: "games-2",
      testSet: aTestSet(),
    });
    expect(await inActivity(() => find("games-1"))).toMatchObject({ model: "games-1" });
  });

  it.each<[string, ServiceStatus | null]>([
    ["there is no service", null],
    ["another version is primary", aService({ primary: aServed("hotfix") })],
    [
      "somebody else's version has a share",
      aService({
        primary: aServed("games-2", { weightPercent: 80 }),
        canary: aServed("hotfix", { weightPercent: 20 }),
      }),
    ],
  ])("answers the champion of now where %s", async (_, service) => {
    compute.service = service;
    expect(await inActivity(() => find("games-2"))).toMatchObject({ model: "games-2" });
  });

  it.each([10, 100])("answers the champion of now where a challenger was left with %i %%", async (percent) => {
    claim("games-3");
    compute.service = aService({
      primary: aServed("games-2", { weightPercent: 100 - percent }),
      canary: aServed("games-3", { weightPercent: percent }),
    });
    expect(await inActivity(() => find(null))).toMatchObject({ model: "games-2", champion: "games-2" });
    expect(await inActivity(() => find("games-1"))).toMatchObject({ model: "games-1" });
  });

  it.each([
    ["a challenger is up without traffic", "games-3", 0],
    ["somebody else's version has a share", "hotfix", 20],
  ])("answers the champion of before where %s", async (_, version, percent) => {
    claim("games-3");
    compute.service = aService({
      primary: aServed("games-2", { weightPercent: 100 - percent }),
      canary: aServed(version, { weightPercent: percent }),
    });
    expect(await inActivity(() => find(null))).toMatchObject({ model: "games-1" });
  });

  it("refuses a champion that has all traffic, and a model that never was champion", async () => {
    compute.service = aService({ primary: aServed("games-2") });
    expect(await expectFailure(() => find("games-2"), "InvalidInput")).toContain("has all traffic");
    expect(await expectFailure(() => find("games-3"), "InvalidInput")).toContain("was never champion");
  });
});

describe("findServing", () => {
  const find = (model: string, replaceOthers = false) =>
    findServing(
      { store, compute },
      aRollOutInput({ pipeline: "games", model, target: "promoted", comeback: { replaceOthers } }),
    );

  it.each<[string, ServiceStatus | null, string | null]>([
    ["there is no service", null, null],
    ["the service is terminated", aService({ state: "terminated", primary: null }), null],
    ["the champion serves", aService({ primary: aServed("games-2") }), "games-2"],
    ["it serves itself", aService({ primary: aServed("games-1") }), "games-1"],
  ])("answers who serves when %s", async (_, service, serves) => {
    compute.service = service;
    expect(await inActivity(() => find("games-1"))).toEqual({ serves });
  });

  it("answers a version of the pipeline's own, which it may end", async () => {
    claim("games-3");
    compute.service = aService({ primary: aServed("games-3") });
    expect(await inActivity(() => find("games-1"))).toEqual({ serves: "games-3" });
  });

  it("leaves others' versions alone unless they are to be replaced, and says how", async () => {
    compute.service = aService({ primary: aServed("hotfix") });
    const message = await expectFailure(() => find("games-1"), "ServiceChanged");
    expect(message).toContain('tuneloop rollout rollback games --to games-1 --replace-others --reason "why"');
    expect(await inActivity(() => find("games-1", true))).toEqual({ serves: "hotfix" });
  });

  it.each([null, aService({ primary: aServed("hotfix") })])(
    "lets no version come that nobody has judged",
    async (service) => {
      claim("games-3");
      compute.service = service;
      expect(await expectFailure(() => find("games-3", true), "InvalidInput")).toContain("nobody has judged it");
    },
  );

  it("waits for a service that is being terminated", async () => {
    compute.service = aService({ state: "terminating" });
    await expectFailure(() => find("games-1"), "Conflict");
  });
});
