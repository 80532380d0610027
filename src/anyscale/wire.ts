/**
 * Shapes of the Anyscale Jobs and Services API, as far as Tuneloop reads or writes them. Field names are the wire's own.
 * Readers tolerate unknown fields and unknown states, so that a newer server does not break an older client.
 */
import { z } from "zod";

/** `{"error": {...}}` of any answer that is not a success; `detail` is a list in a 422. */
export const errorBodySchema = z.object({
  error: z.object({ detail: z.unknown().optional(), message: z.string().nullish() }),
});

/** Any JSON, or nothing at all: the answer of an order whose success says everything. */
export const anyReply = z.json();

/** Wraps the schema of a single result: `{"result": ...}`. */
export function resultOf<T extends z.ZodType>(result: T) {
  return z.object({ result });
}

/** Wraps the schema of a page of results; the last page has no `next_paging_token`. */
export function pageOf<T extends z.ZodType>(item: T) {
  return z.object({
    results: z.array(item),
    metadata: z.object({ total: z.number().nullish(), next_paging_token: z.string().nullish() }).nullish(),
  });
}

/** Files and environment that come with an entrypoint or an application. */
export const runtimeEnvSchema = z.looseObject({
  working_dir: z.string().optional(),
  user_provided_working_dir: z.string().optional(),
  py_modules: z.array(z.string()).nullish(),
  user_provided_py_modules: z.array(z.string()).nullish(),
  excludes: z.array(z.string()).nullish(),
  pip: z.union([z.array(z.string()), z.record(z.string(), z.unknown())]).nullish(),
  env_vars: z.record(z.string(), z.string()).optional(),
});
export type RuntimeEnv = z.infer<typeof runtimeEnvSchema>;
