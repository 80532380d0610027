import { ConflictError, NotFoundError } from "./errors.ts";
import { checked } from "./input.ts";
import type { Lookups } from "./lookups.ts";
import { listed, taken } from "./paging.ts";
import type { BuildOptions } from "./images.ts";
import { prepareVersion, ServiceBodies } from "./service-bodies.ts";
import {
  isToRun,
  percentSchema,
  type ServiceDeployment,
  serviceDeploymentSchema,
  type ServiceVersionsDeployment,
  serviceVersionsDeploymentSchema,
  type ServiceWeights,
  serviceWeightsSchema,
} from "./service-deployment.ts";
import { listServices, type ServiceFilter, type ServiceScope } from "./service-list.ts";
import { type ControllerLogReading, readControllerLogs } from "./service-logs.ts";
import { type QueriedService, queryService, type ServiceQuery } from "./service-query.ts";
import { type ServiceWait, versionsOf, waitForService } from "./service-wait.ts";
import { bodyOfManyWeights, bodyOfWeights } from "./service-weights.ts";
import {
  type Service,
  type ServiceApply,
  type ServiceApplyVersions,
  serviceSchema,
  type ServiceVersion,
  serviceVersionSchema,
} from "./services-wire.ts";
import { ResourceTags } from "./tags.ts";
import { apiPath, type CallOptions, type Transport } from "./transport.ts";
import { anyReply, resultOf } from "./wire.ts";

const BASE = "/api/v2/services-v2";

/** How to move weights, and of which service. */
export interface WeightMove extends ServiceScope {
  /** Whether reaching 100 % of the canary ends the rollout and takes the old version down. Default true. */
  autoCompleteRollout?: boolean;
}

/** How to roll back. */
export interface RollbackOptions extends CallOptions {
  /** Capacity beyond the service's own while traffic goes back, in percent of it, 0..100. Default: the server's. */
  maxSurgePercent?: number;
}

/**
 * Services of the Anyscale API: a service keeps its URL and token while versions come and go behind it. Every method but
 * `wait` makes one attempt per call; all throw an `AnyscaleError`.
 */
export class Services {
  /** Tags, by the service's id. */
  readonly tags: ResourceTags;
  readonly #transport: Transport;
  readonly #bodies: ServiceBodies;

  constructor(transport: Transport, lookups: Lookups) {
    this.tags = new ResourceTags(transport, "service");
    this.#transport = transport;
    this.#bodies = new ServiceBodies(transport, lookups);
  }

