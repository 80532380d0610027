import { beforeEach, describe, expect, it } from "vitest";
import { createJanitorActivities } from "../../activities/janitor.ts";
import { objectKeys } from "../../src/domain/object-keys.ts";
import { emptyRegistry } from "../../src/domain/registry.ts";
import { registrySchema, type Registry } from "../../src/domain/registry-schema.ts";
import type { Orphan } from "../../src/domain/janitor-schema.ts";
import type { ServiceStatus } from "../../src/compute-port.ts";
import type { WorkflowOutcome } from "../../src/ports.ts";
import { expectFailure, inActivity } from "../support/activity.ts";
import { aJobStatus, aServed, aService, FakeCompute, fakeWorkflows } from "../support/fake-ports.ts";
import { MemoryObjectStore } from "../support/memory-store.ts";

let store: MemoryObjectStore;
let compute: FakeCompute;
beforeEach(() => {
  store = new MemoryObjectStore();
  compute = new FakeCompute();
});

const training = "retrain/games/2/fine-tune";
const cycle = "retrain/games/2";
const longAgo = "2026-01-01T00:00:00.000Z";
const running: WorkflowOutcome = { status: "running" };
const ended: WorkflowOutcome = { status: "terminated" };

const activities = (workflows: Record<string, WorkflowOutcome>) =>
  createJanitorActivities({ store, compute, workflows: fakeWorkflows(workflows) });
const find = async (workflows: Record<string, WorkflowOutcome>, graceSeconds = 120): Promise<Orphan[]> =>
  (await inActivity(() => activities(workflows).findOrphans({ graceSeconds }))).orphans;

function claim(files: string[] = []): void {
  const claimed = { jobName: "retrain-games-2-fine-tune", workflowId: training, entrypoint: "node train.mjs spec" };
  store.write(objectKeys.trainingClaim("games", "games-2"), JSON.stringify(claimed));
  for (const file of files) store.write(`models/games/games-2/${file}`, "{}");
}

function register(overrides: Partial<Registry>): void {
  store.write(objectKeys.registry("games"), JSON.stringify({ ...emptyRegistry("games"), ...overrides }));
}
const challenger = (workflowId: string) => ({
  champion: "games-1",
  challenger: "games-2",
  history: [{ at: longAgo, alias: "challenger" as const, from: null, to: "games-2", workflowId, reason: "trained" }],
});

describe("findOrphans", () => {
  const job = (overrides = {}) =>
    aJobStatus({
      id: "job-1",
      name: "retrain-games-2-fine-tune",
      entrypoint: "node train.mjs spec",
      state: "running",
      createdAt: longAgo,
      ...overrides,
    });

  it.each<WorkflowOutcome>([ended, { status: "not-found" }, { status: "failed" }])(
    "finds the job of a training whose workflow is $status",
    async (outcome) => {
      claim(["spec.json"]);
      compute.jobs = [job()];
      const owner = { workflowId: training, status: outcome.status };
      expect(await find({ [training]: outcome })).toEqual([
        {
          kind: "job",
          id: "job-1",
          name: "retrain-games-2-fine-tune",
          pipeline: "games",
          model: "games-2",
          since: longAgo,
          owner,
        },
      ]);
    },
  );

  it.each<[string, object, string[], Record<string, WorkflowOutcome>]>([
    ["whose workflow lives", {}, [], { [training]: running }],
    ["that has ended", { state: "succeeded" }, [], { [training]: ended }],
    ["that is younger than the grace period", { createdAt: new Date().toISOString() }, [], { [training]: ended }],
    ["of somebody else under the same name", { entrypoint: "python train.py" }, [], { [training]: ended }],
    ["whose model is whole", {}, ["model.json"], { [training]: ended }],
  ])("leaves a job %s", async (_, overrides, files, workflows) => {
    claim(files);
    compute.jobs = [job(overrides)];
    expect(await find(workflows)).toEqual([]);
  });

  const beside = (percent = 0) => aService({ canary: aServed("games-2", { weightPercent: percent }) });

  it("finds a version beside the champion whose cycle has ended", async () => {
    register(challenger(`${cycle}/silent`));
    compute.service = beside(50);
    expect(await find({ [cycle]: ended })).toEqual([
      {
        kind: "version",
        service: "pipeline-games",
        version: "games-2",
        pipeline: "games",
        champion: "games-1",
        percent: 50,
        owner: { workflowId: cycle, status: "terminated" },
      },
    ]);
  });

  it("finds a version that never got an alias by the lock that its rollout has left", async () => {
    register({ champion: "games-1", lock: { workflowId: `${cycle}/silent`, runId: "run-1", acquiredAt: longAgo } });
    compute.service = beside();
    expect(await find({ [cycle]: ended, [`${cycle}/silent`]: ended })).toMatchObject([{ version: "games-2" }]);
  });

  it("finds the service of a first model whose cycle has ended before it was champion", async () => {
    register({ ...challenger(`${cycle}/silent`), champion: null });
    compute.service = aService({ primary: aServed("games-2") });
    expect(await find({ [cycle]: ended })).toMatchObject([{ kind: "service", version: "games-2" }]);
  });

  it.each<[string, Partial<Registry>, ServiceStatus, Record<string, WorkflowOutcome>]>([
    ["whose cycle lives", challenger(`${cycle}/silent`), beside(), { [cycle]: running }],
    [
      "whose rollout lives",
      { ...challenger(`${cycle}/silent`), lock: { workflowId: "by-hand", runId: "1", acquiredAt: longAgo } },
      beside(),
      { [cycle]: ended, "by-hand": running },
    ],
    ["that somebody brought up by hand", challenger("roll-out-1"), beside(), { [cycle]: ended }],
    [
      "that was champion once and that somebody brought back by hand",
      {
        champion: "games-3",
        history: [
          {
            at: longAgo,
            alias: "champion",
            from: null,
            to: "games-2",
            workflowId: `${cycle}/roll-out`,
            reason: "better",
          },
        ],
      },
      beside(),
      { [cycle]: ended },
    ],
    ["that is champion", { champion: "games-2" }, aService({ primary: aServed("games-2") }), { [cycle]: ended }],
    ["of a service that is terminated", { champion: null }, aService({ state: "terminated" }), { [cycle]: ended }],
  ])("leaves a version %s", async (_, registry, service, workflows) => {
    register(registry);
    compute.service = service;
    expect(await find(workflows)).toEqual([]);
  });
});

