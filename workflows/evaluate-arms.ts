/** A cycle's questions to champion and challenger, which are asked at the same time. */
import { ApplicationFailure, CancellationScope, TemporalFailure, TimeoutFailure } from "@temporalio/workflow";
import type { AskedArm } from "../activities/interfaces.ts";
import type { EvaluateModelInput } from "../src/domain/workflow-input-schema.ts";
import { child, type Story } from "./cycle-steps.ts";
import { evaluateModel } from "./evaluate-model.ts";
import { reasonOf } from "./steps.ts";

/** What is asked of every model: all but which model it is. */
export type Questions = Omit<EvaluateModelInput, "pipeline" | "model">;

/** Failures that say that a model cannot be asked; any other is about the questions, and ends the cycle. */
const unaskable = new Set(["ServiceFailed", "ServiceChanged", "Unavailable", "RateLimited"]);

/**
 * Asks champion, if there is one, and challenger. A model that cannot be asked is no failure but a finding, which the
 * decision is told. Throws what is wrong with the questions or their storage, when the other model is asked no more.
 */
export async function askArms({ pipeline, model, champion }: Story, questions: Questions): Promise<AskedArm[]> {
  const ask = async (name: AskedArm["name"], version: string): Promise<AskedArm> => {
    const request = { ...questions, pipeline: pipeline.name, model: version };
    try {
      return {
        name,
        model: version,
        evaluation: await child(`evaluate-${name}`, evaluateModel, request),
        failure: null,
      };
    } catch (error) {
      if (!isUnaskable(error)) throw error;
      return { name, model: version, evaluation: null, failure: reasonOf(error).slice(0, 500) };
    }
  };
  return together([() => ask("challenger", model), ...(champion === null ? [] : [() => ask("champion", champion)])]);
}

function isUnaskable(error: unknown): boolean {
  let bottom = error;
  while (bottom instanceof TemporalFailure && bottom.cause) bottom = bottom.cause;
  if (bottom instanceof TimeoutFailure) return true;
  return bottom instanceof ApplicationFailure && unaskable.has(bottom.type ?? "");
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
