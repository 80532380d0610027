import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createApprovalActivities } from "../../activities/approvals.ts";
import type { DecidedCycle } from "../../activities/comparison-interfaces.ts";
import type { ApprovalAnswer } from "../../src/domain/approval-schema.ts";
import { describeDecisions } from "../../src/cli/decision-list.ts";
import { checkReference, findDecision } from "../../src/cli/decision-reference.ts";
import { describeDecision } from "../../src/cli/decision-show.ts";
import { describeCheck } from "../../src/cli/decision-verify.ts";
import { createMetricCatalog } from "../../src/adapters/metrics/catalog.ts";
import { listDecisions } from "../../src/decision/records.ts";
import { verifyDecision, type DecisionCheck } from "../../src/decision/verify.ts";
import { objectKeys } from "../../src/domain/object-keys.ts";
import { describeExplanation } from "../../src/cli/explain.ts";
import { UsageError } from "../../src/cli/usage-error.ts";
import { inActivity } from "../support/activity.ts";
import { startTestBucket, type TestBucket, type TestPrefix } from "../support/bucket.ts";
import {
  decide,
  right,
  rightOn,
  storeAsked,
  wrong,
  type AskedCycle,
  type CycleToDecide,
} from "../support/decisions.ts";

const metrics = createMetricCatalog([]);
let bucket: TestBucket;
let place: TestPrefix;
beforeAll(async () => {
  bucket = await startTestBucket();
}, 120_000);
beforeEach(() => {
  place = bucket.prefix();
});
afterAll(() => bucket.stop());

const promoted: AskedCycle = { champion: rightOn(240), challenger: rightOn(360) };
/** Both right on as many questions, a quarter of them others. */
const undecided: AskedCycle = { champion: rightOn(300), challenger: (index) => (index % 4 === 1 ? wrong : right) };
const approval = { deadlineSeconds: 60, onDeadline: "keep" as const };

async function decideAsked(
  asked: AskedCycle,
  policy: object = {},
): Promise<{ request: CycleToDecide; decided: DecidedCycle }> {
  const stored = await storeAsked(place.store, asked);
  const request = { ...stored, policy: { ...stored.policy, ...policy } };
  return { request, decided: await decide(place.store, request) };
}

async function answer(decided: DecidedCycle, given: ApprovalAnswer, outcome: "promote" | "keep"): Promise<void> {
  const activities = createApprovalActivities({ store: place.store });
  const by = given === "deadline" ? null : "ana";
  const said = { answer: given, by, reason: "looks right", at: "2026-01-01T00:00:00.000Z", outcome };
  await inActivity(() =>
    activities.recordApproval({ pipeline: "games", cycle: "games-2", decision: decided, ...said }),
  );
}

/** Puts another text in place of one in an object. */
async function tamper(key: string, change: (text: string) => string): Promise<void> {
  const object = await place.store.get(key);
  const before = object?.body.toString("utf8") ?? "";
  const after = change(before);
  if (after === before) throw new Error(`${key} is as it was`);
  await place.store.put(key, after);
}

const shard = ({ arms }: CycleToDecide, arm: number, number: number): string =>
  objectKeys.predictions(arms[arm]?.evaluation?.key ?? "", number);

const verify = (id = "games-2"): Promise<DecisionCheck> => verifyDecision({ store: place.store, metrics }, id);

/** Places that differ, as a person is told them. */
async function expectDifferences(...places: string[]): Promise<void> {
  const check = await verify();
  const found = check.differences.map(({ at }) => at);
  for (const at of places) expect(found).toContain(at);
  expect(describeCheck(check, 60)).toMatch(/^games-2 is not equal: /);
}

