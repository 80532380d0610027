import { InvalidRequestError } from "./errors.ts";
import type { BuildOptions } from "./images.ts";
import type { Lookups, PlacementIds } from "./lookups.ts";
import { type CheckedPlacement, checkPlacement } from "./placement.ts";
import { type PackedRuntimeEnv, packRuntimeEnv, type RuntimeEnvOptions, uploadRuntimeEnv } from "./runtime-env.ts";
import {
  applicationsOf,
  type CheckedApplication,
  type CheckedDeployment,
  type CheckedVersion,
  type CheckedVersions,
} from "./service-deployment.ts";
import { bodyOfMany, named, passedOn, repeated, sharing } from "./service-weights.ts";
import type { Application, Service, ServiceApply, ServiceApplyVersions, ServiceVersion } from "./services-wire.ts";
import type { CallOptions, Transport } from "./transport.ts";

/** A version whose placement is checked and whose local parts are read; nothing of it is sent yet. */
export interface PreparedVersion {
  options: CheckedVersion;
  placement: CheckedPlacement;
  applications: readonly { options: CheckedApplication; env: PackedRuntimeEnv }[];
}

/** What is sent to deploy: looked up, uploaded and put together. */
export class ServiceBodies {
  readonly #transport: Transport;
  readonly #lookups: Lookups;

  constructor(transport: Transport, lookups: Lookups) {
    this.#transport = transport;
    this.#lookups = lookups;
  }

