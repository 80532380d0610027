import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  endCycle,
  endUpdate,
  failuresIn,
  hearCycle,
  hearReading,
  hearUpdate,
  initialState,
  nextCycle,
  nextStep,
  noteSources,
  reject,
  takeOrder,
  viewOf,
  whyBadOrder,
} from "../../src/domain/pipeline.ts";
import { pipelineStateSchema, type PipelineState } from "../../src/domain/workflow-input-schema.ts";

const state = (overrides: Partial<PipelineState> = {}): PipelineState => ({ ...initialState(), ...overrides });
const external = (updateId: string): unknown => ({ updateId, dataset: "games" });
const committed = (version: number): unknown => ({ updateId: `v${version}`, dataset: "games", version });
const lastCycle = { workflowId: "retrain/games/3", datasetVersion: 3, repeat: 1, records: 300 };

describe("hearUpdate", () => {
  it.each<[unknown, string]>([
    [undefined, "the message must be an object"],
    [null, "the message must be an object"],
    ["games", "the message must be an object"],
    [7, "the message must be an object"],
    [[], "the message must be an object"],
    [[committed(1)], "the message must be an object"],
    [{}, "updateId: must be text of 1 to 200 characters"],
    [{ updateId: 7, dataset: "games" }, "updateId: must be text of 1 to 200 characters"],
    [{ updateId: "", dataset: "games" }, "updateId: must be text of 1 to 200 characters"],
    [{ updateId: "x".repeat(201), dataset: "games" }, "updateId: must be text of 1 to 200 characters"],
    [{ updateId: "a" }, "dataset: this pipeline is about games"],
    [{ updateId: "a", dataset: "music" }, "dataset: this pipeline is about games"],
    [{ updateId: "a", dataset: ["games"] }, "dataset: this pipeline is about games"],
    ...[0, -1, 1.5, Number.NaN, Infinity, 2 ** 53, "3", null, {}].map((version): [unknown, string] => [
      { updateId: "a", dataset: "games", version },
      "version: must be a whole number from 1",
    ]),
    ...[-1, 0.5, Number.NaN, "3", null].map((records): [unknown, string] => [
      { updateId: "a", dataset: "games", records },
      "records: must be a whole number from 0",
    ]),
  ])("rejects %j and says why", (message, reason) => {
    const heard = state();
    hearUpdate(heard, "games", message);
    expect(heard).toEqual(
      state({ signals: { applied: 0, duplicates: 0, rejected: 1 }, rejected: [`datasetUpdated: ${reason}`] }),
    );
  });

  it("remembers the newest version heard of, in whatever order they come", () => {
    const heard = state();
    for (const version of [2, 5, 3, 5]) hearUpdate(heard, "games", committed(version));
    expect(heard).toMatchObject({ heardVersion: 5, updateWanted: false, signals: { applied: 2, duplicates: 2 } });
  });

  it("wants one dataset update for external updates, each counted once by its id", () => {
    const heard = state();
    for (const id of ["a", "b", "a"]) hearUpdate(heard, "games", external(id));
    expect(heard).toMatchObject({ updateWanted: true, signals: { applied: 2, duplicates: 1, rejected: 0 } });
  });

  it("does not want another dataset update for a repeat that comes after it has begun", () => {
    const heard = state();
    hearUpdate(heard, "games", external("a"));
    heard.updateWanted = false;
    hearUpdate(heard, "games", external("a"));
    expect(heard.updateWanted).toBe(false);
  });

  it("remembers the last 4,096 ids, also when its state was carried over as JSON, and no more", () => {
    let heard = state();
    for (let id = 0; id < 4096; id++) hearUpdate(heard, "games", external(`update-${id}`));
    heard = pipelineStateSchema.parse(JSON.parse(JSON.stringify(heard)));
    for (const id of [0, 2048, 4095]) hearUpdate(heard, "games", external(`update-${id}`));
    expect(heard.signals).toEqual({ applied: 4096, duplicates: 3, rejected: 0 });
    hearUpdate(heard, "games", external("update-4096"));
    hearUpdate(heard, "games", external("update-1"));
    expect(heard.signals).toEqual({ applied: 4097, duplicates: 4, rejected: 0 });
    hearUpdate(heard, "games", external("update-0"));
    expect(heard.signals).toEqual({ applied: 4098, duplicates: 4, rejected: 0 });
    expect(heard.window).toHaveLength(4096);
    expect(JSON.stringify(heard).length).toBeLessThan(100_000);
  });

  it("counts every message as applied, duplicate or rejected, and throws at none", () => {
    const message = fc.oneof(
      fc.anything(),
      fc.record(
        {
          updateId: fc.oneof(fc.constantFrom("a", "b", "c"), fc.anything()),
          dataset: fc.constantFrom("games", "games", "music"),
          version: fc.oneof(fc.integer({ min: -1, max: 4 }), fc.anything()),
          records: fc.oneof(fc.integer({ min: -1, max: 4 }), fc.anything()),
        },
        { requiredKeys: ["dataset"] },
      ),
    );
    fc.assert(
      fc.property(fc.array(message, { maxLength: 60 }), (messages) => {
        const heard = state();
        for (const sent of messages) hearUpdate(heard, "games", sent);
        const { applied, duplicates, rejected } = heard.signals;
        expect(applied + duplicates + rejected).toBe(messages.length);
        expect(heard.rejected.length).toBe(Math.min(rejected, 20));
        expect(pipelineStateSchema.safeParse(heard).success).toBe(true);
      }),
      { numRuns: 300 },
    );
  });
});