describe("verifyDecision", () => {
  it.each<[string, AskedCycle, object, string]>([
    ["promoted", promoted, {}, "promote"],
    ["was kept", { champion: rightOn(360), challenger: rightOn(240) }, {}, "keep"],
    ["could not be told", undecided, {}, "inconclusive"],
    ["made the first champion", { challenger: rightOn(360) }, {}, "promote"],
    [
      "left questions without an answer",
      { champion: (index) => (index % 40 === 0 ? null : right), challenger: rightOn(380) },
      {},
      "keep",
    ],
  ])("says equal of a decision that %s", async (_, asked, policy, outcome) => {
    const { decided } = await decideAsked(asked, policy);
    expect(decided.outcome).toBe(outcome);
    const check = await verify();
    expect(check.differences).toEqual([]);
    expect(describeCheck(check, 60)).toMatch(/^games-2 is equal: \d+ objects, \d+ comparisons\n$/);
  });

  it("names an answer's object that was changed, and every number that is another by it", async () => {
    const { request } = await decideAsked(promoted);
    const key = shard(request, 0, 1);
    await tamper(key, (text) => text.replaceAll(`"answer":"${right}"`, '"answer":"request(name[Portal])"'));
    await expectDifferences(key, "comparisons: accuracy_output_fn on test: challengerRight", "decision: reasons: 1");
  });

  it("names the outcome when the answers say another one now", async () => {
    const { request } = await decideAsked(promoted);
    for (const part of [0, 1]) await tamper(shard(request, 0, part), (text) => text.replaceAll(right, "nothing()"));
    await expectDifferences("decision: outcome");
  });

  it("names a prediction that was taken out, by the counts of answers too", async () => {
    const { request } = await decideAsked(promoted);
    await tamper(shard(request, 1, 0), (text) => text.slice(text.indexOf("\n") + 1));
    await expectDifferences("answers: champion: answers: asked", "comparisons: accuracy_output_fn on test: total");
  });

  it("names each object that is missing, and that the decision cannot be made again", async () => {
    const { request } = await decideAsked(promoted);
    await place.remove(shard(request, 0, 0));
    await place.remove(objectKeys.modelManifest("games", "games-1"));
    await expectDifferences(shard(request, 0, 0), "models/games/games-1/model.json", "the decision");
  });

  it("names test set, vocabulary and models that are others now", async () => {
    const { request } = await decideAsked(promoted);
    await tamper(request.testSet.key, (text) => `${text} `);
    await tamper(request.vocabulary, (text) => text.replace("inform", "tell"));
    await tamper(objectKeys.modelManifest("games", "games-2"), (text) => `${text} `);
    await expectDifferences(request.testSet.key, request.vocabulary, "models/games/games-2/model.json", "the decision");
  });

  it("finds out a record whose outcome was changed", async () => {
    const { decided } = await decideAsked({ champion: rightOn(360), challenger: rightOn(240) });
    await tamper(decided.key, (text) => text.replace('"outcome": "keep"', '"outcome": "promote"'));
    await expectDifferences("decision: outcome");
  });

  it("finds out a record whose numbers or hashes were changed", async () => {
    const { decided, request } = await decideAsked(promoted);
    await tamper(decided.key, (text) =>
      text
        .replace('"gained": 120', '"gained": 121')
        .replace(`"sha256": "${request.testSet.sha256}"`, `"sha256": "${"0".repeat(64)}"`),
    );
    await expectDifferences(request.testSet.key, "the decision");
  });

  it("finds out a record whose policy was changed so that all fits, by what approved or reported the one before", async () => {
    const { decided } = await decideAsked(promoted, { approval });
    await answer(decided, "approved", "promote");
    const report = JSON.stringify({ decision: { sha256: decided.sha256 } });
    await place.store.put(objectKeys.reportJson("games-2"), report);
    expect(await verify()).toMatchObject({ differences: [] });
    await tamper(decided.key, (text) => text.replace('"floor": 0.4', '"floor": 0.1'));
    await expectDifferences("decisions/games-2.json, by its approval", "decisions/games-2.json, by its report");
  });

  it.each([
    ["is no JSON", "{"],
    ["has another shape", '{"format":1}'],
  ])("says so of a record that %s", async (_, text) => {
    await place.store.put("decisions/games-2.json", text);
    await expectDifferences("decisions/games-2.json");
  });
});

