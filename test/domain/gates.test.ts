import { describe, expect, it } from "vitest";
import {
  judgeGates as judgeEvidence,
  noGateEvidence,
  withLook,
  worstOf,
  type GateRules,
} from "../../src/domain/gates.ts";
import { gateEvidenceSchema, type GateEvidence } from "../../src/domain/looks-schema.ts";
import { rolloutPolicySchema, type GateVerdict, type Observation } from "../../src/domain/rollout-schema.ts";

type Answer = Observation["probes"][number]["challenger"];
const good: Answer = { latencyMs: 100, score: 1 };

function look(challenger: Answer, champion: Answer | null = good, feedback?: Observation["feedback"]): Observation {
  return {
    at: "2026-01-01T00:00:00Z",
    challengerPercent: 10,
    probes: Array.from({ length: 8 }, (_, index) => ({ id: `${index}`, challenger, champion })),
    feedback: feedback ?? { challenger: [], champion: [] },
    feedbackUpTo: null,
  };
}

const policy = (gates: object = {}, maxErrorRate = 0.02) => rolloutPolicySchema.parse({ gates, maxErrorRate });
const after = (seen: Observation[], given: GateRules): GateEvidence =>
  seen.reduce((evidence, look) => withLook(evidence, look, given), noGateEvidence());
const judgeGates = (seen: Observation[], given: GateRules): GateVerdict[] => judgeEvidence(after(seen, given), given);
const verdicts = (seen: Observation[], given = policy()): Record<string, GateVerdict["verdict"]> =>
  Object.fromEntries(judgeGates(seen, given).map(({ gate, verdict }) => [gate, verdict]));
const names = ["error rate", "p95 latency", "quality on probes", "users' feedback"];

describe("judgeGates", () => {
  it("lets a challenger pass that is as good", () => {
    expect(verdicts([look(good), look(good)])).toEqual(Object.fromEntries(names.map((name) => [name, "pass"])));
  });

  it.each([
    ["error rate", look({ latencyMs: null, score: null })],
    ["p95 latency", look({ latencyMs: 900, score: 1 })],
    ["quality on probes", look({ latencyMs: 100, score: 0 })],
    ["users' feedback", look(good, good, { challenger: Array(8).fill(0), champion: Array(9).fill(1) })],
  ])("fails the gate on %s alone within two looks at a challenger that lost all of it", (gate, bad) => {
    const found = verdicts([look(good), look(good), bad, bad]);
    expect(names.filter((name) => found[name] === "fail")).toEqual([gate]);
  });

  it("sees an outage that begins after hours of good answers in one look", () => {
    const hours = Array.from({ length: 240 }, () => look(good));
    expect(verdicts([...hours, look({ latencyMs: null, score: null })])["error rate"]).toBe("fail");
    expect(verdicts(hours)["error rate"]).toBe("pass");
  });

  it("does not take one opinion of the champion for many", () => {
    const mixed = Array.from({ length: 100 }, (_, index) => Number(index % 5 !== 0));
    const told = look(good, good, { challenger: mixed, champion: [1] });
    const said = judgeGates([told, told], policy()).at(-1);
    expect(said).toMatchObject({ verdict: "pass" });
    expect(said?.reason).toContain("over 2,");
  });

  it("compares what users say of one later with what they said of the other when nobody spoke of it before", () => {
    const of = (feedback: Observation["feedback"]) => look(good, good, feedback);
    const seen = [of({ challenger: [0.5], champion: [] }), of({ challenger: [], champion: [1] })];
    expect(judgeGates(seen, policy()).at(-1)?.reason).toContain("-50.0 points over 1");
  });

  it("does not send back for one failed probe question of hundreds", () => {
    const [first, ...others] = look(good).probes;
    const failing = {
      ...look(good),
      probes: first ? [{ ...first, challenger: { latencyMs: null, score: null } }, ...others] : [],
    };
    expect(verdicts([failing, ...Array.from({ length: 20 }, () => look(good))])["error rate"]).toBe("pass");
  });

  it("compares nothing where there is no champion beside it", () => {
    const said = judgeGates([look(good, null), look(good, null)], policy());
    expect(worstOf(said).verdict).toBe("pass");
    expect(said.find(({ gate }) => gate === "p95 latency")?.reason).toContain("nothing to compare yet");
  });

  it("holds at each share of the traffic until users of that share have said enough, and not again in its bake time", () => {
    const strict = policy({ feedback: { minExposure: 3 } });
    const told = (count: number, challengerPercent = 10): Observation => ({
      ...look(good, good, { challenger: Array(count).fill(1), champion: [1] }),
      challengerPercent,
    });
    const verdict = (seen: Observation[]) => verdicts(seen, strict)["users' feedback"];
    expect(verdict([told(2)])).toBe("hold");
    expect(verdict([told(2), told(1)])).toBe("pass");
    expect(verdict([told(3), told(2, 50)])).toBe("hold");
    expect(verdict([told(3), told(2, 50), told(1, 50), told(0, 50)])).toBe("pass");
    expect(judgeGates([told(3), told(2, 50)], strict).at(-1)?.reason).toBe(
      "users' feedback: 2 of the 3 opinions that are needed at 50 %",
    );
  });

  it("says the same of evidence that was kept as JSON half-way", () => {
    const seen = Array.from({ length: 60 }, (_, index) =>
      look({ latencyMs: 90 + ((index * 7) % 40), score: index % 3 === 0 ? 0.5 : 1 }, good, {
        challenger: index % 2 === 0 ? [0.4] : [],
        champion: index % 3 === 0 ? [0.6, 0.7] : [],
      }),
    );
    const kept = gateEvidenceSchema.parse(JSON.parse(JSON.stringify(after(seen.slice(0, 30), policy()))));
    const whole = seen.slice(30).reduce((evidence, look) => withLook(evidence, look, policy()), kept);
    expect(judgeEvidence(whole, policy())).toEqual(judgeGates(seen, policy()));
  });

  it("knows no more after 10,000 looks than after 100, also where nobody speaks of the champion", () => {
    const one = look(good, good, { challenger: [0.9], champion: [] });
    const sizeAfter = (looks: number): number => JSON.stringify(after(Array(looks).fill(one), policy())).length;
    expect(sizeAfter(10_000)).toBeLessThan(sizeAfter(100) + 10_000);
  });

  it("leaves out the gates that the policy turns off", () => {
    const off = policy({ latency: null, quality: null, feedback: null });
    expect(Object.keys(verdicts([look(good)], off))).toEqual(["error rate"]);
  });

  it("says the numbers", () => {
    const [errors] = judgeGates([look({ latencyMs: null, score: null })], policy({}, 0.1));
    expect(errors?.reason).toBe(
      "error rate: 8 of 8 probe questions got no answer, 10.0 % may (evidence over 10,000, 80 sends back)",
    );
    expect(judgeGates([look(good)], policy())[0]?.reason).toMatch(/ \(evidence 0\.\d, 80 sends back\)$/);
  });
});

describe("worstOf", () => {
  const said = (...kinds: GateVerdict["verdict"][]): GateVerdict[] =>
    kinds.map((verdict, index) => ({ gate: `${index}`, verdict, reason: `${verdict} ${index}` }));

  it.each([
    [said("pass", "hold", "fail"), { verdict: "fail", reasons: ["fail 2"] }],
    [said("pass", "hold", "hold"), { verdict: "hold", reasons: ["hold 1", "hold 2"] }],
    [said("pass"), { verdict: "pass", reasons: ["pass 0"] }],
  ])("takes the worst verdict with its reasons", (given, worst) => {
    expect(worstOf(given)).toEqual(worst);
  });
});
