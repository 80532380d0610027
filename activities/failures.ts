/** Outside errors become Temporal failures here and nowhere else. */
import { activityInfo, cancellationSignal } from "@temporalio/activity";
import { ApplicationFailure, ApplicationFailureCategory, CancelledFailure, TemporalFailure } from "@temporalio/common";
import { z } from "zod";
import { isRetryable, TypedFailure, type FailureType } from "../src/domain/failures.ts";

/** What the Anyscale client's errors say of themselves; the client stands alone and knows no failure types. */
const clientErrorSchema = z.object({
  kind: z.enum([
    "invalid",
    "unauthorized",
    "forbidden",
    "not-found",
    "conflict",
    "rate-limited",
    "unavailable",
    "unexpected-reply",
    "timeout",
    "failed",
  ]),
  message: z.string(),
  retryAfterMs: z.number().nullable(),
});

/** Bytes of JSON an activity may put into history. */
const maxResultBytes = 256 * 1024;

/** The failure Temporal records for an error thrown by an activity: typed, with its cause kept. */
export function asFailure(error: unknown): Error {
  if (error instanceof TemporalFailure) return error;
  if (cancellationSignal().aborted) return new CancelledFailure("cancelled", [], toError(error));
  if (error instanceof TypedFailure) return failure(error.type, error.message, error, error.retryAfterMs);
  const fromClient = clientErrorSchema.safeParse(error);
  if (fromClient.success) {
    return failure(typeOf(fromClient.data.kind), fromClient.data.message, error, fromClient.data.retryAfterMs);
  }
  if (error instanceof z.ZodError) return failure("InvalidData", firstIssue(error), error, null);
  return failure("Internal", toError(error).message, error, null);
}

/** Throws unless the result is small enough for history: data belongs into S3. */
export function assertSmall(result: unknown): void {
  const bytes = result === undefined ? 0 : Buffer.byteLength(JSON.stringify(result));
  if (bytes > maxResultBytes) {
    const { activityType } = activityInfo();
    throw new TypedFailure("InvalidData", `${activityType}: a result of ${bytes} bytes does not belong into history`);
  }
}

/** First problem of a value, with the path of its field. */
export function firstIssue(error: z.ZodError): string {
  const issue = error.issues[0];
  if (!issue) return "invalid";
  const path = issue.path.join(".");
  return path === "" ? issue.message : `${path}: ${issue.message}`;
}

function failure(type: FailureType, message: string, cause: unknown, retryAfterMs: number | null): ApplicationFailure {
  return ApplicationFailure.create({
    type,
    message,
    nonRetryable: !isRetryable(type),
    cause: toError(cause),
    ...(retryAfterMs === null ? {} : { nextRetryDelay: retryAfterMs }),
    ...(type === "StillWaiting" ? { category: ApplicationFailureCategory.BENIGN } : {}),
  });
}

function typeOf(kind: z.infer<typeof clientErrorSchema>["kind"]): FailureType {
  switch (kind) {
    case "invalid":
    case "unauthorized":
    case "forbidden":
    // An image that cannot be built stays so.
    case "failed":
      return "Refused";
    case "not-found":
      return "NotFound";
    case "conflict":
      return "Conflict";
    case "rate-limited":
      return "RateLimited";
    case "unavailable":
    case "unexpected-reply":
    case "timeout":
      return "Unavailable";
  }
}

function toError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
