import { beforeEach, describe, expect, it } from "vitest";
import type { LookRequest, LookResult } from "../../activities/rollout-interfaces.ts";
import { createLook } from "../../activities/looks.ts";
import { createMetricCatalog } from "../../src/adapters/metrics/catalog.ts";
import { createGateCatalog } from "../../src/adapters/own-gates.ts";
import { objectKeys } from "../../src/domain/object-keys.ts";
import { looksSchema, type Looks } from "../../src/domain/looks-schema.ts";
import { rolloutPolicySchema, type Observation } from "../../src/domain/rollout-schema.ts";
import { activityEnvironment, expectFailure, failureOf, inActivity } from "../support/activity.ts";
import { aRollOutInput, aTestRecord } from "../support/builders.ts";
import {
  aServed,
  aService,
  FakeCompute,
  fakeEndpoint,
  fakeRecipes,
  sha256,
  type Question,
} from "../support/fake-ports.ts";
import { MemoryObjectStore } from "../support/memory-store.ts";

let store: MemoryObjectStore;
let compute: FakeCompute;
const questions = Array.from({ length: 20 }, (_, index) => aTestRecord(`r${index}`));
const body = questions.map((question) => `${JSON.stringify(question)}\n`).join("");
const testSet = { key: "testsets/games/x.jsonl", sha256: sha256(body), records: 20 };
const vocabulary = "datasets/games/vocabularies/000001.json";
const record = objectKeys.looks("games", "games-2", "run-1");

beforeEach(() => {
  store = new MemoryObjectStore();
  store.write(testSet.key, body);
  store.write(vocabulary, JSON.stringify({ functions: [], attributeTypes: [] }));
  compute = new FakeCompute();
  compute.service = at(50);
});

function at(percent: number) {
  return aService({
    primary: aServed("games-1", { weightPercent: 100 - percent }),
    canary: aServed("games-2", { weightPercent: percent }),
  });
}

const right = ({ messages }: Question): string => `answer to ${messages[0]?.content.replace("question ", "")}`;
const ports = (answer: (question: Question) => string = right) => ({
  store,
  compute,
  recipes: fakeRecipes,
  endpoint: fakeEndpoint(answer),
  metrics: createMetricCatalog([]),
  gates: createGateCatalog([]),
});
const look = (given: ReturnType<typeof ports>, request: LookRequest): Promise<LookResult> => createLook(given)(request);
/** So many milliseconds after it was asked for, by a server whose clock is not the worker's. */
const after = (ms: number) => ({ scheduledTimestampMs: 1000, currentAttemptScheduledTimestampMs: 1000 + ms });

function aLook(overrides: Partial<LookRequest> = {}): LookRequest {
  return {
    ...aRollOutInput({ pipeline: "games", model: "games-2", target: "promoted" }),
    champion: "games-1",
    testSet,
    policy: rolloutPolicySchema.parse({ probeSeconds: 0.2 }),
    quality: { metrics: [{ pack: "exact-match", options: {} }], metric: "exact_match", vocabulary },
    percent: 50,
    runId: "run-1",
    startedAt: "2026-01-01T00:00:00.000Z",
    wait: 0,
    restMs: 0,
    newsMs: 0,
    atOnce: ["fail"],
    ...overrides,
  };
}

const kept = (): Looks => looksSchema.parse(JSON.parse(store.text(record)));
const seen = (): Observation[] => kept().newest;

