/** The middle of a cycle: asks the models, lets judges look, decides, and waits for somebody to agree where that is wanted. */
import { isCancellation, proxyActivities } from "@temporalio/workflow";
import type {
  AskedArm,
  DecisionActivities,
  Judging,
  JudgingActivities,
  SettledChoices,
} from "../activities/comparison-interfaces.ts";
import { describeAnswer, type Answerable } from "../src/domain/approval.ts";
import type { MetricChoice } from "../src/domain/evaluate-schema.ts";
import type { Outcome } from "../src/domain/decision-schema.ts";
import type { CycleReport } from "../src/domain/report-schema.ts";
import { computing, streaming } from "./activity-options.ts";
import { awaitApproval, tellPipeline } from "./approval.ts";
import { phase, type Story } from "./cycle-steps.ts";
import { askArms, isUnaskable, type Questions } from "./evaluate-arms.ts";
import { label } from "./search-attributes.ts";
import { reasonOf } from "./steps.ts";

const { decideCycle } = proxyActivities<DecisionActivities>(computing);
const { judgeAnswers } = proxyActivities<JudgingActivities>(streaming);

/** What the models of a cycle are asked and measured by. */
export interface Comparison {
  questions: Questions;
  choices: SettledChoices;
}

/** What to do with the challenger, and why. */
export interface Verdict {
  outcome: Outcome;
  reason: string;
}

/** Compares the models of a cycle and notes in its report what came of it. */
export async function compareModels(story: Story, by: Comparison, heard: Answerable): Promise<Verdict> {
  const { pipeline, model, champion, report } = story;
  const { questions, choices } = by;
  const { metrics, policy } = choices;
  const arms = await phase(story, "evaluate", () => askArms(story, questions));
  for (const arm of arms) {
    if (arm.name === "champion" || arm.name === "challenger") report[arm.name] = measured(arm);
  }
  const decision = await phase(story, "decide", async () => {
    const judging = await judge(arms, by);
    const { testSet, vocabulary, evaluate } = questions;
    const { slices, prices } = evaluate;
    const cycle = { cycle: model, pipeline: pipeline.name, evaluate: { slices, prices } };
    return decideCycle({ ...cycle, arms, testSet, vocabulary, metrics, policy, judging });
  });
  const { outcome, reasons, key, sha256 } = decision;
  report.decision = { outcome, reasons, key, sha256 };
  label({ decision: outcome });
  const decided = { pipeline, model, champion, decision };
  await tellPipeline(decided, null);
  const { approval } = policy;
  if (outcome !== "promote" || approval === "none") return { outcome, reason: reasons.join(" ") };

  const given = await phase(story, "approve", () => awaitApproval(heard, decided, approval));
  const { answer, by: who, reason, at } = given;
  report.approval = { answer, by: who, reason, at };
  return { outcome: given.outcome, reason: `${describeAnswer(given)}. ${reasons.join(" ")}` };
}

/**
 * What judges say of both models' answers. One that cannot be asked leaves its metrics without values, which the decision is
 * told why; throws what is wrong with the answers or their storage.
 */
async function judge(arms: readonly AskedArm[], { questions, choices }: Comparison): Promise<Judging> {
  const evaluationOf = (name: AskedArm["name"]): AskedArm["evaluation"] =>
    arms.find((arm) => arm.name === name)?.evaluation ?? null;
  const [champion, challenger] = [evaluationOf("champion"), evaluationOf("challenger")];
  const ask = async (
    choice: MetricChoice,
    of: typeof challenger,
    against: typeof champion,
  ): Promise<Judging["judged"]> => {
    if (of === null) return [];
    const evaluation = { key: of.key, shards: of.shards };
    const other = against === null ? null : { key: against.key, shards: against.shards };
    const summary = `${choice.pack} of ${of.model}`;
    const request = { choice, testSet: questions.testSet, evaluation, against: other };
    return (await judgeAnswers.executeWithOptions({ summary }, [request])).judged;
  };
  try {
    const both = choices.judges.flatMap((choice) => [ask(choice, challenger, champion), ask(choice, champion, null)]);
    return { judged: (await Promise.all(both)).flat(), failure: null };
  } catch (error) {
    if (isCancellation(error) || !isUnaskable(error)) throw error;
    return { judged: [], failure: reasonOf(error).slice(0, 500) };
  }
}

function measured({ model, evaluation }: AskedArm): NonNullable<CycleReport["champion"]> {
  return { version: model, metrics: evaluation?.metrics ?? {} };
}
