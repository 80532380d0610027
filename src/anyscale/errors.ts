import type { ProductionJob } from "./jobs-wire.ts";

/** What went wrong, by what a caller can do about it. */
export type AnyscaleErrorKind =
  | "invalid"
  | "unauthorized"
  | "forbidden"
  | "not-found"
  | "conflict"
  | "rate-limited"
  | "unavailable"
  | "unexpected-reply"
  | "timeout"
  | "failed";

/** What is known of a failed call. `retryAfterMs` is the server's own wish, null when it has none. */
export interface AnyscaleErrorDetails {
  status?: number | null;
  requestId?: string | null;
  retryAfterMs?: number | null;
  cause?: unknown;
}

/** Base of every failure of the client. Messages name the call, the server's words and what to do, never a token. */
export abstract class AnyscaleError extends Error {
  abstract readonly kind: AnyscaleErrorKind;
  /** HTTP status; null when there was no answer. */
  readonly status: number | null;
  /** The server's id of the request, for its support; null when it sent none. */
  readonly requestId: string | null;
  /** How long to wait before another attempt, in milliseconds; null when the server did not say. */
  readonly retryAfterMs: number | null;

  constructor(message: string, details: AnyscaleErrorDetails = {}) {
    const facts = [
      details.status ? `status=${details.status}` : null,
      details.requestId ? `request=${details.requestId}` : null,
    ].filter((fact) => fact !== null);
    super(facts.length === 0 ? message : `${message} [${facts.join(" ")}]`, { cause: details.cause });
    this.name = new.target.name;
    this.status = details.status ?? null;
    this.requestId = details.requestId ?? null;
    this.retryAfterMs = details.retryAfterMs ?? null;
  }
}

/** The request is wrong and will stay so (400, 422, any 4xx without a class of its own; or refused before sending). */
export class InvalidRequestError extends AnyscaleError {
  readonly kind = "invalid";
}

/** The token is missing, wrong or expired (401). */
export class UnauthorizedError extends AnyscaleError {
  readonly kind = "unauthorized";
}

/** The token's owner may not do this (403). */
export class ForbiddenError extends AnyscaleError {
  readonly kind = "forbidden";
}

/** There is no such thing (404, or a look-up by name without a match). */
export class NotFoundError extends AnyscaleError {
  readonly kind = "not-found";
}

/** The thing is busy or the name is taken (409), or a name has several owners. */
export class ConflictError extends AnyscaleError {
  readonly kind = "conflict";
}

/** Too many calls (429). */
export class RateLimitedError extends AnyscaleError {
  readonly kind = "rate-limited";
}

/** No answer, or one that a later attempt may improve: network, timeout, 408, 5xx. The call may have taken effect. */
export class UnavailableError extends AnyscaleError {
  readonly kind = "unavailable";
}

/** A success that is not the API's: HTML of a proxy, broken JSON, missing fields. The call may have taken effect. */
export class UnexpectedReplyError extends AnyscaleError {
  readonly kind = "unexpected-reply";
}

/** What was waited for did not come in time. It may still come: nothing was ended. */
export class WaitTimeoutError extends AnyscaleError {
  readonly kind = "timeout";
}

/** What was waited for cannot come any more: it failed, was ended, or went another way. */
export class WaitFailedError extends AnyscaleError {
  readonly kind = "failed";
}

/** A job that had to succeed did not. Its name, state and the server's reason are in the message. */
export class JobFailedError extends WaitFailedError {
  /** How it ended. */
  readonly outcome: "succeeded" | "failed" | "terminated";
  readonly job: ProductionJob;

  constructor(message: string, { outcome, job }: Pick<JobFailedError, "outcome" | "job">) {
    super(message);
    this.outcome = outcome;
    this.job = job;
  }
}

/**
 * The error of an answer that is not a success.
 *
 * @param call method and path, without query
 * @param detail the server's own words, empty when it had none
 */
export function errorOfStatus(
  call: string,
  detail: string,
  details: AnyscaleErrorDetails & { status: number },
): AnyscaleError {
  const said = detail === "" ? "" : `: ${detail}`;
  const { status } = details;
  if (status === 401) {
    const advice = "set ANYSCALE_CLI_TOKEN to a token that is valid for this ANYSCALE_HOST";
    return new UnauthorizedError(`${call} was refused${said}; ${advice}`, details);
  }
  if (status === 403) return new ForbiddenError(`${call} is not allowed for this token${said}`, details);
  if (status === 404) return new NotFoundError(`${call} found nothing${said}`, details);
  if (status === 409) return new ConflictError(`${call} conflicts with the present state${said}`, details);
  if (status === 429) return new RateLimitedError(`${call} came too soon${said}; try again later`, details);
  if (status === 408 || status >= 500) {
    return new UnavailableError(`${call} failed on the server's side${said}; try again later`, details);
  }
  if (status >= 400) return new InvalidRequestError(`${call} was rejected${said}`, details);
  return new UnexpectedReplyError(`${call} was answered by a redirect or other surprise${said}`, details);
}
