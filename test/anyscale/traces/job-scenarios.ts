import type { Scenario } from "../../support/recordings.ts";

/** What the official client was asked in the recordings of jobs, look-ups and errors, asked of ours. */
export const jobScenarios: Record<string, Scenario> = {
  error_503_get: {
    run: async ({ client }) => await client.jobs.get("prodjob_a29407bce1d71963298c0f41").catch(() => null),
  },
};
