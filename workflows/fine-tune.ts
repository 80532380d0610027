/**
 * Trains one model version as one paid job: looks for the job by its name before it submits one, waits without holding a
 * worker, and reads the model. No messages. Survives the loss of any worker at any point, also between the submission
 * and its answer. When cancelled, or when waiting is given up, the job is terminated.
 */
import {
  ApplicationFailure,
  proxyActivities,
  proxyLocalActivities,
  setCurrentDetails,
  workflowInfo,
} from "@temporalio/workflow";
import type { InputActivities, JobActivities, ModelSummary, TrainingJob } from "../activities/interfaces.ts";
import { anyscaleName } from "../src/domain/ids.ts";
import { isTerminal } from "../src/domain/job.ts";
import { duration } from "../src/domain/reading.ts";
import type { FineTuneInput } from "../src/domain/workflow-input-schema.ts";
import { local, outside, quick, waiting } from "./activity-options.ts";
import { labelUnlessGiven } from "./search-attributes.ts";
import { checked, isDeadline, regardless } from "./steps.ts";

const { checkFineTune } = proxyLocalActivities<InputActivities>(local);
const { submitTraining, terminateTraining } = proxyActivities<JobActivities>(outside);
const { readModel } = proxyLocalActivities<JobActivities>(quick);

/** What a finished training leaves. */
export interface FineTuneResult extends ModelSummary {
  model: string;
  jobId: string;
  url: string | null;
}

export async function fineTune(input: FineTuneInput): Promise<FineTuneResult> {
  const { workflowId } = workflowInfo();
  const request = { ...(await checked(() => checkFineTune(input))), jobName: anyscaleName(workflowId), workflowId };
  const { pipeline, model, compute } = request;
  labelUnlessGiven({ pipeline, model, stage: "train" });
  const longestSeconds = compute.timeoutSeconds * (compute.maxRetries + 1) + compute.queueSeconds;
  const { awaitJob } = proxyActivities<JobActivities>(waiting(longestSeconds));

  let ended = false;
  let job: TrainingJob | null = null;
  try {
    job = await submitTraining.executeWithOptions({ summary: request.jobName }, [request]);
    while (!isTerminal(job.state)) {
      setCurrentDetails(describe(model, job));
      job = await awaitJob.executeWithOptions({ summary: `until the job is no longer ${job.state}` }, [
        { jobId: job.jobId, known: job.state },
      ]);
    }
    ended = true;
    setCurrentDetails(describe(model, job));
    if (job.state !== "succeeded") throw jobFailed(job);
    return { model, jobId: job.jobId, url: job.url, ...(await readModel({ pipeline, model })) };
  } catch (error) {
    if (!ended) await regardless(() => terminateTraining(request));
    throw job !== null && isDeadline(error) ? jobLate(job, longestSeconds) : error;
  }
}

function jobFailed({ jobId, state, error, url }: TrainingJob): ApplicationFailure {
  const where = url === null ? "" : ` Its log: ${url}`;
  return ApplicationFailure.nonRetryable(
    `job ${state}${error === null ? "" : `: ${error}`} [job=${jobId}]${where}`,
    "JobFailed",
  );
}

function jobLate({ jobId, state }: TrainingJob, seconds: number): ApplicationFailure {
  const late = `job still ${state} after ${duration(seconds)}, and terminated [job=${jobId}]`;
  return ApplicationFailure.nonRetryable(late, "JobFailed");
}

function describe(model: string, { jobId, state, url }: TrainingJob): string {
  return `Training **${model}**: job \`${jobId}\` is ${state}.${url === null ? "" : `\n\n${url}`}`;
}
