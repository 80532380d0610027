import { CLOUD_ID, creator, project, PROJECT_ID } from "./catalog.ts";
import { versionsOf } from "./services.ts";
import type { JobRecord, ServiceRecord, VersionRecord } from "./state.ts";

/** A job as the external and the decorated routes answer it: the fields of both. */
export function jobAnswer(job: JobRecord, overviewUrl: string) {
  return {
    id: job.id,
    name: job.request.name,
    description: job.request.description ?? null,
    created_at: job.createdAt,
    updated_at: job.updatedAt,
    status_updated_at: job.updatedAt,
    creator_id: creator.id,
    config: job.request.config,
    job_queue_config: null,
    state: {
      id: job.id.replace("prodjob_", "hajst_"),
      state_transitioned_at: job.updatedAt,
      current_state: job.state,
      goal_state: job.goal,
      error: job.error,
      operation_message: null,
      cluster_id: job.clusterId,
      cluster: { id: job.clusterId, name: `cluster-${job.clusterId}` },
    },
    project_id: job.request.project_id ?? PROJECT_ID,
    last_job_run_id: job.attempts.at(-1)?.id ?? null,
    schedule_id: null,
    job_queue_id: null,
    overview_url: overviewUrl,
    is_service: false,
    archived_at: null,
    cloud_id: CLOUD_ID,
    project,
    creator,
    last_job_run: null,
    connections: [],
  };
}

/** The attempts of a job, the oldest first. */
export function runAnswers(job: JobRecord) {
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

/** A service as every services route answers it. */
export function serviceAnswer(service: ServiceRecord, origin: string) {
  return {
    id: service.id,
    name: service.name,
    description: service.primary.request.description ?? null,
    project_id: service.projectId,
    cloud_id: CLOUD_ID,
    creator_id: creator.id,
    created_at: service.createdAt,
    hostname: new URL(origin).hostname,
    current_state: serviceState(service),
    goal_state: service.goal,
    auth_token: service.useBearerToken ? service.token : null,
    secondary_auth_token: null,
    auto_rollout_enabled: service.rollout.percent === null,
    versions: versionsOf(service).map(versionAnswer),
    primary_version: versionAnswer(service.primary),
    canary_version: service.canary === null ? null : versionAnswer(service.canary),
    service_observability_urls: {},
    base_url: `${origin}/s/${service.slug}`,
    ended_at: service.endedAt,
    creator,
    is_multi_version: false,
    error_message: service.canary?.message ?? service.primary.message,
    type: "V2",
    service_status_checklist: { shared: [], per_version: [] },
  };
}

/** Where a service stands: the rollout, if there is one, else its primary version. */
export function serviceState(service: ServiceRecord): string {
  if (service.goal === "TERMINATED") return service.endedAt === null ? "TERMINATING" : "TERMINATED";
  if (service.rollout.goingBack) return "ROLLING_BACK";
  if (service.primary.state !== "RUNNING") return service.primary.state;
  return service.canary === null ? "RUNNING" : "ROLLING_OUT";
}

function versionAnswer(version: VersionRecord) {
  return {
    id: version.id,
    created_at: version.createdAt,
    weight: version.weight,
    current_weight: version.weight,
    target_weight: version.weight,
    version: version.version,
    ray_serve_config: version.request.ray_serve_config,
    ray_gcs_external_storage_config: null,
    tracing_config: null,
    build_id: version.request.build_id,
    compute_config_id: version.request.compute_config_id,
    production_job_ids: [version.productionJobId],
    connection_ids: null,
    current_state: version.state,
  };
}
