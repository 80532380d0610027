/**
 * Every way an activity or workflow of Tuneloop can fail, by the `type` of its ApplicationFailure. People filter by
 * these names in the Temporal UI, so the list is closed and a name never changes its meaning.
 */
export const failureTypes = [
  "InvalidInput", // a field of a workflow's input or of a definition is wrong; the message names it
  "InvalidData", // records, a model file or a stored document are not what their schema says
  "CorruptObject", // a stored object's bytes do not have the hash its manifest states
  "NotFound", // an outside service does not know what was asked for
  "Refused", // an outside service refuses: bad request, no or wrong credentials, no right
  "Conflict", // somebody else changed the same thing at the same time
  "RateLimited", // an outside service asks for patience
  "Unavailable", // an outside service fails, cannot be reached or answers nonsense
  "TooLate", // a source brought nothing in the time it was given
  "QuorumNotMet", // too few sources of a dataset update delivered
  "JobFailed", // a training job ended without a model
  "ServiceFailed", // a service version cannot serve
  "RolloutLocked", // another rollout of the same model moves traffic
  "ServiceChanged", // the service is not as this rollout left it: somebody else deployed
  "ProbeFailed", // a version answers too few of the probe questions
  "NotTold", // a sink of alerts could not be reached, so that somebody does not know what happened
  "GateFailed", // a gate of a rollout says that the challenger is worse
  "GateUndecided", // the gates of a rollout could not tell in the time they had
  "RolledBack", // somebody ordered a rollout to go back, or did not agree to its next step
  "StillWaiting", // not a failure: what is awaited has not happened yet
  "Internal", // anything else: a bug worth a report
] as const;

export type FailureType = (typeof failureTypes)[number];

/** Whether trying the same thing again can help. */
export function isRetryable(type: FailureType): boolean {
  switch (type) {
    case "Conflict":
    case "RateLimited":
    case "Unavailable":
    case "StillWaiting":
    case "Internal":
      return true;
    case "InvalidInput":
    case "InvalidData":
    case "CorruptObject":
    case "NotFound":
    case "Refused":
    case "TooLate":
    case "QuorumNotMet":
    case "JobFailed":
    case "ServiceFailed":
    case "RolloutLocked":
    case "ServiceChanged":
    case "ProbeFailed":
    case "NotTold":
    case "GateFailed":
    case "GateUndecided":
    case "RolledBack":
      return false;
  }
}

/** A failure with a type, thrown by adapters and activities; cast to a Temporal failure in one place. */
export class TypedFailure extends Error {
  override readonly name = "TypedFailure";
  readonly type: FailureType;
  /** When the other side said how long to wait, in milliseconds. */
  readonly retryAfterMs: number | null;

  constructor(type: FailureType, message: string, options: { cause?: unknown; retryAfterMs?: number } = {}) {
    super(message, options.cause === undefined ? {} : { cause: options.cause });
    this.type = type;
    this.retryAfterMs = options.retryAfterMs ?? null;
  }
}

/** A conditional write lost: the object exists, or is not the version it was read as. */
export class PreconditionFailed extends TypedFailure {
  constructor(key: string) {
    super("Conflict", `${key}: the write's condition does not hold`);
  }
}