/** A command takes a second, and many of them where the machine is busy. */
const aCommand = 120_000;

describe("tuneloop decision verify", () => {
  it(
    "checks all decisions of the bucket, and fails when one of them is not equal",
    async () => {
      await decideAsked(promoted);
      const { decided } = await decideAsked({ ...promoted, cycle: "games-3.2" });
      await tamper(decided.key, (text) => text.replace('"gained": 120', '"gained": 119'));
      const { code, stdout } = await place.tuneloop("decision", "verify", "--all", "--json");
      expect(code).toBe(1);
      const { ok, decisions } = JSON.parse(stdout);
      expect([ok, decisions[0]]).toEqual([false, expect.objectContaining({ id: "games-2", differences: [] })]);
      const at = "comparisons: accuracy_output_fn on test: gained";
      expect(decisions[1]).toMatchObject({ id: "games-3.2", differences: [{ at, recorded: "119", found: "120" }] });
    },
    aCommand,
  );

  it(
    "says which decisions there are when there is no such one, and fails",
    async () => {
      await decideAsked(promoted);
      const unknown = await place.tuneloop("decision", "verify", "games-3");
      expect(unknown).toMatchObject({ code: 1, stderr: expect.stringContaining("did you mean games-2") });
    },
    aCommand,
  );
});

describe("checkReference", () => {
  it.each(["games-12", "games-12.2", "games", "a-1-b"])("takes %s", (text) => {
    expect(checkReference(text)).toBe(text);
  });

  it.each(["", "Games", "../x", "games-12.json", "games@12"])("refuses %j", (text) => {
    expect(() => checkReference(text)).toThrow(UsageError);
  });
});

describe("describeDecisions", () => {
  it("lists the decisions of a pipeline, with what came of them, and what cannot be read", async () => {
    await decideAsked(promoted, { approval });
    await place.store.put("decisions/games-7.json", "{");
    await decideAsked({ ...promoted, cycle: "games-two-1", overrides: { pipeline: "games-two" } });
    const { decisions, unreadable } = await listDecisions(place.store, "games");
    const lines = describeDecisions(decisions, unreadable, { width: 100, where: "s3://" }).split("\n");
    expect(lines[1]).toMatch(/^ {2}games-2 {3}promote, approval wanted {2}games-2 against games-1 {2}\d{4}-/);
    expect(lines[2]).toBe("games-7 cannot be read: decisions/games-7.json: not JSON");
    const all = await listDecisions(place.store, null);
    expect(all.decisions.map(({ record }) => record.cycle)).toEqual(["games-two-1", "games-2"]);
  });

  it("says that there is none yet", () => {
    expect(describeDecisions([], [], { width: 60, where: "s3://b/" })).toBe("There is no decision in s3://b/ yet.\n");
  });
});

/** Every line of what a person reads fits. */
function expectToFit(text: string, width: number): void {
  const commands = text.split("\n").filter((line) => !/^ {4}(tuneloop|temporal) /.test(line));
  for (const line of commands) expect(line.length, line).toBeLessThanOrEqual(width);
}

