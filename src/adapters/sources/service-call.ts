import type { z } from "zod";
import { TypedFailure, type FailureType } from "../../domain/failures.ts";
import { AnswerFailure, type HttpRequest } from "../safe-http.ts";
import type { ReadContext } from "./item-reader.ts";

/** What a person should do about an answer, and what it is if its status does not say. */
export interface Advice {
  advice: string;
  type?: FailureType;
  retryAfterMs?: number;
}

/** A service's own meaning of its error answers; null where there is nothing to add. */
export type Advise = (failure: AnswerFailure) => Advice | null;

/**
 * Asks a service for JSON. Throws typed failures that name the source, what the service answered and, as far as `advise`
 * knows, what to do.
 */
export async function callService<T extends z.ZodType>(
  context: ReadContext,
  source: { id: string },
  request: Omit<HttpRequest, "signal">,
  schema: T,
  advise: Advise = () => null,
): Promise<{ value: z.infer<T>; headers: Record<string, string> }> {
  try {
    return await context.http.json({ ...request, signal: context.signal }, schema);
  } catch (error) {
    if (!(error instanceof TypedFailure)) throw error;
    const known = error instanceof AnswerFailure ? advise(error) : null;
    const retryAfterMs = known?.retryAfterMs ?? error.retryAfterMs;
    throw new TypedFailure(
      known?.type ?? error.type,
      `source ${source.id}: ${error.message}${known === null ? "" : `; ${known.advice}`}`,
      { cause: error, ...(retryAfterMs === null ? {} : { retryAfterMs }) },
    );
  }
}

/** Whether a service says that it does not know, or no longer, what was asked for. */
export function isNotFound(error: unknown): boolean {
  return error instanceof TypedFailure && error.type === "NotFound";
}
