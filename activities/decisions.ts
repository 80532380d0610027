import { isDeepStrictEqual } from "node:util";
import { decisionRecordSchema, type DecisionRecord } from "../src/domain/decision-schema.ts";
import { decide } from "../src/domain/decision.ts";
import { comparePredictions, countAnswers } from "../src/domain/evaluation.ts";
import type { Evaluation } from "../src/domain/evaluation-schema.ts";
import { TypedFailure } from "../src/domain/failures.ts";
import { objectKeys } from "../src/domain/object-keys.ts";
import type { ObjectStore, Ports } from "../src/ports.ts";
import { needDocument, readDocument, writeDocument } from "./documents.ts";
import type { DecisionActivities } from "./interfaces.ts";
import { readPredictions } from "./predictions.ts";
import { vocabularySchema } from "./vocabulary.ts";

export function createDecisionActivities({ store }: Pick<Ports, "store">): DecisionActivities {
  return {
    async decideCycle({ cycle, pipeline, champion, challenger, vocabulary, policy }) {
      const key = objectKeys.decision(cycle);
      const evaluations = { champion: champion?.key ?? null, challenger: challenger.key };
      const decided = (await readDocument(store, key, decisionRecordSchema))?.value;
      if (decided) {
        if (isAbout(decided, { evaluations, vocabulary, policy })) return { ...decided.decision, key };
        throw new TypedFailure(
          "InvalidInput",
          `${key} was decided from other evaluations or by another policy: raise repeat`,
        );
      }
      if (champion !== null && champion.testSet.sha256 !== challenger.testSet.sha256) {
        throw new TypedFailure("InvalidData", "champion and challenger were not asked the same test set");
      }
      const { comparisons, answers } = await compare(store, { champion, challenger, vocabulary });
      const record: DecisionRecord = {
        format: 1,
        cycle,
        pipeline,
        decidedAt: new Date().toISOString(),
        champion: champion?.model ?? null,
        challenger: challenger.model,
        testSet: challenger.testSet.key,
        evaluations,
        vocabulary,
        policy,
        comparisons,
        answers,
        decision: decide(comparisons, answers, policy),
      };
      await writeDocument(store, key, record);
      return { ...record.decision, key };
    },
  };
}

/** The numbers that a decision rests on, from the stored predictions. */
async function compare(
  store: ObjectStore,
  { champion, challenger, vocabulary }: { champion: Evaluation | null; challenger: Evaluation; vocabulary: string },
): Promise<Pick<DecisionRecord, "comparisons" | "answers">> {
  const defended = champion === null ? null : await readPredictions(store, champion);
  const challenged = await readPredictions(store, challenger);
  const known = await needDocument(store, vocabulary, vocabularySchema);
  return {
    comparisons: comparePredictions(defended, challenged, known),
    answers: { champion: defended === null ? null : countAnswers(defended), challenger: countAnswers(challenged) },
  };
}

/** A decision is found by its cycle's name alone, so it is looked at whether it answers the same question. */
function isAbout(
  { evaluations, vocabulary, policy }: DecisionRecord,
  question: Pick<DecisionRecord, "evaluations" | "vocabulary" | "policy">,
): boolean {
  return isDeepStrictEqual({ evaluations, vocabulary, policy }, question);
}
