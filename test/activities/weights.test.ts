import { beforeEach, describe, expect, it } from "vitest";
import type { WeightRequest } from "../../activities/rollout-interfaces.ts";
import { createRolloutActivities } from "../../activities/rollouts.ts";
import { createMetricCatalog } from "../../src/adapters/metrics/catalog.ts";
import { createGateCatalog } from "../../src/adapters/own-gates.ts";
import type { FailureType } from "../../src/domain/failures.ts";
import { computeSchema } from "../../src/domain/pipeline-schema.ts";
import { rolloutPolicySchema } from "../../src/domain/rollout-schema.ts";
import { objectKeys } from "../../src/domain/object-keys.ts";
import type { ServiceStatus } from "../../src/compute-port.ts";
import { expectFailure, inActivity } from "../support/activity.ts";
import { aServed, aService, FakeCompute, fakeEndpoint, fakeRecipes, fakeWorkflows } from "../support/fake-ports.ts";
import { MemoryObjectStore } from "../support/memory-store.ts";

const store = new MemoryObjectStore();
let compute: FakeCompute;
beforeEach(() => {
  compute = new FakeCompute();
});
const activities = () =>
  createRolloutActivities({
    store,
    compute,
    recipes: fakeRecipes,
    metrics: createMetricCatalog([]),
    gates: createGateCatalog([]),
    endpoint: fakeEndpoint(() => "answer"),
    workflows: fakeWorkflows(),
  });

const request = (overrides: Partial<WeightRequest> = {}): WeightRequest => ({
  pipeline: "games",
  model: "games-2",
  champion: "games-1",
  percent: 10,
  complete: false,
  target: "promoted",
  reason: "better",
  recipe: { name: "embedded", baseModel: null, hyperparameters: {} },
  compute: computeSchema.parse({ config: "gpu:1", cloud: "lab" }),
  policy: rolloutPolicySchema.parse({ probeSeconds: 0.1 }),
  testSet: { key: "k", sha256: "s", records: 1 },
  quality: null,
  alerts: [],
  ...overrides,
});
const canary = (state: "running" | "starting" | "unhealthy" | "failed", weightPercent: number) =>
  aService({ state: "rolling-out", canary: aServed("games-2", { state, weightPercent }), error: "out of memory" });

describe("setWeight", () => {
  it("asks for the model's version at the weight, and tells that it is not there at once", async () => {
    compute.service = canary("running", 0);
    expect(await inActivity(() => activities().setWeight(request()))).toEqual({ reached: false });
    expect(compute.applied[0]).toEqual({
      name: "pipeline-games",
      version: "games-2",
      importPath: "embedded.mjs:handler",
      args: { modelUri: store.uri("models/games/games-2/") },
      workingDirectory: null,
      envVars: {},
      canaryPercent: 10,
      completeRollout: false,
      compute: "gpu:1",
      cloud: "lab",
      image: null,
      requirements: [],
      tags: { tuneloop: "games" },
    });
  });

  it("asks for the weight although the service shows somebody else's version for a moment before", async () => {
    const shown = [aService({ primary: aServed("hotfix") }), aService({ canary: aServed("hotfix") })];
    compute.getService = async () => shown.shift() ?? canary("running", 0);
    await inActivity(() => activities().setWeight(request()));
    expect(compute.applied).toHaveLength(1);
  });

  it("serves a version by the recipe that it was trained by, whatever the pipeline has chosen since", async () => {
    const claim = {
      jobName: "train",
      workflowId: "train",
      entrypoint: "x",
      recipe: { ...request().recipe, name: "earlier" },
    };
    store.write(objectKeys.trainingClaim("games", "games-9"), JSON.stringify(claim));
    await inActivity(() => activities().setWeight(request({ model: "games-9", champion: null })));
    expect(compute.applied[0]).toMatchObject({ importPath: "earlier.mjs:handler" });
  });
});

describe("awaitWeight", () => {
  const alone = aService({ primary: aServed("games-2") });
  const first = { champion: null, percent: 100, complete: true };
  const done = { percent: 100, complete: true };
  it.each<[string, ServiceStatus | null, Partial<WeightRequest>, FailureType | null]>([
    ["the canary serves its share", canary("running", 10), {}, null],
    ["the canary is up silently", canary("running", 0), { percent: 0 }, null],
    ["the canary has all traffic and is not to be completed", canary("running", 100), { percent: 100 }, null],
    ["the canary has another share", canary("running", 0), {}, "StillWaiting"],
    ["the canary starts", canary("starting", 10), {}, "StillWaiting"],
    ["the canary has all traffic and is to be completed", canary("running", 100), done, "StillWaiting"],
    ["the canary is unhealthy", canary("unhealthy", 10), {}, "ServiceFailed"],
    ["the canary failed", canary("failed", 10), {}, "ServiceFailed"],
    ["the model is the only version, as wanted", alone, done, null],
    ["the model is the only version although the champion should be there", alone, {}, "ServiceChanged"],
    ["the model is primary beside a version that goes", { ...alone, canary: aServed("games-1") }, done, "StillWaiting"],
    ["the first model serves alone", alone, first, null],
    ["the first model starts", aService({ primary: aServed("games-2", { state: "starting" }) }), first, "StillWaiting"],
    [
      "the first model is unhealthy",
      aService({ primary: aServed("games-2", { state: "unhealthy" }) }),
      first,
      "ServiceFailed",
    ],
    ["the champion itself serves alone", alone, { champion: "games-2", percent: 100 }, null],
  ])("when %s: %o %o fails with %s", async (_, service, overrides, type) => {
    compute.service = service;
    const wait = () => activities().awaitWeight(request(overrides));
    await (type === null ? expect(inActivity(wait)).resolves.toBeUndefined() : expectFailure(wait, type));
  });

  it.each([
    ["there is no service", null],
    ["the service is terminated", aService({ state: "terminated", primary: null })],
    ["the service serves others only", aService({ canary: aServed("games-9") })],
  ])("gives the service 15 s to show the model when %s, and then says that others changed it", async (_, service) => {
    compute.service = service;
    const wait = () => activities().awaitWeight(request());
    // By the server's clock, whatever the worker's says.
    const after = (ms: number) => ({ scheduledTimestampMs: 1000, currentAttemptScheduledTimestampMs: 1000 + ms });
    await expectFailure(wait, "StillWaiting", after(14_000));
    await expectFailure(wait, "ServiceChanged", after(16_000));
  });

  it("believes nothing that a service shows for a moment only", async () => {
    const shown = [canary("failed", 10), aService({ primary: aServed("games-2") }), canary("running", 10)];
    compute.getService = async () => shown.shift() ?? null;
    await expect(inActivity(() => activities().awaitWeight(request()))).resolves.toBeUndefined();
  });

  it("says why a version cannot serve", async () => {
    compute.service = canary("unhealthy", 10);
    expect(await expectFailure(() => activities().awaitWeight(request()), "ServiceFailed")).toBe(
      "games-2 is unhealthy: out of memory",
    );
  });
});
