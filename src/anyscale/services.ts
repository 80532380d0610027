import { ConflictError } from "./errors.ts";
import type { Lookups, Placement } from "./lookups.ts";
import { apiPath, type CallOptions, type Transport } from "./transport.ts";
import { type Application, type Service, type ServiceApply, serviceSchema } from "./services-wire.ts";
import { pageOf, resultOf } from "./wire.ts";

/** A version of a service to bring up, or to move the weight of. */
export interface ServiceDeployment extends Placement {
  name: string;
  /** Name of the version; the same one again moves only its weight. */
  version: string;
  /** Import path and arguments of the one application, served below `/`. */
  application: { importPath: string; args: Record<string, unknown> };
  /** Local directory, uploaded content-addressed; or a URI, passed on; null for none. */
  workingDirectory: string | null;
  envVars: Record<string, string>;
  /** Share of requests for the new version, 0..100; null leaves the pace to Anyscale (or there is no older version). */
  canaryPercent: number | null;
  /** Whether reaching 100 ends the rollout and takes the old version down. */
  autoCompleteRollout: boolean;
  tags: Record<string, string>;
}

/** Services of the Anyscale API. Every method makes one attempt and throws an `AnyscaleError`. */
export class Services {
  readonly #transport: Transport;
  readonly #lookups: Lookups;

  constructor(transport: Transport, lookups: Lookups) {
    this.#transport = transport;
    this.#lookups = lookups;
  }

  /** Uploads the working directory if need be and applies. The same deployment twice is the same as once. */
  async deploy(deployment: ServiceDeployment, options: CallOptions = {}): Promise<Service> {
    const ids = await this.#lookups.place(deployment, options);
    const { workingDirectory, envVars, application, canaryPercent, tags } = deployment;
    const hasVariables = Object.keys(envVars).length > 0;
    const runtimeEnv = {
      ...(workingDirectory === null
        ? {}
        : await this.#lookups.workingDirectory(workingDirectory, ids.cloudId, options)),
      ...(hasVariables ? { env_vars: envVars } : {}),
    };
    const wireApplication: Application = {
      name: "default",
      route_prefix: "/",
      import_path: application.importPath,
      ...(Object.keys(application.args).length === 0 ? {} : { args: application.args }),
      runtime_env: runtimeEnv,
    };
    const body: ServiceApply = {
      name: deployment.name,
      project_id: ids.projectId,
      version: deployment.version,
      ...(canaryPercent === null ? {} : { canary_percent: canaryPercent }),
      ray_serve_config: { applications: [wireApplication] },
      build_id: ids.buildId,
      compute_config_id: ids.computeConfigId,
      config: {
        max_uptime_timeout_sec: 0,
        access: { use_bearer_token: true },
        protocols: { grpc: { enabled: false, port: 9000, service_names: [] } },
        ...(hasVariables ? { env_vars: envVars } : {}),
      },
      rollout_strategy: "ROLLOUT",
      auto_complete_rollout: deployment.autoCompleteRollout,
      ...(Object.keys(tags).length === 0 ? {} : { tags }),
    };
    return await this.apply(body, options);
  }

  /** Applies the wire's own body. */
  async apply(body: ServiceApply, options: CallOptions = {}): Promise<Service> {
    const path = "/api/v2/services-v2/apply";
    return (await this.#transport.call({ method: "PUT", path, body, reply: resultOf(serviceSchema), ...options }))
      .result;
  }

  /**
   * The service of exactly this name, terminated ones included; null when there is none. Names are unique in a project:
   * throws `ConflictError` when several projects have it and `projectId` does not choose.
   */
  async find(name: string, filter: { projectId?: string } = {}, options: CallOptions = {}): Promise<Service | null> {
    const { results } = await this.#transport.call({
      method: "GET",
      path: "/api/v2/services-v2/",
      query: {
        name,
        archive_status: "NOT_ARCHIVED",
        count: "50",
        ...(filter.projectId === undefined ? {} : { project_id: filter.projectId }),
      },
      reply: pageOf(serviceSchema),
      ...options,
    });
    const exact = results.filter((service) => service.name === name);
    if (exact.length > 1) {
      const projects = exact.map((service) => service.project_id).join(", ");
      throw new ConflictError(`service "${name}" exists in several projects (${projects}); rename all but one`);
    }
    return exact[0] ?? null;
  }

  /** Gives all traffic back to the primary version and ends the canary. Throws `InvalidRequestError` without a rollout. */
  async rollback(id: string, options: CallOptions = {}): Promise<Service> {
    return await this.#post(apiPath`/api/v2/services-v2/${id}/rollback`, options, {});
  }

  /** Asks for the end of every version; the service keeps its id, URL and token. Throws `NotFoundError`. */
  async terminate(id: string, options: CallOptions = {}): Promise<Service> {
    return await this.#post(apiPath`/api/v2/services-v2/${id}/terminate`, options);
  }

  async #post(path: string, options: CallOptions, body?: object): Promise<Service> {
    const reply = resultOf(serviceSchema);
    return (await this.#transport.call({ method: "POST", path, reply, ...(body ? { body } : {}), ...options })).result;
  }
}