describe("describeDecision", () => {
  it.each([60, 120])("shows numbers, policy and reasons in %i columns", async (width) => {
    await decideAsked(promoted);
    const text = describeDecision(await findDecision(place.store, "games"), "s3://b/decisions/games-2.json", width);
    expectToFit(text, width);
    expect(text).toContain("What it was decided by");
    expect(text.replaceAll(/\s+/g, " ")).toMatch(/accuracy_output_fn .*60\.0 % .*90\.0 % .*\+30\.0 points/);
    expect(text).toContain("tuneloop 1.2.3, abababababab");
  });

  it("says which checkpoint answers for a model, as the explanation does", async () => {
    const { decided } = await decideAsked(promoted);
    const chosen = { name: "step-8", step: 8, metric: "accuracy_output_fn", value: 0.934, candidates: 4 };
    const checkpoint = JSON.stringify({ key: "choice.json", sha256: "a".repeat(64), chosen });
    await tamper(decided.key, (text) => text.replace('"checkpoint": null', `"checkpoint": ${checkpoint}`));
    const decision = await findDecision(place.store, "games-2");
    const said =
      "Checkpoint step-8 (step 8 of the training) answers for games-2: 93.4 % by accuracy_output_fn on the validation split, the best of 4 models.";
    expect(describeDecision(decision, "key", 300)).toContain(said);
    expect(describeExplanation({ ...decision, championNow: null }, 2000)).toContain(said);
  });

  it("shows of a guard the interval that its reason speaks of", async () => {
    await decideAsked(undecided, { guards: [{ metric: "accuracy_attr_types", margin: 0.001, on: "test" }] });
    const text = describeDecision(await findDecision(place.store, "games-2"), "key", 300);
    const told = /accuracy_attr_types: .* difference (.* to .*) points with 90 %/.exec(text)?.[1] ?? "no reason";
    const line = text.split("\n").find((row) => /^ *accuracy_attr_types /.test(row));
    expect(line).toContain(`${told} points at 90 %`);
    expect(text.split("\n").find((row) => /^ *accuracy_output_fn /.test(row))).toContain(" points at 95 %");
  });
});

describe("describeExplanation", () => {
  const explain = async (width = 60, championNow: string | null = "games-1"): Promise<string> => {
    const text = describeExplanation({ ...(await findDecision(place.store, "games-2")), championNow }, width);
    expectToFit(text, width);
    return text;
  };
  const flat = (text: string): string => text.replaceAll(/\s+/g, " ");

  it("says of a decision that waits what to do, with commands", async () => {
    await decideAsked(promoted, { approval });
    const text = flat(await explain());
    expect(text).toMatch(
      /^games-2 beats games-1, and waits for somebody to agree or for the deadline\. Champion now: games-1\./,
    );
    expect(text).toContain('tuneloop approve games --cycle games-2 --reason "..."');
    expect(text).toContain("tuneloop decision verify games-2");
    // The cycle has not ended, so it has no report yet.
    expect(text).not.toContain("tuneloop report");
  });

  it("says who rejected, and why", async () => {
    const { decided } = await decideAsked(promoted, { approval });
    await answer(decided, "rejected", "keep");
    const text = flat(await explain());
    expect(text).toContain("It was not rolled out: games-1 stays champion.");
    expect(text).toContain("Rejected by ana: looks right.");
    expect(text).not.toContain("tuneloop approve");
    expect(text).toContain("tuneloop report games-2 --open");
  });

  it("says of what cannot be told what would tell", async () => {
    await decideAsked(undecided);
    const text = flat(await explain(100));
    expect(text).toMatch(/^Whether games-2 is good enough cannot be told/);
    expect(text).toContain("What would change it");
    expect(text).toContain("temporal workflow update execute --workflow-id pipeline/games --name runNow");
  });

  it("says of a first model that is too bad what it must be above", async () => {
    await decideAsked({ challenger: rightOn(40) });
    const text = flat(await explain(60, null));
    expect(text).toContain("there was no champion, and there is none by this. Champion now: none.");
    expect(text).toContain("must be above 40.0 % with 95 % confidence");
  });

  it("says of a model that could not be asked why", async () => {
    const { arms, ...request } = await storeAsked(place.store, promoted);
    const down = { evaluation: null, failure: "ServiceFailed: not up" };
    await decide(place.store, {
      ...request,
      arms: arms.map((arm) => (arm.name === "champion" ? { ...arm, ...down } : arm)),
    });
    expect(flat(await explain())).toContain("the champion games-1 (could not be asked)");
  });
});
