/** A cycle's questions to champion, challenger and base model, which are asked at the same time. */
import {
  ApplicationFailure,
  CancellationScope,
  isCancellation,
  TemporalFailure,
  TimeoutFailure,
} from "@temporalio/workflow";
import type { AskedArm } from "../activities/comparison-interfaces.ts";
import type { EvaluateModelInput } from "../src/domain/workflow-input-schema.ts";
import { child, type Story } from "./cycle-steps.ts";
import { evaluateModel } from "./evaluate-model.ts";
import { reasonOf } from "./steps.ts";

/** What is asked of every model, and the examples that the base model is shown once more with. */
export type Questions = Omit<EvaluateModelInput, "pipeline" | "model" | "checkpoint" | "endpoint">;

/** Failures that say that a model cannot be asked; any other is about the questions, and ends the cycle. */
const unaskable = new Set(["ServiceFailed", "ServiceChanged", "Unavailable", "RateLimited"]);

/** One model to be asked. */
type Arm = Pick<AskedArm, "name" | "model"> & Pick<EvaluateModelInput, "endpoint" | "examples">;

/**
 * Asks challenger, champion and base model, as far as there are any. A model that cannot be asked is no failure but a
 * finding, which the decision is told. Throws what is wrong with the questions or their storage, when the other models
 * are asked no more; of the base model, which decides nothing, nothing is thrown.
 */
export async function askArms(story: Story, questions: Questions): Promise<AskedArm[]> {
  const ask = async ({ name, model, ...arm }: Arm): Promise<AskedArm> => {
    const called = arm.endpoint === null ? model : name;
    const request = { ...questions, ...arm, pipeline: story.pipeline.name, model: called, checkpoint: null };
    try {
      return { name, model, evaluation: await child(`evaluate-${name}`, evaluateModel, request), failure: null };
    } catch (error) {
      const decides = arm.endpoint === null;
      if (isCancellation(error) || (decides && !isUnaskable(error))) throw error;
      return { name, model, evaluation: null, failure: reasonOf(error).slice(0, 500) };
    }
  };
  return together(armsOf(story, questions).map((arm) => () => ask(arm)));
}

function armsOf({ model, champion }: Story, { evaluate, examples }: Questions): Arm[] {
  const served = { endpoint: null, examples: null };
  const base = evaluate.base === null ? null : { model: evaluate.base.model, endpoint: evaluate.base };
  return [
    { name: "challenger", model, ...served },
    ...(champion === null ? [] : [{ name: "champion" as const, model: champion, ...served }]),
    ...(base === null ? [] : [{ name: "base" as const, ...base, examples: null }]),
    ...(base === null || examples === null ? [] : [{ name: "base-few-shot" as const, ...base, examples }]),
  ];
}

/** Whether a failure says that somebody cannot be asked. */
export function isUnaskable(error: unknown): boolean {
  let found = error;
  // Below the failure that has a type lies only what caused it.
  while (found instanceof TemporalFailure && !(found instanceof ApplicationFailure) && found.cause) {
    if (found instanceof TimeoutFailure) return true;
    found = found.cause;
  }
  return found instanceof TimeoutFailure || (found instanceof ApplicationFailure && unaskable.has(found.type ?? ""));
}

/** All results, or the first failure, with nothing left running. */
async function together<T>(starts: readonly (() => Promise<T>)[]): Promise<T[]> {
  const scope = new CancellationScope();
  let first: { error: unknown } | null = null;
  const run = async (start: () => Promise<T>): Promise<T[]> => {
    try {
      return [await start()];
    } catch (error) {
      first ??= { error };
      scope.cancel();
      return [];
    }
  };
  const results = await scope.run(() => Promise.all(starts.map(run)));
  const { error } = first ?? { error: null };
  if (first !== null) throw error;
  return results.flat();
}