  /** Ids of the cloud and the project that are named, to look a service up in. Throws `NotFoundError`. */
  async scopeOf({ cloud, project }: Pick<CheckedDeployment, "cloud" | "project">, options: CallOptions) {
    const cloudId = cloud == null ? undefined : await this.#lookups.cloudId(cloud, options);
    if (project == null) return { cloudId };
    const parentId = cloudId ?? (await this.#lookups.cloudId(null, options));
    return { cloudId, projectId: await this.#lookups.projectId(project, parentId, options) };
  }

  /**
   * Body of a deployment. Throws `InvalidRequestError` when the service is in another cloud or cannot be updated in place.
   *
   * @param known the service as it is, null for a new one
   */
  async ofDeployment(
    wanted: CheckedDeployment,
    version: PreparedVersion,
    known: Service | null,
    options: BuildOptions,
  ): Promise<ServiceApply> {
    if (wanted.inPlace) return await this.#inPlace(wanted, version, known, options);
    const ids = await this.#place(wanted.name, version, known, options);
    // Who serves nothing has no traffic to share: the official client leaves the percent out as well.
    const serves = known !== null && known.current_state !== "TERMINATED";
    return {
      ...(await this.#run(wanted.name, version, ids, wanted.queryAuthTokenEnabled, options)),
      version: wanted.version ?? undefined,
      description: wanted.description,
      canary_percent: serves ? (wanted.canaryPercent ?? undefined) : undefined,
      max_surge_percent: wanted.maxSurgePercent,
      rollout_strategy: "ROLLOUT",
      auto_complete_rollout: wanted.autoCompleteRollout,
    };
  }

  /**
   * Body of all versions of a service. Throws `InvalidRequestError` for one that the service never
   * had and that does not say what to run.
   *
   * @param prepared what `wanted.versions` shall run, null for those that the service has, in their order
   * @param there versions that the service has or had, the active ones first
   */
  async ofVersions(
    wanted: CheckedVersions,
    prepared: readonly (PreparedVersion | null)[],
    known: Service | null,
    there: readonly ServiceVersion[],
    options: BuildOptions,
  ): Promise<ServiceApplyVersions> {
    const { name, cloud = null, project = null } = wanted;
    const cloudId = known?.cloud_id ?? (await this.#lookups.cloudId(cloud, options));
    const projectId = known?.project_id ?? (await this.#lookups.projectId(project, cloudId, options));
    const bodies: ServiceApply[] = [];
    for (const [index, { version, trafficPercent, queryAuthTokenEnabled }] of wanted.versions.entries()) {
      const toRun = prepared[index];
      const body = toRun
        ? await this.#run(name, toRun, await this.#place(name, toRun, known, options), queryAuthTokenEnabled, options)
        : repeated(name, projectId, named(there, version, name));
      bodies.push({ ...body, version, ...sharing(trafficPercent) });
    }
    return bodyOfMany(cloudId, projectId, bodies);
  }

  async #inPlace(
    wanted: CheckedDeployment,
    version: PreparedVersion,
    known: Service | null,
    options: CallOptions,
  ): Promise<ServiceApply> {
    const { service, primary } = updatable(wanted.name, known);
    const ids: PlacementIds = {
      cloudId: service.cloud_id,
      projectId: service.project_id,
      buildId: primary.build_id,
      computeConfigId: primary.compute_config_id,
    };
    return {
      ...(await this.#run(wanted.name, version, ids, service.auth_token != null, options)),
      ...passedOn(primary),
      version: wanted.version ?? undefined,
      description: wanted.description,
      rollout_strategy: "IN_PLACE",
      auto_complete_rollout: true,
    };
  }

  /** Ids of a version's placement; that the service is in their cloud is known before anything is made there. */
  async #place(name: string, { placement }: PreparedVersion, known: Service | null, options: BuildOptions) {
    const { cloud, computeConfig } = placement;
    const isOfCloud =
      cloud !== null || computeConfig === null || (typeof computeConfig === "object" && "inline" in computeConfig);
    if (known !== null && isOfCloud) checkCloud(known, await this.#lookups.cloudId(cloud, options));
    const ids = await this.#lookups.place(placement, `image-for-service-${name}`, options);
    if (known !== null) checkCloud(known, ids.cloudId);
    return ids;
  }

  async #run(
    name: string,
    { options: version, applications }: PreparedVersion,
    { cloudId, projectId, buildId, computeConfigId }: PlacementIds,
    useBearerToken: boolean,
    options: CallOptions,
  ): Promise<ServiceApply> {
    const wire: Application[] = [];
    for (const { options: application, env } of applications) {
      wire.push({
        name: application.name,
        route_prefix: application.routePrefix,
        import_path: application.importPath,
        args: isEmpty(application.args) ? undefined : application.args,
        deployments: application.deployments,
        runtime_env: await uploadRuntimeEnv(env, cloudId, this.#transport, options),
      });
    }
    return {
      name,
      project_id: projectId,
      ray_serve_config: { applications: wire },
      build_id: buildId,
      compute_config_id: computeConfigId,
      config: {
        max_uptime_timeout_sec: 0,
        access: { use_bearer_token: useBearerToken },
        protocols: { grpc: { enabled: false, port: 9000, service_names: [] } },
        env_vars: isEmpty(version.envVars) ? undefined : { ...version.envVars },
      },
      tags: isEmpty(version.tags) ? undefined : version.tags,
    };
  }
}

/** Checks a version and reads what is local of it. Throws `InvalidRequestError`. */
export function prepareVersion(
  version: CheckedVersion,
  { cloud, project }: Pick<CheckedDeployment, "cloud" | "project">,
): PreparedVersion {
  return {
    options: version,
    placement: checkPlacement("service", { ...version, cloud, project }),
    applications: applicationsOf(version).map((options) => ({
      options,
      env: packRuntimeEnv(merged(options.runtimeEnv ?? {}, version)),
    })),
  };
}

/** An application's own files and environment with the version's, which win. */
function merged(own: RuntimeEnvOptions, version: RuntimeEnvOptions): RuntimeEnvOptions {
  return {
    workingDirectory: version.workingDirectory ?? own.workingDirectory,
    excludes: [...(own.excludes ?? []), ...(version.excludes ?? [])],
    pyModules: [...(own.pyModules ?? []), ...(version.pyModules ?? [])],
    requirements: version.requirements ?? own.requirements,
    envVars: { ...own.envVars, ...version.envVars },
  };
}

/** The one version of a service that can be updated in place. Throws `InvalidRequestError` when there is none. */
function updatable(name: string, known: Service | null): { service: Service; primary: ServiceVersion } {
  const refusal = (why: string) => new InvalidRequestError(`inPlace: service "${name}" ${why}`);
  if (known === null) throw refusal("does not exist; deploy it without inPlace first");
  if (known.current_state === "TERMINATED" || known.current_state === "TERMINATING" || !known.primary_version) {
    throw refusal("is terminated; deploy it without inPlace");
  }
  if (known.is_multi_version) throw refusal("has several versions; deploy them without inPlace");
  if (known.canary_version) throw refusal("is in a rollout; complete it or roll it back first");
  return { service: known, primary: known.primary_version };
}

function checkCloud(known: Service, cloudId: string): void {
  if (known.cloud_id === cloudId) return;
  throw new InvalidRequestError(
    `cloud: service "${known.name}" is in ${known.cloud_id} and stays there, the deployment is for ${cloudId}; name its cloud`,
  );
}

function isEmpty(record: object | undefined): boolean {
  return record === undefined || Object.keys(record).length === 0;
}