describe("hearReading", () => {
  const reading = { sources: 3, read: 1, failed: 0, received: 40, perSource: {}, failedSources: {} };

  it("takes what the update that is running says, and shows it", () => {
    const running = state({ update: "pipeline/games/update-1" });
    hearReading(running, { update: "pipeline/games/update-1", reading });
    expect(running.reading).toEqual(reading);
    expect(viewOf(running, "games", 200).status).toBe(
      "Reading the sources (pipeline/games/update-1): 1 of 3 sources read; 40 items.",
    );
  });

  it.each([
    ["another update", { update: "pipeline/games/update-2", reading }],
    ["an update without a reading", { update: "pipeline/games/update-1" }],
    ["nothing", undefined],
    ["a list", [reading]],
  ])("shows nothing of %s", (_, message) => {
    const running = state({ update: "pipeline/games/update-1" });
    hearReading(running, message);
    expect(running).toEqual(state({ update: "pipeline/games/update-1" }));
  });

  it("takes nothing when no update is running", () => {
    const idle = state();
    hearReading(idle, { update: null, reading });
    hearReading(idle, { reading });
    expect(idle).toEqual(state());
  });
});

describe("endUpdate", () => {
  it("wants another update when sources have more than they could deliver in time", () => {
    const running = state({ update: "u", reading: null });
    endUpdate(running, { unfinished: ["slack"] });
    expect(running).toMatchObject({ update: null, reading: null, updateWanted: true });
  });

  it.each([{ unfinished: [] }, {}, null, "completed"])("wants none after %j", (result) => {
    const running = state({ update: "u" });
    endUpdate(running, result);
    expect(running).toEqual(state());
  });
});

describe("noteSources", () => {
  it("answers each failing source once, until it has been read again", () => {
    const running = state();
    const [slack, zendesk] = [{ slack: "Refused: no" }, { zendesk: "TooLate: no" }];
    expect(noteSources(running, slack)).toEqual(slack);
    expect(noteSources(running, { ...slack, ...zendesk })).toEqual(zendesk);
    expect(noteSources(running, { slack: "Unavailable: 503" })).toEqual({});
    expect(running.failedSources).toEqual({ slack: "Unavailable: 503" });
    expect(noteSources(running, {})).toEqual({});
    expect(noteSources(running, slack)).toEqual(slack);
  });

  it("reads them from an update's result, whatever else it says", () => {
    expect(failuresIn({ failedSources: { slack: "Refused: no", zendesk: 7 } })).toEqual({ slack: "Refused: no" });
    expect(failuresIn("completed")).toEqual({});
    expect(failuresIn(null)).toEqual({});
  });
});

describe("reject", () => {
  it("counts all and keeps the last 20 reasons, cut to 200 characters", () => {
    const heard = state();
    for (let index = 1; index <= 25; index++) reject(heard, `${index}${"x".repeat(500)}`);
    expect(heard.signals.rejected).toBe(25);
    expect(heard.rejected).toHaveLength(20);
    expect(heard.rejected.at(-1)).toBe(`25${"x".repeat(198)}`);
  });
});

