/**
 * Asks one model every question of a frozen test set and scores the answers. Each answer is stored as it comes, under a
 * name made of who is asked what, so that none is asked for twice: not after the loss of a worker, which costs the
 * questions that were on their way, and not in a later cycle. Signal `progress`, from the worker that asks; query `state`.
 */
import { proxyActivities, proxyLocalActivities, setCurrentDetails, setHandler } from "@temporalio/workflow";
import type { EvaluationActivities } from "../activities/comparison-interfaces.ts";
import type { InputActivities } from "../activities/interfaces.ts";
import { describeAsking, readAskingProgress } from "../src/domain/asking.ts";
import type { AskingProgress, Evaluation } from "../src/domain/evaluation-schema.ts";
import type { EvaluateModelInput } from "../src/domain/workflow-input-schema.ts";
import { computing, local, streaming } from "./activity-options.ts";
import { askingQuery, askingSignal } from "./asking-messages.ts";
import { labelUnlessGiven } from "./search-attributes.ts";
import { checked } from "./steps.ts";

const { checkEvaluateModel } = proxyLocalActivities<InputActivities>(local);
const { askQuestions } = proxyActivities<EvaluationActivities>(streaming);
const { scoreEvaluation } = proxyActivities<EvaluationActivities>(computing);

export async function evaluateModel(input: EvaluateModelInput): Promise<Evaluation> {
  let progress: AskingProgress | null = null;
  setHandler(askingQuery, () => progress);
  const request = await checked(() => checkEvaluateModel(input));
  const { pipeline, model, testSet } = request;
  labelUnlessGiven({ pipeline, model, stage: "evaluate" });
  setHandler(askingSignal, (said) => {
    progress = readAskingProgress(said) ?? progress;
    if (progress !== null) setCurrentDetails(`**${model}** is asked: ${describeAsking(progress)}.`);
  });
  setCurrentDetails(`**${model}** is asked: ${testSet.records} questions at most.`);
  const summary = `questions to ${model}`;
  const asked = await askQuestions.executeWithOptions({ summary }, [request]);
  const { records, failed } = asked;
  progress = { records, answered: records - failed, failed, perSecond: null, lastFailure: null };
  setCurrentDetails(`**${model}** has answered ${records - failed} of ${records} questions.`);
  return scoreEvaluation({ ...request, asked });
}