  /**
   * Brings up a version: of a new service, as the canary of one that runs, or in place of what runs. The same deployment
   * twice is the same as once if it names its `version`. Answers when the order is taken: see `wait`.
   *
   * Bad input, a working directory that cannot be packed, an update in place where it is not possible and a service on
   * another cloud throw `InvalidRequestError` before anything is changed; names without a match `NotFoundError`.
   */
  async deploy(deployment: ServiceDeployment, options: BuildOptions = {}): Promise<Service> {
    const wanted = checked("service", serviceDeploymentSchema, deployment);
    const version = prepareVersion(wanted, wanted);
    const { signal } = options;
    const known = await this.find(wanted.name, await this.#bodies.scopeOf(wanted, { signal }), { signal });
    return await this.apply(await this.#bodies.ofDeployment(wanted, version, known, options), { signal });
  }

  /**
   * Gives a service exactly these versions with these shares of requests, all in one order; one that the service has or had
   * needs only its name and share. Throws `InvalidRequestError` for shares that do not add up to 100 and for a version that
   * the service never had and that does not say what to run, `ForbiddenError` where the organization may not have several versions.
   */
  async deployVersions(deployment: ServiceVersionsDeployment, options: BuildOptions = {}): Promise<Service> {
    const wanted = checked("service", serviceVersionsDeploymentSchema, deployment);
    const prepared = wanted.versions.map((version) => (isToRun(version) ? prepareVersion(version, wanted) : null));
    const { signal } = options;
    const known = await this.find(wanted.name, await this.#bodies.scopeOf(wanted, { signal }), { signal });
    const kept = wanted.versions.filter((version) => !isToRun(version)).map(({ version }) => version);
    const there = known === null ? [] : await this.#versionsWith(kept, known, { signal });
    const body = await this.#bodies.ofVersions(wanted, prepared, known, there, options);
    return await this.applyVersions(body, { signal });
  }

  /**
   * Moves the weights of versions that run and changes nothing else: `setWeights("games", { v1: 70, v2: 30 })`. During a
   * rollout one of its two versions is enough. At 100 % of the canary the rollout completes.
   *
   * @throws `NotFoundError` without such a service, `InvalidRequestError` when there is no rollout, a version is not of it, or
   * the shares do not add up to 100
   */
  async setWeights(
    name: string,
    weights: ServiceWeights,
    { autoCompleteRollout = true, ...scope }: WeightMove = {},
    options: CallOptions = {},
  ): Promise<Service> {
    const wanted = checked("weights", serviceWeightsSchema, weights);
    const known = await this.find(name, scope, options);
    if (known === null) throw new NotFoundError(`there is no service "${name}"; deploy it or check the name`);
    return known.is_multi_version
      ? await this.applyVersions(bodyOfManyWeights(known, wanted), options)
      : await this.apply(bodyOfWeights(known, wanted, autoCompleteRollout), options);
  }

  /** Applies the wire's own body. */
  async apply(body: ServiceApply, options: CallOptions = {}): Promise<Service> {
    return await this.#service("PUT", `${BASE}/apply`, options, body);
  }

  /** Applies the wire's own body for several versions. */
  async applyVersions(body: ServiceApplyVersions, options: CallOptions = {}): Promise<Service> {
    return await this.#service("PUT", `${BASE}/apply_multi_version`, options, body);
  }

  /**
   * The service of exactly this name, terminated ones included; null when there is none. Names are unique in a project:
   * throws `ConflictError` when several projects have it and `projectId` does not choose.
   */
  async find(name: string, scope: ServiceScope = {}, options: CallOptions = {}): Promise<Service | null> {
    const services = await taken(listServices(this.#transport, { ...scope, name }, options));
    if (services.length > 1) {
      const projects = services.map((service) => service.project_id).join(", ");
      throw new ConflictError(`service "${name}" exists in several projects (${projects}); name one`);
    }
    return services[0] ?? null;
  }

  /** The service of this id, archived ones included. Throws `NotFoundError`. */
  async get(id: string, options: CallOptions = {}): Promise<Service> {
    return await this.#service("GET", apiPath`/api/v2/services-v2/${id}`, options);
  }

  /** Services that match, over all pages. Throws `InvalidRequestError` for a page size that is none. */
  async list(filter: ServiceFilter = {}, options: CallOptions = {}): Promise<Service[]> {
    return await taken(listServices(this.#transport, filter, options), filter.limit);
  }

  /** Every version that a service has, past ones included, over all pages. Throws `NotFoundError`. */
  async versions(id: string, options: CallOptions = {}): Promise<ServiceVersion[]> {
    const path = apiPath`/api/v2/services-v2/${id}/versions`;
    const listing = { path, query: {}, item: serviceVersionSchema, pageSize: 50 };
    return await taken(listed(this.#transport, listing, options));
  }

  /**
   * Waits until a service, or one of its versions, has a state and a weight, with one request per poll; answers the service
   * as it is then. Survives 5xx, 429 and lost answers within its time.
   *
   * @throws `NotFoundError` when there is no such service; `WaitFailedError` as soon as the target cannot be reached any
   * more: the version is unhealthy for good, failed, rolled back or gone, the service failed or was terminated;
   * `WaitTimeoutError` when the time is up; the reason of `wait.signal`
   */
  async wait(name: string, wait: ServiceWait = {}): Promise<Service> {
    const { projectId } = wait;
    return await waitForService(name, async (options) => await this.find(name, { projectId }, options), wait);
  }

  /** Gives all traffic back to the primary version and ends the canary. Throws `InvalidRequestError` without a rollout. */
  async rollback(id: string, { maxSurgePercent, ...options }: RollbackOptions = {}): Promise<Service> {
    const percent = checked("maxSurgePercent", percentSchema.optional(), maxSurgePercent);
    const body = percent === undefined ? {} : { max_surge_percent: percent };
    return await this.#service("POST", apiPath`/api/v2/services-v2/${id}/rollback`, options, body);
  }

  /** Asks for the end of every version; the service keeps its id, URL and token. Throws `NotFoundError`. */
  async terminate(id: string, options: CallOptions = {}): Promise<Service> {
    return await this.#service("POST", apiPath`/api/v2/services-v2/${id}/terminate`, options);
  }

  /** Takes a terminated service out of listings. Throws `NotFoundError`, `InvalidRequestError` for one that runs. */
  async archive(id: string, options: CallOptions = {}): Promise<void> {
    const path = apiPath`/api/v2/services-v2/${id}/archive`;
    await this.#transport.call({ method: "POST", path, reply: anyReply, ...options });
  }

  /** Removes a terminated service for good: its name gets another URL. Throws as `archive`. */
  async delete(id: string, options: CallOptions = {}): Promise<void> {
    const path = apiPath`/api/v2/services-v2/${id}`;
    await this.#transport.call({ method: "DELETE", path, reply: anyReply, ...options });
  }

  /** Makes a second token, valid beside the first: the first half of a rotation. Answers both with the service. */
  async addToken(id: string, options: CallOptions = {}): Promise<Service> {
    return await this.#service("POST", apiPath`/api/v2/services-v2/${id}/add_secondary_auth_token`, options);
  }

  /**
   * Ends one of two tokens: the second half of a rotation. The one that is left is the first one then.
   *
   * @param token the one to end; by default the second
   */
  async deleteToken(id: string, { token, ...options }: CallOptions & { token?: string } = {}): Promise<Service> {
    const path = apiPath`/api/v2/services-v2/${id}/delete_secondary_auth_token`;
    const query = token === undefined ? {} : { query: { auth_token: token } };
    return (await this.#transport.call({ method: "POST", path, ...query, reply: resultOf(serviceSchema), ...options }))
      .result;
  }

  /**
   * Lines of what the controller of a version has logged so far, the oldest first; resumes where it was after a passing
   * failure. Throws `NotFoundError` without such a service or version, `ConflictError` for a version without a cluster yet.
   */
  async *controllerLogs(name: string, reading: ControllerLogReading = {}): AsyncGenerator<string> {
    const { projectId, signal } = reading;
    const service = await this.find(name, { projectId }, { signal });
    if (service === null) throw new NotFoundError(`there is no service "${name}"; check the name`);
    yield* readControllerLogs(this.#transport, service, reading);
  }

  /**
   * Queries a service with its token, as `fetch` does: any status is an answer, bodies stream. The API token is not sent.
   *
   *     const service = await anyscale.services.wait("games", { version: "v2" });
   *     const answer = await anyscale.services.query(service, "/v1/models", { pin: "v2" });
   *
   * @param path below the service's URL, with its query
   * @throws `ConflictError` for a service without a URL, `InvalidRequestError` for a path or pin that cannot be sent,
   * `UnavailableError` where there is no answer, the reason of `query.signal`
   */
  async query(service: QueriedService, path: string, query: ServiceQuery = {}): Promise<Response> {
    return await queryService(this.#transport, service, path, query);
  }

  /** Versions among which these are, if there are such: the active ones, else the past ones as well. */
  async #versionsWith(names: readonly string[], service: Service, options: CallOptions): Promise<ServiceVersion[]> {
    const active = versionsOf(service);
    const areActive = names.every((name) => active.some(({ version }) => version === name));
    return areActive ? active : [...active, ...(await this.versions(service.id, options))];
  }

  async #service(method: "GET" | "POST" | "PUT", path: string, options: CallOptions, body?: object): Promise<Service> {
    const reply = resultOf(serviceSchema);
    return (await this.#transport.call({ method, path, reply, ...(body ? { body } : {}), ...options })).result;
  }
}