describe("createLook", () => {
  it("asks both versions the same questions, others at each look, and keeps what it saw", async () => {
    const asked = ports();
    for (const _ of [1, 2, 3]) await inActivity(() => look(asked, aLook()));
    const versions = Object.groupBy(asked.endpoint.asked, ({ serviceVersion }) => serviceVersion ?? "");
    expect(Object.keys(versions).toSorted()).toEqual(["games-1", "games-2"]);
    const texts = (version: string) => versions[version]?.map(({ messages }) => messages[0]?.content);
    expect(texts("games-1")).toEqual(texts("games-2"));
    const all = questions.map(({ question }) => question[0]?.content);
    expect(new Set(texts("games-2")?.slice(0, all.length))).toEqual(new Set(all));
    expect(texts("games-2")?.slice(0, all.length)).not.toEqual(all);
    expect(seen().map(({ probes }) => probes.length)).toEqual([8, 8, 8]);
    expect(seen()[0]?.probes[0]).toMatchObject({
      id: expect.stringMatching(/^r/),
      challenger: { score: 1 },
      champion: { score: 1 },
    });
  });

  it("asks nothing of the set of old skills, which decided by a margin of its own", async () => {
    const old = Array.from({ length: 8 }, (_, index) => aTestRecord(`old-${index}`, { set: "retention" }));
    const mixed = [...old, ...questions].map((question) => `${JSON.stringify(question)}\n`).join("");
    store.write("testsets/games/mixed.jsonl", mixed);
    const set = { key: "testsets/games/mixed.jsonl", sha256: sha256(mixed), records: 28 };
    const asked = ports();
    for (const _ of [1, 2, 3]) await inActivity(() => look(asked, aLook({ testSet: set })));
    const texts = asked.endpoint.asked.map(({ messages }) => messages[0]?.content);
    expect(texts.filter((text) => text?.includes("old"))).toEqual([]);
  });

  const outage = ({ serviceVersion }: Question): string => {
    if (serviceVersion === "games-2") throw new Error("HTTP 500");
    return "answer";
  };

  it("waits for the next look until there is to be news, by the server's clock", async () => {
    const first = await failureOf(() => look(ports(), aLook({ newsMs: 300 })), after(0));
    expect(first).toMatchObject({
      type: "StillWaiting",
      message: "waiting for news, the gates say pass",
      nextRetryDelay: 200,
    });
    const second = await failureOf(() => look(ports(), aLook({ newsMs: 300 })), after(200));
    expect(second).toMatchObject({ type: "StillWaiting", nextRetryDelay: 100 });
    const news = await inActivity(() => look(ports(), aLook({ newsMs: 300 })), after(300));
    expect(news).toMatchObject({ verdict: "pass", looks: 3 });
  });

  it("answers before that when the verdict is news at once, and else not", async () => {
    const { gates, ...news } = await inActivity(() => look(ports(outage), aLook({ newsMs: 60_000 })));
    expect(news).toEqual({ percent: 50, verdict: "fail", looks: 1 });
    expect(gates.find((gate) => gate.verdict === "fail")?.reason).toContain("8 of 8 probe questions got no answer");
    const held = { ...aLook().policy, gates: { ...aLook().policy.gates, feedback: { margin: 0, minExposure: 1 } } };
    const request = aLook({ runId: "run-2", policy: held, newsMs: 60_000 });
    await expectFailure(() => look(ports(), { ...request, atOnce: ["pass", "fail"] }), "StillWaiting");
    store.write("feedback/games/2026-01-02.jsonl", '{"model":"games-2","score":1}');
    await expectFailure(() => look(ports(), request), "StillWaiting");
    const passing = await inActivity(() => look(ports(), { ...request, atOnce: ["pass", "fail"] }));
    expect(passing).toMatchObject({ verdict: "pass", looks: 3 });
  });

  it("does not look before its time, and asks nobody until then", async () => {
    const asked = ports();
    const early = await failureOf(() => look(asked, aLook({ restMs: 5000 })), after(0));
    expect(early).toMatchObject({ type: "StillWaiting", nextRetryDelay: 5000 });
    expect(asked.endpoint.asked).toEqual([]);
    await inActivity(() => look(asked, aLook({ restMs: 5000 })), after(5000));
    expect(seen()).toHaveLength(1);
  });

  it("counts the looks of each wait apart", async () => {
    const counts: number[] = [];
    for (const wait of [0, 0, 2, 0]) counts.push((await inActivity(() => look(ports(), aLook({ wait })))).looks);
    expect(counts).toEqual([1, 2, 1, 3]);
    expect(kept().counts).toEqual([3, 0, 1]);
  });

  it("keeps nothing of a look that an order has cancelled meanwhile", async () => {
    const environment = activityEnvironment();
    const cancelled = ports((question) => {
      environment.cancel();
      return right(question);
    });
    await expect(environment.run(() => look(cancelled, aLook()))).rejects.toThrow();
    expect(await store.get(record)).toBeNull();
  });

  it("counts an answer that is wrong against the one that the champion gave", async () => {
    const worse = (question: Question): string => (question.serviceVersion === "games-2" ? "no" : right(question));
    for (const _ of [1, 2]) await inActivity(() => look(ports(worse), aLook()));
    const { gates } = await inActivity(() => look(ports(worse), aLook()));
    expect(gates.find(({ gate }) => gate === "quality on probes")).toMatchObject({ verdict: "fail" });
  });

  it("reads what users said of either since the rollout began, each object once", async () => {
    const say = (name: string, lines: unknown[]): void => {
      store.write(`feedback/games/${name}.jsonl`, lines.map((line) => `${JSON.stringify(line)}\n`).join(""));
    };
    say("2025-12-31T23:59:59.000Z-early", [{ model: "games-2", score: 0 }]);
    say("2026-01-01T00:01:00.000Z-a", [
      { model: "games-2", score: 1 },
      { model: "games-1", score: 0.5 },
      { model: "games-0", score: 0 },
    ]);
    await inActivity(() => look(ports(), aLook()));
    store.write(
      "feedback/games/2026-01-01T00:02:00.000Z-b.jsonl",
      `not json\n{"model":"games-2","score":7}\n{"model":"games-2","score":0}\n`,
    );
    await inActivity(() => look(ports(), aLook()));
    expect(seen().map(({ feedback }) => feedback)).toEqual([
      { challenger: [1], champion: [0.5] },
      { challenger: [0], champion: [] },
    ]);
  });

  it.each([
    [
      "another version is there",
      aService({ canary: aServed("games-9") }),
      "shows games-1 at 100 % and games-9 at 100 %",
    ],
    ["the version has another share", at(30), "games-2 at 50 %"],
    ["the version is gone", aService(), "shows games-1"],
  ])("says that somebody else changed the service when %s, and asks nobody", async (_, service, said) => {
    compute.service = service;
    const asked = ports();
    const message = await expectFailure(() => look(asked, aLook()), "ServiceChanged");
    expect(message).toContain(said);
    expect(message).toContain("somebody else changed it");
    expect(asked.endpoint.asked).toEqual([]);
  });

  it.each([
    ["another share", at(30)],
    ["nothing", null],
    ["a version that failed", aService({ canary: aServed("games-2", { state: "failed", weightPercent: 50 }) })],
  ])("goes on when the service shows %s for a moment only", async (_, odd) => {
    const right = at(50);
    let reads = 0;
    compute.getService = async () => (reads++ < 3 ? odd : right);
    expect(await inActivity(() => look(ports(), aLook()))).toMatchObject({ percent: 50, verdict: "pass" });
    expect(reads).toBeGreaterThanOrEqual(4);
  });

  it("is cancelled while it reads an odd service again", async () => {
    compute.service = at(30);
    const environment = activityEnvironment();
    const policy = rolloutPolicySchema.parse({ probeSeconds: 3600 });
    const looking = environment.run(() => look(ports(), aLook({ policy })));
    environment.cancel();
    await expect(looking).rejects.toMatchObject({ name: "CancelledFailure" });
  });

  it("blames no version for questions that came when somebody else had replaced it", async () => {
    const replaced = ({ serviceVersion }: Question): string => {
      compute.service = aService({ canary: aServed("hotfix", { weightPercent: 20 }) });
      if (serviceVersion === "games-2") throw new Error("HTTP 404");
      return "answer";
    };
    await expectFailure(() => look(ports(replaced), aLook()), "ServiceChanged");
    expect(await store.get(record)).toBeNull();
  });

  it.each(["unknown", "updating", "starting"] as const)(
    "bears the state %s, for the version's own answers tell more",
    async (state) => {
      compute.service = aService({ state, canary: aServed("games-2", { state, weightPercent: 50 }) });
      expect(await inActivity(() => look(ports(), aLook()))).toMatchObject({ percent: 50, verdict: "pass" });
    },
  );

  it("says at once that the provider's own steps are over, and before only when there is news", async () => {
    compute.service = at(25);
    const request = aLook({ percent: null, newsMs: 60_000 });
    await expectFailure(() => look(ports(), request), "StillWaiting");
    compute.service = at(100);
    expect(await inActivity(() => look(ports(), request))).toMatchObject({ percent: 100, looks: 2 });
    expect(seen().map(({ challengerPercent }) => challengerPercent)).toEqual([25, 100]);
  });

  it("fails when the version cannot serve", async () => {
    compute.service = aService({ canary: aServed("games-2", { state: "unhealthy", weightPercent: 50 }) });
    await expectFailure(() => look(ports(), aLook()), "ServiceFailed");
  });
});
