/**
 * The loop's promise, on real models of the embedded recipe, with nothing between training and decision but the functions
 * that a cycle calls: more data wins, wrong labels lose, and a model never beats its equal.
 */
import { beforeAll, describe, expect, it } from "vitest";
import type { Prediction, TestRecord } from "../../src/domain/evaluation-schema.ts";
import type { TextPair } from "../../src/recipes/embedded/learn.ts";
import { seededRandom } from "../../src/recipes/embedded/random.ts";
import { aContest, answersOf, questionsOf, samplePairs, type Contest } from "./contest.ts";

/** Where contests take their records from. */
export interface Arena {
  name: string;
  primary: string;
  /** `count` records to train on, others for another seed. */
  train: (seed: number, count: number) => TextPair[];
  test: () => TextPair[];
}

const SEEDS = [1, 2, 3];
/** Pairs of equal models: each record's answers are swapped between both by a coin. */
const SWAPS = 40;
/** At most this many of them promote if 1 in 40 does, which a two-sided test at 0.05 allows, but for 1 time in 1,000. */
const MOST_PROMOTED = 5;

/** Generated records of a kind of outputs. */
export function generatedArena(outputs: "frames" | "labels" | "answers", primary: string): Arena {
  return {
    name: `generated ${outputs}`,
    primary,
    train: (seed, count) => samplePairs({ seed, count, split: "train", outputs }),
    test: () => samplePairs({ seed: 99, count: 400, split: "test", outputs }),
  };
}

/** Every record has the output of the one after it. */
function mislabelled(pairs: readonly TextPair[]): TextPair[] {
  return pairs.map(({ input }, at) => ({ input, output: pairs[(at + 1) % pairs.length]?.output ?? "" }));
}

/** Trains on the arena's records, and checks what is decided between the models. */
export function describeContests({ name, primary, train, test }: Arena): void {
  describe(`decide on ${name}`, () => {
    let questions: TestRecord[];
    let contest: Contest;
    /** By seed, what models of 200 and 1,000 records answer. */
    const small: Prediction[][] = [];
    const large: Prediction[][] = [];

    beforeAll(() => {
      questions = questionsOf(test());
      contest = aContest(train(1, 1000), questions);
      for (const seed of SEEDS) {
        const training = train(seed, 1000);
        small.push(answersOf(training.slice(0, 200), questions));
        large.push(answersOf(training, questions));
      }
    }, 300_000);

    it("goes by the metric that fits the answers", () => {
      expect(contest.primary).toBe(primary);
    });

    it("has a first champion of 200 records that is neither useless nor perfect", () => {
      for (const answers of small) {
        expect(contest.valueOf(answers)).toBeGreaterThan(0.4);
        expect(contest.valueOf(answers)).toBeLessThan(0.95);
      }
    });

    it.each(SEEDS)("promotes a model of 1,000 records over one of 200 of them (seed %i)", (seed) => {
      const { outcome, reasons } = contest.decide(small[seed - 1] ?? [], large[seed - 1] ?? []);
      expect({ outcome, reasons }).toMatchObject({ outcome: "promote" });
    });

    it.each(SEEDS.slice(0, 2))(
      "keeps the champion when as many records with wrong labels came in (seed %i)",
      (seed) => {
        const spoilt = [...train(seed, 1000), ...mislabelled(train(seed + 10, 1000))];
        const { outcome, reasons } = contest.decide(large[seed - 1] ?? [], answersOf(spoilt, questions));
        expect({ outcome, reasons }).toMatchObject({ outcome: "keep" });
      },
      120_000,
    );

    it("never promotes a model over itself", () => {
      for (const answers of [...small, ...large]) expect(contest.decide(answers, answers).outcome).not.toBe("promote");
    });

    it("hardly ever promotes one of two equal models", () => {
      const [one, other] = [small[0] ?? [], large[0] ?? []];
      let promoted = 0;
      for (let swap = 0; swap < SWAPS; swap++) {
        const random = seededRandom(swap);
        const coins = one.map(() => random() < 0.5);
        const arm = (isFirst: boolean): Prediction[] =>
          one.flatMap((prediction, at) => (coins[at] === isFirst ? prediction : (other[at] ?? [])));
        if (contest.decide(arm(true), arm(false)).outcome === "promote") promoted++;
      }
      expect(promoted).toBeLessThanOrEqual(MOST_PROMOTED);
    }, 120_000);
  });
}
