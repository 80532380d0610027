import { CLOUD_ID, creator, project } from "./catalog.ts";
import {
  type ServiceEvent,
  type ServiceRecord,
  serviceState,
  type VersionRecord,
  versionsOf,
} from "./service-records.ts";

/** A service as every services route answers it. */
export function serviceAnswer(service: ServiceRecord, origin: string) {
  const { primary, canary, update, others } = service;
  const primaryAnswer = versionAnswer(primary, update);
  const sick = [canary, update, primary, ...others].find((version) => version?.state === "UNHEALTHY");
  return {
    id: service.id,
    name: service.name,
    description: service.description,
    project_id: service.projectId,
    cloud_id: CLOUD_ID,
    creator_id: creator.id,
    created_at: service.createdAt,
    hostname: new URL(origin).hostname,
    current_state: serviceState(service),
    goal_state: service.goal,
    auth_token: service.useBearerToken ? service.token : null,
    secondary_auth_token: service.useBearerToken ? service.secondaryToken : null,
    auto_rollout_enabled: service.rollout.automatic,
    versions: [
      primaryAnswer,
      ...versionsOf(service)
        .slice(1)
        .map((version) => versionAnswer(version)),
    ],
    primary_version: primaryAnswer,
    canary_version: canary === null ? null : versionAnswer(canary),
    service_observability_urls: {},
    base_url: `${origin}/s/${service.slug}`,
    ended_at: service.endedAt,
    archived_at: service.archivedAt,
    creator,
    is_multi_version: service.isMultiVersion,
    error_message: sick?.message ?? service.error,
    type: "V2",
    service_status_checklist: { shared: [], per_version: [] },
  };
}

/** A version of a service; `update` is what is about to take its place. */
export function versionAnswer(version: VersionRecord, update: VersionRecord | null = null) {
  const state = update === null || update.state === "UNHEALTHY" ? (update ?? version).state : "UPDATING";
  return {
    id: version.id,
    created_at: version.createdAt,
    weight: version.weight,
    current_weight: version.weight,
    target_weight: version.target,
    version: version.version,
    ray_serve_config: version.request.ray_serve_config,
    ray_gcs_external_storage_config: version.request["ray_gcs_external_storage_config"] ?? null,
    tracing_config: version.request["tracing_config"] ?? null,
    build_id: version.request.build_id,
    compute_config_id: version.request.compute_config_id,
    production_job_ids: [version.productionJobId],
    connection_ids: null,
    current_state: state,
  };
}

/** The cluster that a version would run on; its logs are asked for by this id. */
export function clusterIdOf({ productionJobId }: VersionRecord): string {
  return productionJobId.replace("prodjob_", "ses_");
}

/** The job behind a version, as the routes of jobs answer it: that is how the logs of a version are found. */
export function versionJobAnswer(service: ServiceRecord, version: VersionRecord, origin: string) {
  const clusterId = clusterIdOf(version);
  const ended = version.state === "TERMINATING" || version.state === "TERMINATED";
  return {
    id: version.productionJobId,
    name: service.name,
    description: null,
    created_at: version.createdAt,
    updated_at: version.createdAt,
    status_updated_at: version.createdAt,
    creator_id: creator.id,
    config: {
      build_id: version.request.build_id,
      compute_config_id: version.request.compute_config_id,
      entrypoint: "",
    },
    job_queue_config: null,
    state: {
      id: version.productionJobId.replace("prodjob_", "hajst_"),
      state_transitioned_at: version.createdAt,
      current_state: ended ? "TERMINATED" : "RUNNING",
      goal_state: ended ? "TERMINATED" : "RUNNING",
      error: version.message,
      operation_message: null,
      cluster_id: clusterId,
      cluster: { id: clusterId, name: `cluster-${clusterId}` },
    },
    project_id: service.projectId,
    last_job_run_id: null,
    schedule_id: null,
    job_queue_id: null,
    overview_url: `${origin}/s/${service.slug}`,
    is_service: true,
    archived_at: null,
    cloud_id: CLOUD_ID,
    project,
    creator,
    last_job_run: null,
    connections: [],
  };
}

/** An event of a service. */
export function eventAnswer(service: ServiceRecord, event: ServiceEvent) {
  return {
    id: event.id,
    created_at: event.at,
    event_type: event.type,
    current_state: event.state,
    goal_state: service.goal,
    level: event.level,
    message: event.message,
    origin: event.versionId === null ? "SERVICE" : "SERVICE_VERSION",
    service_id: service.id,
    service_version_id: event.versionId,
    service_version_name: event.version,
  };
}
