import { CLOUD_ID, creator, project, PROJECT_ID } from "./catalog.ts";
import type { JobQueues } from "./job-queues.ts";
import type { AttemptRecord, JobRecord } from "./records.ts";

/** What an answer says of a job that its record does not. */
export interface JobView {
  queues: JobQueues;
  overviewUrl: string;
  /** Another state than the job's own, for a fault; null for its own. */
  shownState: string | null;
}

/** A job as the external and the decorated routes answer it: the fields of both. */
export function jobAnswer(job: JobRecord, { queues, overviewUrl, shownState }: JobView) {
  const queue = queues.all().find(({ id }) => id === job.queueId);
  const last = job.attempts.at(-1);
  return {
    id: job.id,
    name: job.request.name,
    description: job.request.description ?? null,
    created_at: job.createdAt,
    updated_at: job.updatedAt,
    status_updated_at: job.updatedAt,
    creator_id: creator.id,
    config: job.request.config,
    job_queue_config: job.queueId === null ? null : { priority: job.queuePriority },
    state: {
      id: job.id.replace("prodjob_", "hajst_"),
      state_transitioned_at: job.updatedAt,
      current_state: shownState ?? job.state,
      goal_state: job.goal,
      error: job.error,
      operation_message: null,
      cluster_id: job.clusterId,
      cluster: clusterAnswer(job),
    },
    project_id: job.request.project_id ?? PROJECT_ID,
    last_job_run_id: last?.id ?? null,
    schedule_id: null,
    job_queue_id: job.queueId,
    job_queue: queue === undefined ? null : { id: queue.id, name: queue.name },
    position_in_job_queue: queues.position(job),
    overview_url: overviewUrl,
    is_service: false,
    archived_at: job.archivedAt,
    cloud_id: CLOUD_ID,
    project,
    creator,
    last_job_run: last === undefined ? null : runAnswer(job, last),
    schedule: null,
    connections: [],
  };
}

/** The attempts of a job as a search for runs answers them, the oldest first. */
export function runSummaries(job: JobRecord) {
  return job.attempts.map((attempt) => ({
    id: attempt.id,
    name: attempt.runName,
    status: attempt.status,
    created_at: attempt.createdAt,
    finished_at: attempt.finishedAt,
    ha_job_id: job.id,
    cluster_id: job.clusterId,
    ray_job_submission_id: attempt.runName,
  }));
}

/** An attempt as a job of Ray, the way the routes of runs answer it. */
export function runAnswer(job: JobRecord, attempt: AttemptRecord) {
  return {
    id: attempt.id,
    ray_session_name: "session_1",
    ray_job_id: attempt.runName,
    ray_job_submission_id: attempt.runName,
    name: attempt.runName,
    status: attempt.status,
    created_at: attempt.createdAt,
    finished_at: attempt.finishedAt,
    ha_job_id: job.id,
    cluster_id: job.clusterId,
    cluster: clusterAnswer(job),
    environment_id: job.request.config.build_id,
    project_id: job.request.project_id ?? PROJECT_ID,
    creator_id: creator.id,
    creator,
    runtime_environment: { id: attempt.id },
  };
}

/** What happened to a job, the oldest first. */
export function jobEvents(job: JobRecord) {
  const of = (index: number, at: string, type: string, message: string, level = "INFO") => ({
    id: `${job.id}_${index}`,
    created_at: at,
    event_type: type,
    level,
    message,
    origin: "JOB",
    ha_job_id: job.id,
    cluster_id: job.clusterId,
  });
  const events = [of(0, job.createdAt, "PENDING", "The job was submitted.")];
  job.attempts.forEach((attempt, index) => {
    const number = `Attempt ${index + 1}`;
    events.push(of(events.length, attempt.createdAt, "RUNNING", `${number} started.`));
    if (attempt.finishedAt === null) return;
    const how = attempt.outcome ?? "stopped";
    const type = attempt.status === "FAILED" ? "ERRORED" : "CLEANING_UP";
    const level = attempt.status === "FAILED" ? "ERROR" : "INFO";
    events.push(of(events.length, attempt.finishedAt, type, `${number} ended: ${how}.`, level));
  });
  return events;
}

function clusterAnswer(job: JobRecord) {
  return { id: job.clusterId, name: `cluster-${job.clusterId}` };
}
