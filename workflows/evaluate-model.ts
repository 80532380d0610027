/**
 * Asks one model version every question of a frozen test set and scores the answers. The answers are stored shard by
 * shard under a name made of who is asked what, so no finished shard is asked again, in this cycle or a later one.
 * No messages. A lost worker costs the shard it was at.
 */
import { proxyActivities, proxyLocalActivities, setCurrentDetails } from "@temporalio/workflow";
import type { EvaluationActivities, InputActivities } from "../activities/interfaces.ts";
import type { Evaluation } from "../src/domain/evaluation-schema.ts";
import type { EvaluateModelInput } from "../src/domain/workflow-input-schema.ts";
import { computing, local, streaming } from "./activity-options.ts";
import { labelUnlessGiven } from "./search-attributes.ts";
import { checked } from "./steps.ts";

const { checkEvaluateModel } = proxyLocalActivities<InputActivities>(local);
const { planEvaluation } = proxyLocalActivities<EvaluationActivities>(local);
const { askShard } = proxyActivities<EvaluationActivities>(streaming);
const { scoreEvaluation } = proxyActivities<EvaluationActivities>(computing);

export async function evaluateModel(input: EvaluateModelInput): Promise<Evaluation> {
  const request = await checked(() => checkEvaluateModel(input));
  const { pipeline, model, testSet } = request;
  labelUnlessGiven({ pipeline, model, stage: "evaluate" });
  const { key, shards } = await planEvaluation(request);
  let asked = 0;
  for (let shard = 0; shard < shards; shard++) {
    setCurrentDetails(`**${model}** has answered ${asked} of ${testSet.records} questions.`);
    const summary = `questions, part ${shard + 1} of ${shards}`;
    asked += (await askShard.executeWithOptions({ summary }, [{ ...request, key, shard }])).records;
  }
  setCurrentDetails(`**${model}** has answered ${asked} of ${testSet.records} questions.`);
  return scoreEvaluation({ ...request, key, shards });
}