describe("whyBadOrder", () => {
  it.each([
    [undefined, null],
    [null, null],
    [{}, null],
    [{ reason: "maintenance" }, null],
    [{ by: "ann" }, null],
    [{ by: 7 }, "by: must be text"],
    ["stop", 'the argument must be an object such as {"reason": "too many complaints", "by": "ann"}'],
    [[], 'the argument must be an object such as {"reason": "too many complaints", "by": "ann"}'],
    [{ reason: 7 }, "reason: must be text"],
    [{ reson: "typo" }, "reson: unknown field"],
  ])("says of %j: %s", (request, problem) => {
    expect(whyBadOrder(request)).toBe(problem);
  });
});

describe("takeOrder", () => {
  it("pauses with a reason, resumes without one, and numbers its receipts", () => {
    const ordered = state();
    expect(takeOrder(ordered, "pause", { reason: "maintenance", by: "ann" })).toEqual({
      accepted: true,
      orderId: "pause-1",
    });
    expect(ordered).toMatchObject({ paused: true, pauseReason: "maintenance", pausedBy: "ann" });
    expect(takeOrder(ordered, "resume", undefined)).toEqual({ accepted: true, orderId: "resume-2" });
    expect(ordered).toMatchObject({ paused: false, pauseReason: null, pausedBy: null });
  });

  it("reads the sources first when there is nothing to run a cycle on", () => {
    const [empty, filled] = [state(), state({ dataset: { version: 3, records: 300 } })];
    takeOrder(empty, "runNow", {});
    takeOrder(filled, "runNow", {});
    expect([empty.updateWanted, filled.updateWanted]).toEqual([true, false]);
    expect([empty.runNowWanted, filled.runNowWanted]).toEqual([true, true]);
  });
});

describe("nextStep", () => {
  const ready = { dataset: { version: 4, records: 500 }, heardVersion: 4, lastCycle };
  it.each<[string, Partial<PipelineState>, ReturnType<typeof nextStep>]>([
    ["nothing is known", {}, null],
    ["a version was heard of", { heardVersion: 1 }, "read-dataset"],
    ["a newer version was heard of than is known", { ...ready, heardVersion: 5 }, "read-dataset"],
    ["an external update came", { updateWanted: true }, "update-dataset"],
    ["an external update came while the sources are read", { updateWanted: true, update: "u" }, null],
    ["an external update came during a cycle", { ...ready, cycle: "c", updateWanted: true }, "update-dataset"],
    ["exactly enough new records are there", ready, "start-cycle"],
    ["one record is missing", { ...ready, dataset: { version: 4, records: 499 } }, null],
    ["enough records are there and no cycle has ever been", { ...ready, lastCycle: null }, "start-cycle"],
    ["enough new records are there while a cycle runs", { ...ready, cycle: "c" }, null],
    ["enough new records are there while it is paused", { ...ready, paused: true }, null],
    ["it is paused and told to run now", { ...ready, paused: true, runNowWanted: true }, "start-cycle"],
    [
      "it is told to run now with too few records",
      { ...ready, lastCycle: { ...lastCycle, records: 500 }, runNowWanted: true },
      "start-cycle",
    ],
    ["it is told to run now without any dataset version", { runNowWanted: true }, null],
    ["it is told to run now while a cycle runs", { ...ready, cycle: "c", runNowWanted: true }, null],
    ["a version is to be read and an update wanted", { heardVersion: 1, updateWanted: true }, "read-dataset"],
  ])("when %s: %o", (_, overrides, step) => {
    expect(nextStep(state(overrides), 200)).toBe(step);
  });
});

describe("nextCycle", () => {
  it("takes the newest version, and numbers a repeat of the version that had one", () => {
    const dataset = { version: 3, records: 400 };
    expect(nextCycle(state({ dataset }))).toEqual({ datasetVersion: 3, repeat: 1, records: 400 });
    expect(nextCycle(state({ dataset, lastCycle }))).toEqual({ datasetVersion: 3, repeat: 2, records: 400 });
    const newer = state({ dataset: { version: 4, records: 400 }, lastCycle: { ...lastCycle, repeat: 5 } });
    expect(nextCycle(newer)).toEqual({ datasetVersion: 4, repeat: 1, records: 400 });
  });
});

