import { beforeEach, describe, expect, it } from "vitest";
import type { ServedModel, WeightRequest } from "../../activities/rollout-interfaces.ts";
import { createRolloutActivities } from "../../activities/rollouts.ts";
import { createMetricCatalog } from "../../src/adapters/metrics/catalog.ts";
import { createGateCatalog } from "../../src/adapters/own-gates.ts";
import { TypedFailure } from "../../src/domain/failures.ts";
import { objectKeys } from "../../src/domain/object-keys.ts";
import { emptyRegistry } from "../../src/domain/registry.ts";
import { registrySchema, type Registry } from "../../src/domain/registry-schema.ts";
import type { ServiceStatus } from "../../src/compute-port.ts";
import type { WorkflowOutcome } from "../../src/ports.ts";
import { rollOutInputSchema } from "../../src/domain/workflow-input-schema.ts";
import { expectFailure, inActivity } from "../support/activity.ts";
import { aRollOutInput, aTestRecord } from "../support/builders.ts";
import {
  aServed,
  aService,
  FakeCompute,
  fakeEndpoint,
  fakeRecipes,
  fakeWorkflows,
  sha256,
  type Question,
} from "../support/fake-ports.ts";
import { MemoryObjectStore } from "../support/memory-store.ts";

let store: MemoryObjectStore;
let compute: FakeCompute;
beforeEach(() => {
  store = new MemoryObjectStore();
  compute = new FakeCompute();
});

const activities = (
  outside: { workflows?: Record<string, WorkflowOutcome>; answer?: (question: Question) => string } = {},
) =>
  createRolloutActivities({
    store,
    compute,
    recipes: fakeRecipes,
    metrics: createMetricCatalog([]),
    gates: createGateCatalog([]),
    endpoint: fakeEndpoint(outside.answer ?? (() => "answer")),
    workflows: fakeWorkflows(outside.workflows),
  });
const key = objectKeys.registry("games");
const aWeight: WeightRequest = {
  ...rollOutInputSchema.parse(aRollOutInput({ pipeline: "games", model: "games-2", target: "promoted" })),
  champion: "games-1",
  percent: 50,
  complete: false,
};
const registry = (): Registry => registrySchema.parse(JSON.parse(store.text(key)));
const setRegistry = (overrides: Partial<Registry>) =>
  store.write(key, JSON.stringify({ ...emptyRegistry("games"), ...overrides }));

const holder = { workflowId: "retrain/games/1/roll-out", runId: "run-1" };
const rival = { workflowId: "retrain/games/2/roll-out", runId: "run-2" };
const acquiredAt = "2026-01-01T00:00:00Z";

