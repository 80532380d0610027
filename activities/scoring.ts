import { startScoring, type ScoredAnswers, type Scoring } from "../src/domain/evaluation.ts";
import type { Prediction, TestSet } from "../src/domain/evaluation-schema.ts";
import type { Judged, Judgement } from "../src/domain/judgement-schema.ts";
import { countReplies, preferenceOf, scoreOf, toleratedFailures } from "../src/domain/metrics/judgements.ts";
import { judgePreference, judgeScore } from "../src/domain/metrics/llm-judge.ts";
import type { MetricValues } from "../src/domain/metrics/metric.ts";
import { objectKeys } from "../src/domain/object-keys.ts";
import type { ObjectStore } from "../src/ports.ts";
import { answeredQuestions } from "./arm-answers.ts";
import { parseJudgements, shardRecords } from "./judgement-shard.ts";

/** Stored answers of one model, and what there is beside them. */
export interface StoredAnswers {
  testSet: TestSet;
  /** In the order of the questions. */
  predictions: AsyncIterable<Prediction>;
  /** The champion's, where a judge has compared both; null else. */
  against: AsyncIterable<Prediction> | null;
  /** What judges were asked of these answers. */
  judged: readonly Judged[];
  scoring: Scoring;
}

/**
 * Scores stored answers, in the memory of their values and one shard. Judgements are read from what the judge replied, not
 * from counts of it: the same objects always give the same values. Throws like {@link answeredQuestions}.
 */
export async function scoreStored(store: ObjectStore, answers: StoredAnswers): Promise<ScoredAnswers> {
  const { testSet, predictions, against, judged, scoring } = answers;
  const scorer = startScoring(scoring);
  const judges = judged.map((about) => new JudgedAnswers(store, about));
  const arms = [predictions, ...(against === null ? [] : [against])];
  let index = 0;
  for await (const { record, predictions } of answeredQuestions(store, testSet, arms)) {
    const [prediction = null, defence = null] = predictions;
    if (prediction === null) continue;
    const pair = { challenger: prediction.answer, champion: defence?.answer ?? null };
    const values: MetricValues = {};
    for (const judge of judges) {
      const judgements = await judge.about(record.id, Math.floor(index / shardRecords));
      if (judge.isAlone) Object.assign(values, pair.challenger === null ? {} : scoreOf(judgements));
      else if (defence !== null) Object.assign(values, preferenceOf(pair, judgements));
    }
    scorer.add(record, prediction, values);
    index++;
  }
  const isScored = judges.some(({ isAlone }) => isAlone);
  if (!isScored) scorer.refuse(judgeScore.name, "no judge was asked to score these answers");
  for (const judge of judges) {
    const why = judge.whyUnusable();
    if (why !== null) scorer.refuse(judge.isAlone ? judgeScore.name : judgePreference.name, why);
  }
  return scorer.scored();
}

/** Judgements by record, one shard of them at a time. */
class JudgedAnswers {
  readonly isAlone: boolean;
  readonly #store: ObjectStore;
  readonly #about: Judged;
  #shard = -1;
  #byRecord = new Map<string, Judgement[]>();
  #asked = 0;
  #failed = 0;

  constructor(store: ObjectStore, about: Judged) {
    this.#store = store;
    this.#about = about;
    this.isAlone = about.against === null;
  }

  async about(record: string, shard: number): Promise<readonly Judgement[]> {
    if (shard !== this.#shard) await this.#open(shard);
    return this.#byRecord.get(record) ?? [];
  }

  whyUnusable(): string | null {
    if (this.#failed <= toleratedFailures * this.#asked) return null;
    return `the judge gave no verdict that can be read to ${this.#failed} of ${this.#asked} requests`;
  }

  async #open(shard: number): Promise<void> {
    this.#shard = shard;
    const { evaluation, judge } = this.#about;
    const name = objectKeys.judgements(evaluation, judge, shard);
    const text = (await this.#store.get(name))?.body.toString("utf8") ?? "";
    const judgements = parseJudgements(name, text);
    this.#byRecord = Map.groupBy(judgements, ({ id }) => id);
    const { asked, failed } = countReplies(judgements);
    this.#asked += asked;
    this.#failed += failed;
  }
}