describe("viewOf", () => {
  const known = { dataset: { version: 4, records: 350 }, lastCycle };
  it.each<[Partial<PipelineState>, string]>([
    [{}, "Waiting for 200 more new records: 0 of 200 are there."],
    [known, "Waiting for 150 more new records: 50 of 200 are there."],
    [{ ...known, update: "pipeline/games/update-1" }, "Reading the sources (pipeline/games/update-1)."],
    [{ ...known, paused: true, pauseReason: "holidays" }, "Paused: holidays. Resume with the update resume."],
    [{ ...known, paused: true, pausedBy: "ann" }, "Paused by ann. Resume with the update resume."],
    [{ ...known, paused: true }, "Paused. Resume with the update resume."],
    [{ ...known, paused: true, cycle: "retrain/games/4" }, "Cycle retrain/games/4 is running."],
  ])("of %j says: %s", (overrides, status) => {
    expect(viewOf(state(overrides), "games", 200).status).toBe(status);
  });

  it("leaves out the remembered ids and adds what people count in", () => {
    const view = viewOf(state({ ...known, window: ["abc"] }), "games", 200);
    expect(view).toMatchObject({ name: "games", newRecords: 50, minNewRecords: 200 });
    expect(view).not.toHaveProperty("window");
  });
});

const cycle = "retrain/games/4";
const approval = {
  cycle: "games-4",
  workflowId: cycle,
  until: "2026-01-02T00:00:00.000Z",
  onDeadline: "keep",
  answer: null,
} as const;
const decision = { id: "games-4", outcome: "promote" } as const;

describe("hearCycle", () => {
  it("takes what the running cycle has decided and waits for, and says so", () => {
    const heard = state({ cycle });
    hearCycle(heard, { cycle, decision, approval });
    expect(heard).toMatchObject({ lastDecision: decision, approval });
    expect(viewOf(heard, "games", 100).status).toBe(
      "games-4 has won and waits for the updates approve or reject until 2026-01-02T00:00:00.000Z; then the champion stays.",
    );
    const answer = { answer: "approved", by: "ana", reason: "<b>yes</b>", at: "2026-01-01T00:00:00.000Z" } as const;
    heard.approval = { ...approval, answer };
    expect(viewOf(heard, "games", 100).status).toBe("games-4 has its answer: approved.");
    hearCycle(heard, { cycle, decision, approval: null });
    expect(heard.approval).toBeNull();
    expect(pipelineStateSchema.parse(heard)).toEqual(heard);
  });

  it.each([null, "games-4", { cycle: "retrain/games/3", decision, approval }, { decision, approval }])(
    "passes over %j",
    (message) => {
      const heard = state({ cycle, approval, lastDecision: decision });
      hearCycle(heard, message);
      expect(heard).toEqual(state({ cycle, approval, lastDecision: decision }));
    },
  );

  it("passes over everything when no cycle runs", () => {
    const heard = state();
    hearCycle(heard, { cycle: null, decision, approval });
    expect(heard).toEqual(state());
  });

  it("keeps the decision that it knows when it hears of none that it understands", () => {
    const heard = state({ cycle, lastDecision: decision });
    hearCycle(heard, { cycle, decision: { id: "games-4", outcome: "explode" }, approval: 5 });
    expect(heard).toEqual(state({ cycle, lastDecision: decision }));
  });
});

describe("endCycle", () => {
  it("notes how it ended, what was decided, and that storage knows more", () => {
    const ended = state({ cycle, approval });
    endCycle(ended, { outcome: "kept", cycle: "games-4", decision: { outcome: "promote", key: "k" } }, null);
    expect(ended).toEqual(state({ isStale: true, lastOutcome: `${cycle}: kept`, lastDecision: decision }));
  });

  it("notes a failure, and keeps the decision that it has heard of", () => {
    const ended = state({ cycle, lastDecision: decision });
    endCycle(ended, null, "ServiceFailed: gone");
    expect(ended).toMatchObject({ lastOutcome: `${cycle}: ServiceFailed: gone`, lastDecision: decision, cycle: null });
  });
});
