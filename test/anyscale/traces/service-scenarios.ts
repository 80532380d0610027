import type { Scenario } from "../../support/recordings.ts";

/** What the official client was asked in the recordings of services, asked of ours. */
export const serviceScenarios: Record<string, Scenario> = {};
