import { InvalidRequestError } from "./errors.ts";
import type { ServiceWeights } from "./service-deployment.ts";
import { versionsOf } from "./service-wait.ts";
import type { Service, ServiceApply, ServiceApplyVersions, ServiceVersion } from "./services-wire.ts";

/**
 * Body that moves the weights of a rollout's two versions: the canary's own fields with another share. Throws
 * `InvalidRequestError` when there is no rollout, a version is not of it, or the shares do not add up to 100.
 *
 * @param autoComplete whether reaching 100 % ends the rollout
 */
export function bodyOfWeights(known: Service, weights: ServiceWeights, autoComplete: boolean): ServiceApply {
  const { name, primary_version: primary, canary_version: canary } = known;
  if (!canary || !primary) {
    throw new InvalidRequestError(
      `weights: service "${name}" has no rollout; deploy a version with canaryPercent first`,
    );
  }
  for (const version of Object.keys(weights)) named([primary, canary], version, name);
  const share = weights[primary.version];
  const percent = weights[canary.version] ?? 100 - (share ?? 0);
  if (share !== undefined) checkSum(share + percent);
  return {
    ...repeated(name, known.project_id, canary),
    canary_percent: percent,
    rollout_strategy: "ROLLOUT",
    auto_complete_rollout: autoComplete,
  };
}

/**
 * Body that moves the weights of a service of several versions. Throws `InvalidRequestError` unless every active version is
 * named, no other is, and the shares add up to 100.
 */
export function bodyOfManyWeights(known: Service, weights: ServiceWeights): ServiceApplyVersions {
  const active = versionsOf(known);
  const { name, cloud_id: cloudId, project_id: projectId } = known;
  const bodies = Object.entries(weights).map(([version, percent]) => ({
    ...repeated(name, projectId, named(active, version, name)),
    ...sharing(percent),
  }));
  const left = active.find(({ version }) => weights[version] === undefined);
  if (left !== undefined) {
    throw new InvalidRequestError(`weights: version "${left.version}" of service "${name}" is missing; 0 would end it`);
  }
  checkSum(Object.values(weights).reduce((total, percent) => total + percent, 0));
  return bodyOfMany(cloudId, projectId, bodies);
}

/** The body of several versions. */
export function bodyOfMany(cloudId: string, projectId: string, versions: ServiceApply[]): ServiceApplyVersions {
  return { rollout_strategy: "MULTI_VERSION", cloud_id: cloudId, project_id: projectId, service_versions: versions };
}

/** What one of several versions says of its share, in percent. */
export function sharing(percent: number) {
  return { rollout_strategy: "MULTI_VERSION", auto_complete_rollout: true, traffic_percent: percent };
}

/** What a version that runs would be deployed with; without `config`, which is the service's and stays. */
export function repeated(name: string, projectId: string, version: ServiceVersion): ServiceApply {
  return {
    name,
    project_id: projectId,
    version: version.version,
    ray_serve_config: version.ray_serve_config,
    build_id: version.build_id,
    compute_config_id: version.compute_config_id,
    ...passedOn(version),
  };
}

/** What a version has that this client does not set. */
export function passedOn(version: ServiceVersion) {
  return {
    ray_gcs_external_storage_config: version.ray_gcs_external_storage_config ?? undefined,
    tracing_config: version.tracing_config ?? undefined,
  };
}

/** A version by its name. Throws `InvalidRequestError` with those that there are. */
export function named(versions: readonly ServiceVersion[], wanted: string, service: string): ServiceVersion {
  const found = versions.find(({ version }) => version === wanted);
  if (found !== undefined) return found;
  const there = versions.map(({ version }) => version).join(", ") || "none";
  throw new InvalidRequestError(`version "${wanted}" is not one of service "${service}", which has ${there}`);
}

function checkSum(sum: number): void {
  if (sum !== 100) throw new InvalidRequestError(`weights: they add up to ${sum}, must be 100`);
}