describe("createRolloutActivities", () => {
  describe("lockRollout", () => {
    const lock = (who = holder, workflows: Record<string, WorkflowOutcome> = {}) =>
      activities({ workflows }).lockRollout({ pipeline: "games", isBrief: false, ...who });

    it("takes a free lock, answers the aliases, and takes it again without writing", async () => {
      setRegistry({ champion: "games-1", challenger: "games-2" });
      expect(await inActivity(() => lock())).toEqual({ champion: "games-1", challenger: "games-2" });
      const written = store.text(key);
      expect(registry().lock).toMatchObject(holder);
      await inActivity(() => lock());
      expect(store.text(key)).toBe(written);
    });

    it("takes the lock of a pipeline that has no registry yet", async () => {
      expect(await inActivity(() => lock())).toEqual({ champion: null, challenger: null });
      expect(registry().lock).toMatchObject(holder);
    });

    it("is refused while another holder runs, and names it", async () => {
      setRegistry({ lock: { ...rival, acquiredAt } });
      const message = await expectFailure(
        () => lock(holder, { [rival.workflowId]: { status: "running" } }),
        "RolloutLocked",
      );
      expect(message).toContain(rival.workflowId);
      expect(registry().lock).toMatchObject(rival);
    });

    it("says what sends a rollout back that users meet", async () => {
      setRegistry({ lock: { ...rival, acquiredAt, isBrief: false } });
      const running = { [rival.workflowId]: { status: "running" } as const };
      const message = await expectFailure(() => lock(holder, running), "RolloutLocked");
      expect(message).toContain('tuneloop rollout rollback games --reason "why"');
      expect(message).toContain(`temporal workflow update execute -w ${rival.workflowId} --name rollBack --input '{`);
    });

    it("waits for a holder that is over soon, and takes the lock when it is", async () => {
      setRegistry({ lock: { ...rival, acquiredAt, isBrief: true } });
      const running = { [rival.workflowId]: { status: "running" } as const };
      expect(await inActivity(() => lock(holder, running))).toBeNull();
      const request = { pipeline: "games", ...holder, isBrief: true };
      await expectFailure(() => activities({ workflows: running }).awaitLock(request), "StillWaiting");
      expect(registry().lock).toMatchObject(rival);
      await inActivity(() => activities().awaitLock(request));
      expect(registry().lock).toMatchObject({ ...holder, isBrief: true });
    });

    it.each(["completed", "failed", "cancelled", "terminated", "not-found"] as const)(
      "takes over from a holder that is %s",
      async (status) => {
        setRegistry({ lock: { ...rival, acquiredAt } });
        await inActivity(() => lock(holder, { [rival.workflowId]: { status } }));
        expect(registry().lock).toMatchObject(holder);
      },
    );

    it("takes over from an earlier run of its own workflow without asking", async () => {
      setRegistry({ lock: { ...holder, runId: "run-0", acquiredAt } });
      await inActivity(() => lock(holder, { [holder.workflowId]: { status: "running" } }));
      expect(registry().lock?.runId).toBe("run-1");
    });

    it("is refused when a rival takes the ended holder's lock first", async () => {
      const ended = { workflowId: "retrain/games/0/roll-out", runId: "run-0" };
      setRegistry({ lock: { ...ended, acquiredAt } });
      store.hook = ({ method, when }) => {
        if (method !== "put" || when !== "before") return;
        store.hook = () => {};
        setRegistry({ lock: { ...rival, acquiredAt } });
      };
      await expectFailure(() => lock(holder, { [ended.workflowId]: { status: "completed" } }), "RolloutLocked");
      expect(registry().lock).toMatchObject(rival);
    });

    it("lets one of two win that want the free lock at the same time", async () => {
      const results = await Promise.allSettled([inActivity(() => lock(holder)), inActivity(() => lock(rival))]);
      expect(results.map(({ status }) => status).toSorted()).toEqual(["fulfilled", "rejected"]);
    });
  });

  describe("unlockRollout", () => {
    it("gives back its own lock and leaves another's alone", async () => {
      const unlock = (workflowId: string) =>
        inActivity(() => activities().unlockRollout({ pipeline: "games", workflowId }));
      setRegistry({ lock: { ...holder, acquiredAt } });
      await unlock(rival.workflowId);
      expect(registry().lock).toMatchObject(holder);
      await unlock(holder.workflowId);
      expect(registry().lock).toBeNull();
      await unlock(holder.workflowId);
    });
  });

  describe("moveAliases", () => {
    const move = { pipeline: "games", to: { champion: "games-2" }, workflowId: "w", reason: "better" };

    it("keeps what others write at the same time", async () => {
      setRegistry({ champion: "games-1" });
      store.hook = ({ method, when }) => {
        if (method !== "put" || when !== "before") return;
        store.hook = () => {};
        setRegistry({ champion: "games-1", lock: { ...holder, acquiredAt } });
      };
      await inActivity(() => activities().moveAliases(move));
      expect(registry()).toMatchObject({ champion: "games-2", lock: holder });
      expect(registry().history).toHaveLength(1);
    });

    it("moves once although the answer was lost", async () => {
      setRegistry({ champion: "games-1" });
      store.hook = ({ method, when }) => {
        if (method !== "put" || when !== "after") return;
        store.hook = () => {};
        throw new Error("connection reset");
      };
      await expect(inActivity(() => activities().moveAliases(move))).rejects.toThrow("connection reset");
      await inActivity(() => activities().moveAliases(move));
      expect(registry().history).toMatchObject([{ alias: "champion", from: "games-1", to: "games-2" }]);
    });

    it("gives up as Conflict when others are always quicker", async () => {
      let writes = 0;
      store.hook = ({ method, when }) => {
        if (method === "put" && when === "before") setRegistry({ champion: `games-${++writes + 10}` });
      };
      await expectFailure(() => activities().moveAliases(move), "Conflict");
    });

    it("refuses a registry that is not one, and leaves it as it is", async () => {
      store.write(key, "{}");
      expect(await expectFailure(() => activities().moveAliases(move), "InvalidData")).toContain(key);
      expect(store.text(key)).toBe("{}");
    });
  });

  describe("setWeight", () => {
    it("asks for nothing that is observed already", async () => {
      compute.service = aService({ canary: aServed("games-2", { weightPercent: 50 }) });
      expect(await inActivity(() => activities().setWeight(aWeight))).toEqual({ reached: true });
      expect(compute.applied).toEqual([]);
    });

    it("asks for the weight and reads it back", async () => {
      compute.service = aService({ canary: aServed("games-2", { weightPercent: 10 }) });
      expect(await inActivity(() => activities().setWeight(aWeight))).toEqual({ reached: false });
      expect(compute.applied).toMatchObject([{ version: "games-2", canaryPercent: 50, completeRollout: false }]);
    });

    it.each<[string, ServiceStatus | null, string]>([
      ["there is no service", null, "--to games-1 --reason"],
      ["somebody deployed another version", aService({ primary: aServed("games-9") }), "--to games-1 --replace-others"],
    ])("deploys nothing where the champion does not serve: %s", async (_, service, options) => {
      compute.service = service;
      const message = await expectFailure(() => activities().setWeight(aWeight), "ServiceChanged");
      expect(message).toContain(`tuneloop rollout rollback games ${options}`);
      expect(compute.applied).toEqual([]);
    });

    it("names the champion that comes back where those it came up beside have gone", async () => {
      compute.service = aService({ primary: aServed("hotfix-2") });
      const comeback = { ...aWeight, champion: "hotfix", comeback: { replaceOthers: true } };
      const message = await expectFailure(() => activities().setWeight(comeback), "ServiceChanged");
      expect(message).toContain("tuneloop rollout rollback games --to games-2 --replace-others");
      expect(compute.applied).toEqual([]);
    });

    it("rolls back what others have beside the version that is to serve alone, if it is to be replaced", async () => {
      compute.service = aService({ primary: aServed("games-2"), canary: aServed("hotfix", { weightPercent: 5 }) });
      const alone = { ...aWeight, champion: "games-2", percent: 100, complete: true };
      const back = { ...alone, comeback: { replaceOthers: false } };
      const message = await expectFailure(() => activities().setWeight(back), "ServiceChanged");
      expect(message).toContain("bring games-2 back in its place by tuneloop rollout rollback games --to games-2");
      expect(compute.orders).toEqual([]);
      await inActivity(() => activities().setWeight({ ...alone, comeback: { replaceOthers: true } }));
      expect(compute.orders).toEqual(["roll back pipeline-games"]);
      expect(compute.applied).toEqual([]);
    });

    it.each([
      ["beside the champion", aService({ canary: aServed("hotfix", { weightPercent: 5 }) })],
      ["in the place of a first model", aService({ primary: aServed("hotfix") })],
    ])("leaves alone what somebody else has brought up %s", async (_, service) => {
      compute.service = service;
      const champion = service.canary === null ? null : "games-1";
      const message = await expectFailure(() => activities().setWeight({ ...aWeight, champion }), "ServiceChanged");
      expect(message).toContain("hotfix, which games has not trained");
      expect(compute.applied).toEqual([]);
    });

    it("takes the place of a version of its own that a terminated rollout left behind", async () => {
      compute.service = aService({ canary: aServed("games-0", { weightPercent: 0 }) });
      const recipe = { name: "embedded", baseModel: null, hyperparameters: {} };
      const claim = { workflowId: "retrain/games/0/fine-tune", jobName: "train", entrypoint: "x", recipe };
      store.write(objectKeys.trainingClaim("games", "games-0"), JSON.stringify(claim));
      await inActivity(() => activities().setWeight(aWeight));
      expect(compute.applied).toMatchObject([{ version: "games-2" }]);
    });

    it("leaves the steps to the provider where no percent is asked for", async () => {
      compute.service = aService({ canary: aServed("games-2", { weightPercent: 0 }) });
      await inActivity(() => activities().setWeight({ ...aWeight, percent: null, complete: false }));
      expect(compute.applied).toMatchObject([{ canaryPercent: null, completeRollout: false }]);
    });

    it.each([null, "games-2"])("deploys the version alone when the champion is %s", async (champion) => {
      compute.service = null;
      await inActivity(() => activities().setWeight({ ...aWeight, champion, percent: 100, complete: true }));
      expect(compute.applied).toMatchObject([{ version: "games-2" }]);
    });
  });

  describe("takeDown and awaitDown", () => {
    const served: ServedModel = { pipeline: "games", model: "games-2", champion: "games-1" };
    it.each<[string, ServiceStatus | null, Partial<ServedModel>, string[]]>([
      [
        "rolls back a canary",
        aService({ canary: aServed("games-2", { weightPercent: 10 }) }),
        {},
        ["roll back pipeline-games"],
      ],
      ["does nothing when the model serves nothing", aService(), {}, []],
      ["does nothing when another canary is up", aService({ canary: aServed("games-9") }), {}, []],
      ["does nothing without a service", null, {}, []],
      [
        "does nothing when the service is terminated",
        aService({ state: "terminated", primary: aServed("games-2") }),
        {},
        [],
      ],
      [
        "ends the service of a first model",
        aService({ primary: aServed("games-2") }),
        { champion: null },
        ["terminate pipeline-games"],
      ],
    ])("%s", async (_, service, overrides, orders) => {
      compute.service = service;
      await inActivity(() => activities().takeDown({ ...aWeight, ...served, ...overrides }));
      expect(compute.orders).toEqual(orders);
    });

    it("deploys the champion again where the model serves alone", async () => {
      compute.service = aService({ primary: aServed("games-2") });
      await inActivity(() => activities().takeDown({ ...aWeight, ...served }));
      expect(compute.applied).toMatchObject([{ version: "games-1", canaryPercent: 100, completeRollout: true }]);
      expect(compute.orders).toEqual([]);
    });

    it("deploys nothing of others where a comeback serves alone", async () => {
      compute.service = aService({ primary: aServed("games-2") });
      const request = { ...aWeight, ...served, champion: "hotfix", comeback: { replaceOthers: true } };
      expect(await expectFailure(() => activities().takeDown(request), "ServiceChanged")).toContain("hotfix");
      expect(compute.applied).toEqual([]);
    });

    it.each<[string, ServiceStatus | null, string | null]>([
      ["there is no service", null, null],
      ["the service is terminated", aService({ state: "terminated", primary: aServed("games-2") }), null],
      ["only the champion serves", aService(), "games-1"],
      ["others serve", aService({ primary: aServed("other") }), "other"],
    ])("answers who serves when %s", async (_, service, serves) => {
      compute.service = service;
      expect(await inActivity(() => activities().awaitDown(served))).toEqual({ serves });
    });

    it.each<[string, ServiceStatus]>([
      ["the model is still the canary", aService({ canary: aServed("games-2", { weightPercent: 0 }) })],
      ["the model is still primary", aService({ primary: aServed("games-2"), state: "terminating" })],
      ["the champion has not all of the traffic yet", aService({ primary: aServed("games-1", { weightPercent: 50 }) })],
    ])("waits as long as %s", async (_, service) => {
      compute.service = service;
      await expectFailure(() => activities().awaitDown(served), "StillWaiting");
    });
  });

  describe("probe", () => {
    const questions = Array.from({ length: 20 }, (_, index) =>
      aTestRecord(`r${index}`, { question: [{ role: "user", content: `question ${index}` }] }),
    );
    const body = questions.map((question) => `${JSON.stringify(question)}\n`).join("");
    const testSet = { key: "testsets/games/x.jsonl", sha256: sha256(body), records: 20 };
    const probe = (answer: (question: Question) => string, maxErrorRate: number) => {
      store.write(testSet.key, body);
      compute.service = aService();
      const served = { pipeline: "games", model: "games-2", champion: "games-1", testSet, maxErrorRate };
      return activities({ answer }).probe(served);
    };
    const failing =
      (...bad: number[]) =>
      (question: Question) => {
        if (bad.some((index) => question.messages[0]?.content === `question ${index}`))
          throw new TypedFailure("Unavailable", "HTTP 503");
        return "answer";
      };

    it("asks the first 8 questions of the very version, with the service's token", async () => {
      const asked: Question[] = [];
      const answer = (question: Question) => {
        asked.push(question);
        return "answer";
      };
      expect(await inActivity(() => probe(answer, 0))).toEqual({ asked: 8, failed: 0 });
      expect(asked).toHaveLength(8);
      expect(asked[0]).toMatchObject({
        baseUrl: "http://games.test",
        token: "token",
        serviceVersion: "games-2",
        model: "games-2",
        messages: questions[0]?.question,
      });
    });

    it("bears as many failed answers as the policy says, and no more", async () => {
      expect(await inActivity(() => probe(failing(3), 0.125))).toEqual({ asked: 8, failed: 1 });
      const message = await expectFailure(() => probe(failing(3), 0.1), "ProbeFailed");
      expect(message).toBe("games-2: 1 of 8 probes failed: HTTP 503");
    });

    it("does not count an answer as failed that came on a later try", async () => {
      let tries = 0;
      const flaky = () => {
        if (++tries <= 2) throw new TypedFailure("Unavailable", "HTTP 503");
        return "answer";
      };
      expect(await inActivity(() => probe(flaky, 0))).toEqual({ asked: 8, failed: 0 });
    });
  });
});
