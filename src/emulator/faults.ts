import { z } from "zod";

/** What a fault matches and does; see docs/emulator.md. */
export const faultSchema = z.strictObject({
  /**
   * All that are given must match; `path` is a regular expression, `name` the job's or service's own. `version` and
   * `minWeight`, the least share of requests in percent, are of a service's version.
   */
  match: z
    .strictObject({
      method: z.string().optional(),
      path: z.string().refine(isRegularExpression, "must be a regular expression").optional(),
      name: z.string().optional(),
      version: z.string().optional(),
      minWeight: z.int().min(0).max(100).optional(),
    })
    .default({}),
  /** How many calls, attempts, version starts, rollouts or queries it hits. */
  times: z.int().min(1).default(1),
  effect: z.discriminatedUnion("kind", [
    z.strictObject({
      kind: z.literal("status"),
      status: z.int().min(400).max(599),
      retryAfterSeconds: z.number().min(0).optional(),
      /** `before`: the call does nothing. `after`: it takes effect and its answer is lost. */
      when: z.enum(["before", "after"]).default("before"),
    }),
    /**
     * No answer for `ms`, without `ms` for ever. `before`: the call is made when the time is up, so perhaps never.
     * `after`: it takes effect at once and only its answer hangs.
     */
    z.strictObject({
      kind: z.literal("hang"),
      ms: z.int().min(0).optional(),
      when: z.enum(["before", "after"]).default("before"),
    }),
    /** The call takes effect, then the connection is cut. */
    z.strictObject({ kind: z.literal("drop") }),
    /** 200 with a page of HTML, no effect. */
    z.strictObject({ kind: z.literal("html") }),
    /** An attempt of the job exits with 1 without running. */
    z.strictObject({ kind: z.literal("job-fail") }),
    /** The job does not start: it stays PENDING until it is terminated, or the emulator is started anew. */
    z.strictObject({ kind: z.literal("job-stuck") }),
    /** A job's state as an answer shows it, known or not: unlike what it is. */
    z.strictObject({ kind: z.literal("job-state"), state: z.string().min(1) }),
    /** The next call by the job's id finds that it is no more: its process ended, its record and logs gone. */
    z.strictObject({ kind: z.literal("job-vanish") }),
    /** A service's state and its newest version's as a list shows them, known or not: unlike what they are. */
    z.strictObject({ kind: z.literal("service-state"), state: z.string().min(1) }),
    /** A version of the service becomes UNHEALTHY and stays so. */
    z.strictObject({ kind: z.literal("service-unhealthy") }),
    /** A version of the service never gets further than STARTING. */
    z.strictObject({ kind: z.literal("service-never-ready") }),
    /** The weights of the service stay where an apply found them, until it is rolled back or applied again. */
    z.strictObject({ kind: z.literal("service-stuck") }),
    /** A query of a version is answered late, with an error, or both; `ratio` of the queries are hit. */
    z
      .strictObject({
        kind: z.literal("service-degrade"),
        status: z.int().min(400).max(599).optional(),
        delayMs: z.int().min(1).optional(),
        ratio: z.number().gt(0).max(1).default(1),
      })
      .refine(({ status, delayMs }) => status !== undefined || delayMs !== undefined, "needs status, delayMs or both"),
  ]),
});
export type Fault = z.infer<typeof faultSchema>;
export type FaultEffect = Fault["effect"];

/** What a fault is matched against. */
export interface FaultFacts {
  method?: string;
  path?: string;
  name: string | null;
  version?: string;
  weight?: number;
}

/** Faults in order of arrival; in memory, gone with the process. */
export class Faults {
  #pending: Fault[] = [];

  add(fault: Fault): void {
    this.#pending.push(structuredClone(fault));
  }

  /** What is still to come. */
  list(): Fault[] {
    return structuredClone(this.#pending);
  }

  clear(): void {
    this.#pending = [];
  }

  /** Uses up the first fault of one of these kinds that matches; null when there is none. */
  take(kinds: readonly FaultEffect["kind"][], facts: FaultFacts): FaultEffect | null {
    const fault = this.#pending.find(
      ({ effect, match }) => kinds.includes(effect.kind) && matches(match, facts) && isDrawn(effect),
    );
    if (fault === undefined) return null;
    fault.times -= 1;
    this.#pending = this.#pending.filter(({ times }) => times > 0);
    return fault.effect;
  }
}

function matches(match: Fault["match"], facts: FaultFacts): boolean {
  if (match.name !== undefined && match.name !== facts.name) return false;
  if (match.version !== undefined && match.version !== facts.version) return false;
  if (match.minWeight !== undefined && (facts.weight === undefined || facts.weight < match.minWeight)) return false;
  if (match.method !== undefined && match.method.toUpperCase() !== facts.method) return false;
  return match.path === undefined || (facts.path !== undefined && new RegExp(match.path).test(facts.path));
}

function isDrawn(effect: FaultEffect): boolean {
  return effect.kind !== "service-degrade" || Math.random() < effect.ratio;
}

function isRegularExpression(text: string): boolean {
  try {
    return RegExp(text) instanceof RegExp;
  } catch {
    return false;
  }
}
