import type { Ports } from "../src/ports.ts";
import { createAlertActivities } from "./alerts.ts";
import { createCheckpointActivities } from "./checkpoints.ts";
import { createDatasetActivities } from "./datasets.ts";
import { createApprovalActivities } from "./approvals.ts";
import { createDecisionActivities } from "./decisions.ts";
import { createEvaluationActivities } from "./evaluations.ts";
import { createInputActivities } from "./inputs.ts";
import { createJanitorActivities } from "./janitor.ts";
import { createJobActivities } from "./jobs.ts";
import { createJudgingActivities } from "./judging.ts";
import { createPipelineActivities } from "./pipelines.ts";
import { createReportActivities } from "./reports.ts";
import { createRolloutActivities } from "./rollouts.ts";

/** All activities, as a worker registers them. */
export function createActivities(ports: Ports) {
  return {
    ...createInputActivities(ports),
    ...createDatasetActivities(ports),
    ...createJobActivities(ports),
    ...createCheckpointActivities(ports),
    ...createEvaluationActivities(ports),
    ...createJudgingActivities(ports),
    ...createDecisionActivities(ports),
    ...createApprovalActivities(ports),
    ...createRolloutActivities(ports),
    ...createPipelineActivities(ports),
    ...createJanitorActivities(ports),
    ...createReportActivities(ports),
    ...createAlertActivities(ports),
  };
}

/** All activities by name. */
export type Activities = ReturnType<typeof createActivities>;
