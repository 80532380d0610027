/** Gates that people add without changing Tuneloop: a file of their own has one. */
import { stat } from "node:fs/promises";
import { pathToFileURL } from "node:url";
import { z } from "zod";
import { TypedFailure } from "../domain/failures.ts";
import { gateVerdictSchema, type GatePolicy, type GateVerdict, type Observation } from "../domain/rollout-schema.ts";
import type { GateCatalog } from "../ports.ts";
import { findCode, isFunction, problemOf } from "./own-code.ts";

/** What a file of one's own exports as `gate`. */
export interface OwnGate {
  /**
   * Judges what the newest 1,000 looks at a rollout have seen, oldest first. Pure: the same observations and options give the
   * same verdict. `hold` keeps the step until it says otherwise, or the rollout's `holdSeconds` are over.
   */
  judge(observations: readonly Observation[], options: GatePolicy["own"][number]["options"]): Omit<GateVerdict, "gate">;
  /** Throws an error whose message names the option that is wrong. */
  check?(options: GatePolicy["own"][number]["options"]): void;
}

const moduleSchema = z.object({
  gate: z.object({
    judge: z.custom<OwnGate["judge"]>(isFunction, "must be a function"),
    check: z.custom<NonNullable<OwnGate["check"]>>(isFunction, "must be a function").optional(),
  }),
});
const judgedSchema = gateVerdictSchema.omit({ gate: true });

/** @param folders where files are looked for, the first that has one wins; they run with all rights of the worker */
export function createGateCatalog(folders: readonly string[]): GateCatalog {
  return {
    async check(choices) {
      for (const { gate, options } of choices) {
        const { check } = await load(folders, gate);
        guarded(`gate ${gate}: options`, () => check?.(options));
      }
    },

    async judge(choices, observations) {
      const verdicts: GateVerdict[] = [];
      for (const { gate, options } of choices) {
        const { judge } = await load(folders, gate);
        const judged = judgedSchema.safeParse(guarded(`gate ${gate}`, () => judge(observations, options)));
        if (!judged.success)
          throw invalid(`gate ${gate}: answers no verdict with a reason: ${problemOf(judged.error)}`);
        verdicts.push({ gate, ...judged.data });
      }
      return verdicts;
    },
  };
}

/** A file that has changed is loaded anew. */
async function load(folders: readonly string[], gate: string): Promise<z.infer<typeof moduleSchema>["gate"]> {
  const path = findCode(folders, gate);
  if (path === null) {
    const where = folders.length === 0 ? "TUNELOOP_GATES names no folder" : `not in ${folders.join(", ")}`;
    throw invalid(`gate ${gate}: there is no file ${gate}.ts or ${gate}.js: ${where}`);
  }
  const { mtimeMs } = await stat(path);
  const parsed = moduleSchema.safeParse(await imported(gate, path, mtimeMs));
  if (!parsed.success) throw invalid(`gate ${gate}: ${path} does not export a gate: ${problemOf(parsed.error)}`);
  return parsed.data.gate;
}

async function imported(gate: string, path: string, version: number): Promise<unknown> {
  try {
    return await import(`${pathToFileURL(path).href}?version=${version}`);
  } catch (error) {
    throw invalid(`gate ${gate}: ${path} cannot be loaded: ${problemOf(error)}`, error);
  }
}

function guarded<T>(what: string, call: () => T): T {
  try {
    return call();
  } catch (error) {
    throw invalid(`${what}: ${problemOf(error)}`, error);
  }
}

function invalid(message: string, cause?: unknown): TypedFailure {
  return new TypedFailure("InvalidInput", message, cause === undefined ? {} : { cause });
}
