import { JobFailedError } from "./errors.ts";
import type { ProductionJob } from "./jobs-wire.ts";
import { type Look, poll, type PollOptions } from "./poll.ts";
import type { CallOptions } from "./transport.ts";

/** How a job ended. */
export type JobOutcome = "succeeded" | "failed" | "terminated";

/** A job that has ended. */
export interface EndedJob {
  outcome: JobOutcome;
  job: ProductionJob;
}

/** How to wait for a job. */
export interface JobWait extends PollOptions {
  /** Called when the state is another than at the last look, the first look included; states that are not known are passed on. */
  onState?: (state: string, job: ProductionJob) => void;
}

/** Longest wait and pause as in the official client. */
const DEFAULTS = { timeoutMs: 1_800_000, pollMs: 10_000 };

/** How a job in this state has ended; null while it has not, and for a state that is not known. */
export function outcomeOf(state: string): JobOutcome | null {
  switch (state) {
    case "SUCCESS":
      return "succeeded";
    case "OUT_OF_RETRIES":
    case "BROKEN":
      return "failed";
    case "TERMINATED":
      return "terminated";
    // An ERRORED job may have retries left.
    default:
      return null;
  }
}

/** Waits for the end of a job, one request per look. */
export async function waitForJob(
  id: string,
  get: (options: CallOptions) => Promise<ProductionJob>,
  { onState, ...options }: JobWait,
): Promise<EndedJob> {
  let last: string | null = null;
  const look = async (options: CallOptions): Promise<Look<EndedJob>> => {
    const job = await get(options);
    const state = job.state.current_state;
    if (state !== last) onState?.(state, job);
    last = state;
    const outcome = outcomeOf(state);
    return outcome === null ? { seen: state } : { answer: { outcome, job } };
  };
  return await poll(`the end of job ${id}`, look, { ...DEFAULTS, ...options });
}

/** The job if it has succeeded. Throws `JobFailedError` when it has not. */
export function succeeded({ outcome, job }: EndedJob): ProductionJob {
  if (outcome === "succeeded") return job;
  const why = job.state.error ?? job.state.operation_message;
  const said = why ? `: ${why}` : "";
  throw new JobFailedError(`job ${job.id} "${job.name}" ended as ${job.state.current_state}${said}; see its log`, {
    outcome,
    job,
  });
}