describe("findOrphans of pipelines that cannot be read", () => {
  it("says which, and goes on with the others", async () => {
    store.write(objectKeys.registry("damaged"), "{}");
    register(challenger(`${cycle}/silent`));
    compute.service = aService({ canary: aServed("games-2") });
    const found = await inActivity(() => activities({ [cycle]: ended }).findOrphans({ graceSeconds: 120 }));
    expect(found.orphans).toMatchObject([{ version: "games-2" }]);
    expect(found.unreadable).toEqual([
      { pipeline: "damaged", what: "the service of damaged", reason: expect.stringContaining("registry/damaged.json") },
    ]);
  });
});

describe("endOrphan", () => {
  const end = (orphan: Orphan, workflows: Record<string, WorkflowOutcome> = {}) =>
    inActivity(() => activities(workflows).endOrphan(orphan));
  const owner = { workflowId: cycle, status: "terminated" } as const;
  const left: Orphan = {
    kind: "job",
    id: "job-1",
    name: "n",
    pipeline: "games",
    model: "games-2",
    since: longAgo,
    owner,
  };
  const leftJob = () => {
    claim();
    compute.jobs = [
      aJobStatus({
        id: "job-1",
        name: "retrain-games-2-fine-tune",
        entrypoint: "node train.mjs spec",
        state: "running",
        createdAt: longAgo,
      }),
    ];
  };
  const version = {
    kind: "version",
    service: "pipeline-games",
    version: "games-2",
    pipeline: "games",
    champion: "games-1",
    percent: 0,
    owner,
  } as const;

  it("terminates a job", async () => {
    leftJob();
    expect(await end(left)).toEqual({ ended: true });
    expect(compute.orders).toEqual(["terminate job-1"]);
  });

  it("leaves a job that a cycle which was started again has found", async () => {
    leftJob();
    expect(await end(left, { [training]: running })).toEqual({ ended: false });
    expect(compute.orders).toEqual([]);
  });

  it("leaves a version whose rollout was started again", async () => {
    const lock = { workflowId: "by-hand", runId: "1", acquiredAt: longAgo };
    register({ ...challenger(`${cycle}/silent`), lock });
    compute.service = aService({ canary: aServed("games-2") });
    await end(version, { "by-hand": running });
    expect(compute.orders).toEqual([]);
  });

  it("leaves the service of a first model that has become champion", async () => {
    register({ champion: "games-2" });
    compute.service = aService({ primary: aServed("games-2") });
    await end({ kind: "service", service: "pipeline-games", version: "games-2", pipeline: "games", owner });
    expect(compute.orders).toEqual([]);
  });

  it("rolls a version back and takes its alias", async () => {
    register(challenger(`${cycle}/silent`));
    compute.service = aService({ canary: aServed("games-2") });
    await end(version);
    expect(compute.orders).toEqual(["roll back pipeline-games"]);
    const { challenger: now, history } = registrySchema.parse(JSON.parse(store.text(objectKeys.registry("games"))));
    expect(now).toBeNull();
    expect(history.at(-1)).toMatchObject({
      from: "games-2",
      to: null,
      reason: `the janitor: its cycle ${cycle} is terminated`,
    });
  });

  it("takes the alias of a version that an attempt before has ended without living to say so", async () => {
    register(challenger(`${cycle}/silent`));
    compute.service = aService({ primary: aServed("games-1") });
    const again = () => activities({ [cycle]: ended }).endOrphan(version);
    expect(await inActivity(again, { attempt: 2 })).toEqual({ ended: true });
    expect(compute.orders).toEqual([]);
    expect(registrySchema.parse(JSON.parse(store.text(objectKeys.registry("games")))).challenger).toBeNull();
  });

  it("leaves a version that somebody made champion meanwhile", async () => {
    compute.service = aService({ primary: aServed("games-2") });
    await end(version);
    expect(compute.orders).toEqual([]);
  });
});

describe("readPeople", () => {
  const read = () => inActivity(() => activities({}).readPeople({ pipeline: "games" }));

  it("answers whom the newest cycle tells, and nobody where there was none", async () => {
    expect(await read()).toEqual({ alerts: [] });
    const alerts = [{ kind: "slack" as const, webhookSecret: "SLACK_WEBHOOK_URL" }];
    register({ alerts });
    expect(await read()).toEqual({ alerts });
  });

  it("fails as InvalidData where the registry is damaged", async () => {
    store.write(objectKeys.registry("games"), "{}");
    await expectFailure(() => activities({}).readPeople({ pipeline: "games" }), "InvalidData");
  });
});
