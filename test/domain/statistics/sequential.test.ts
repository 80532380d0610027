import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Evidence } from "../../../src/domain/looks-schema.ts";
import { evidenceAgainst, isAlarm, noEvidence, withObservation } from "../../../src/domain/statistics/sequential.ts";
import { seededRandom } from "../../../src/recipes/embedded/random.ts";

const after = (differences: readonly number[], margin = 0): Evidence =>
  differences.reduce((evidence, difference) => withObservation(evidence, difference, { margin }), noEvidence());

describe("evidenceAgainst", () => {
  it("is 1 before anything was seen", () => {
    expect(evidenceAgainst(noEvidence())).toBeCloseTo(1, 12);
  });

  it("neither grows nor shrinks on average by a round in which both arms are equal", () => {
    const so = after([-1, 0, 1, -1]);
    const next = [-1, 0, 1].map((difference) => evidenceAgainst(withObservation(so, difference)));
    expect(next.reduce((sum, value) => sum + value, 0) / 3).toBeCloseTo(evidenceAgainst(so), 9);
  });

  it("grows by a loss that comes after a long good time nearly as soon as by one that comes first", () => {
    const bounds = { margin: 0.02, highest: 0 };
    let evidence = noEvidence();
    for (let count = 0; count < 2000; count++) evidence = withObservation(evidence, 0, bounds);
    for (let count = 0; count < 8; count++) evidence = withObservation(evidence, -1, bounds);
    expect(evidenceAgainst(evidence)).toBeGreaterThan(80);
  });

  it("never goes bankrupt, whatever comes and whatever is allowed", () => {
    const differences = fc.array(fc.double({ min: -1, max: 1, noNaN: true }), { maxLength: 300 });
    fc.assert(
      fc.property(differences, fc.double({ min: 0, max: 0.99, noNaN: true }), (seen, margin) => {
        const evidence = evidenceAgainst(after(seen, margin));
        expect(Number.isFinite(evidence) && evidence >= 0).toBe(true);
      }),
    );
  });

  it("is no larger with a margin than without", () => {
    const losses = [-1, 0, -1, 0, 0, -1, 0, -1];
    expect(evidenceAgainst(after(losses, 0.2))).toBeLessThan(evidenceAgainst(after(losses)));
  });
});

describe("isAlarm", () => {
  it("is raised by the tenth failure in a row, and by none of a sure gain", () => {
    const alarms = (difference: number): boolean => isAlarm(after(Array<number>(10).fill(difference)), 0.05);
    expect([alarms(-1), alarms(1), alarms(0)]).toEqual([true, false, false]);
  });

  it("is raised in at most alpha of the rollouts in which both arms are equal, looked at after every answer", () => {
    const random = seededRandom(11);
    const alarmed = Array.from({ length: 400 }, () => {
      let evidence = noEvidence();
      for (let count = 0; count < 500; count++) {
        evidence = withObservation(evidence, Number(random() < 0.7) - Number(random() < 0.7));
        if (isAlarm(evidence, 0.1)) return true;
      }
      return false;
    }).filter(Boolean).length;
    // 40 expected at the most; 60 would be 3.3 standard deviations more.
    expect(alarmed).toBeLessThan(60);
    expect(alarmed).toBeGreaterThan(0);
  });

  it("is raised in at most alpha of the rollouts with as many failures as may be, where none can be made up for", () => {
    const random = seededRandom(12);
    const alarmed = Array.from({ length: 400 }, () => {
      let evidence = noEvidence();
      for (let count = 0; count < 500; count++) {
        evidence = withObservation(evidence, random() < 0.05 ? -1 : 0, { margin: 0.05, highest: 0 });
        if (isAlarm(evidence, 0.1)) return true;
      }
      return false;
    }).filter(Boolean).length;
    expect(alarmed).toBeLessThan(60);
    expect(alarmed).toBeGreaterThan(0);
  });

  it("is not raised by one failure where none is allowed", () => {
    const one = withObservation(noEvidence(), -1, { margin: 0, highest: 0 });
    expect(isAlarm(one, 0.0125)).toBe(false);
    expect(isAlarm(withObservation(one, -1, { margin: 0, highest: 0 }), 0.0125)).toBe(true);
  });

  it("takes no difference that cannot be limited", () => {
    expect(() => withObservation(noEvidence(), 1.01)).toThrow("from -1 to 1");
    expect(() => withObservation(noEvidence(), 0.5, { highest: 0 })).toThrow("from -1 to 0");
    expect(() => withObservation(noEvidence(), Number.NaN)).toThrow(RangeError);
  });
});
