import { z } from "zod";

/** What a fault matches and does; see docs/emulator.md. */
export const faultSchema = z.strictObject({
  /** All that are given must match; `path` is a regular expression, `name` the job's or service's own. */
  match: z
    .strictObject({
      method: z.string().optional(),
      path: z.string().refine(isRegularExpression, "must be a regular expression").optional(),
      name: z.string().optional(),
    })
    .default({}),
  /** How many calls, attempts or version starts it hits. */
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
    /** A version of the service becomes UNHEALTHY and stays so. */
    z.strictObject({ kind: z.literal("service-unhealthy") }),
  ]),
});
export type Fault = z.infer<typeof faultSchema>;
export type FaultEffect = Fault["effect"];

/** What a fault is matched against. */
export interface FaultFacts {
  method?: string;
  path?: string;
  name: string | null;
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
    const fault = this.#pending.find(({ effect, match }) => kinds.includes(effect.kind) && matches(match, facts));
    if (fault === undefined) return null;
    fault.times -= 1;
    this.#pending = this.#pending.filter(({ times }) => times > 0);
    return fault.effect;
  }
}

function matches(match: Fault["match"], facts: FaultFacts): boolean {
  if (match.name !== undefined && match.name !== facts.name) return false;
  if (match.method !== undefined && match.method.toUpperCase() !== facts.method) return false;
  return match.path === undefined || (facts.path !== undefined && new RegExp(match.path).test(facts.path));
}

function isRegularExpression(text: string): boolean {
  try {
    return RegExp(text) instanceof RegExp;
  } catch {
    return false;
  }
}
