import type { JobState } from "./job-schema.ts";

/** Whether a job in this state will never change again. */
export function isTerminal(state: JobState): boolean {
  switch (state) {
    case "succeeded":
    case "failed":
    case "terminated":
      return true;
    case "queued":
    case "running":
    case "unknown":
      return false;
  }
}
