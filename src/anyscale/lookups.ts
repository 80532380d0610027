import { templateOf } from "./compute-config.ts";
import type { NodeTemplate } from "./compute-wire.ts";
import { NotFoundError } from "./errors.ts";
import { Images, type BuildOptions } from "./images.ts";
import type { Reference } from "./input.ts";
import { cloudSchema, computeTemplateSchema, identifiedSchema, projectSchema } from "./lookups-wire.ts";
import type { CheckedPlacement } from "./placement.ts";
import { apiPath, type CallOptions, type Transport } from "./transport.ts";
import { pageOf, resultOf } from "./wire.ts";

/** The ids of a placement, as bodies name them. */
export interface PlacementIds {
  cloudId: string;
  computeConfigId: string;
  projectId: string;
  buildId: string;
}

/** A compute config and the cloud it is of. */
interface FoundCompute {
  id: string;
  cloudId: string;
}

/**
 * Ids by name. Those of clouds and projects, and of the default cloud and project, are kept for the life of the client, as are those of
 * builds that have succeeded; so a client that lives for days does not see another default. Compute configs are looked up each time,
 * because a new version of one takes effect under the same name. Every look-up throws `NotFoundError` for a name without a match,
 * and the error that happened for one that failed.
 */
export class Lookups {
  /** Builds of images. */
  readonly images: Images;
  readonly #transport: Transport;
  readonly #known = new Map<string, string>();

  constructor(transport: Transport) {
    this.#transport = transport;
    this.images = new Images(transport);
  }

  /** Ids of a placement, in the order that the official client looks them up in; an image is built if need be. */
  async place(placement: CheckedPlacement, imageName: string, options: BuildOptions): Promise<PlacementIds> {
    const { id: computeConfigId, cloudId } = await this.#compute(placement, options);
    const projectId = await this.projectId(placement.project, cloudId, options);
    const buildId = await this.images.buildId(placement.image, imageName, cloudId, options);
    return { cloudId, computeConfigId, projectId, buildId };
  }

  /** Id of a cloud; null for the account's default. */
  async cloudId(cloud: Reference, options: CallOptions = {}): Promise<string> {
    if (typeof cloud === "object" && cloud !== null) return cloud.id;
    return await this.#remember(`cloud ${cloud ?? ""}`, async () => {
      const reply = resultOf(cloudSchema);
      if (cloud === null) {
        const call = { method: "GET" as const, path: "/ext/v0/clouds/default", reply };
        return (await this.#transport.call({ ...call, ...options })).result.id;
      }
      const call = { method: "POST" as const, path: "/api/v2/clouds/find_by_name", body: { name: cloud }, reply };
      return (await this.#transport.call({ ...call, ...options })).result.id;
    });
  }

  /** Id of a project of a cloud; null for the cloud's default project. */
  async projectId(project: Reference, cloudId: string, options: CallOptions = {}): Promise<string> {
    if (typeof project === "object" && project !== null) return project.id;
    return await this.#remember(`project ${cloudId} ${project ?? ""}`, async () => {
      if (project !== null) return await this.#projectByName(project, cloudId, options);
      const path = "/ext/v0/projects/default_project";
      const query = { parent_cloud_id: cloudId };
      const reply = resultOf(identifiedSchema);
      return (await this.#transport.call({ method: "GET", path, query, reply, ...options })).result.id;
    });
  }

  /** Id of a registered compute config by `name` (its newest version) or `name:version`; null for the cloud's default. */
  async computeConfigId(name: string | null, cloudId: string, options: CallOptions = {}): Promise<string> {
    if (name === null) return (await this.#defaultCompute(cloudId, options)).id;
    return (await this.#searchCompute(name, cloudId, options)).id;
  }

  async #compute({ cloud, computeConfig }: CheckedPlacement, options: CallOptions): Promise<FoundCompute> {
    if (computeConfig !== null && cloud === null && !isInline(computeConfig)) {
      // It says itself in which cloud it is; that need not be the default one.
      const found =
        typeof computeConfig === "string"
          ? await this.#searchCompute(computeConfig, null, options)
          : { id: computeConfig.id, config: null };
      const cloudId = found.config?.cloud_id ?? (await this.#cloudOfCompute(found.id, options));
      return { id: found.id, cloudId };
    }
    const cloudId = await this.cloudId(cloud, options);
    if (isInline(computeConfig))
      return { id: await this.#createCompute(computeConfig.inline, cloudId, options), cloudId };
    if (typeof computeConfig === "object" && computeConfig !== null) return { id: computeConfig.id, cloudId };
    return { id: await this.computeConfigId(computeConfig, cloudId, options), cloudId };
  }

  async #createCompute(
    config: Parameters<typeof templateOf>[0],
    cloudId: string,
    options: CallOptions,
  ): Promise<string> {
    const head = config.headNode === undefined ? await this.#defaultHead(cloudId, options) : null;
    const body = { config: templateOf(config, cloudId, head), anonymous: true, new_version: true };
    const reply = resultOf(identifiedSchema);
    const path = "/api/v2/compute_templates/";
    return (await this.#transport.call({ method: "POST", path, body, reply, ...options })).result.id;
  }

  async #defaultHead(cloudId: string, options: CallOptions): Promise<NodeTemplate> {
    const { config } = await this.#defaultCompute(cloudId, options);
    const head = {
      instance_type: config?.head_node_type?.instance_type ?? undefined,
      flags: config?.flags ?? undefined,
    };
    return { name: "head-node", ...head };
  }

  async #defaultCompute(cloudId: string, options: CallOptions) {
    const path = "/ext/v0/cluster_computes/default";
    const reply = resultOf(computeTemplateSchema);
    const query = { cloud_id: cloudId };
    return (await this.#transport.call({ method: "GET", path, query, reply, ...options })).result;
  }

  async #cloudOfCompute(id: string, options: CallOptions): Promise<string> {
    const path = apiPath`/ext/v0/cluster_computes/${id}`;
    const reply = resultOf(computeTemplateSchema);
    const { result } = await this.#transport.call({ method: "GET", path, reply, ...options });
    if (result.config?.cloud_id) return result.config.cloud_id;
    throw new NotFoundError(`compute config ${id} names no cloud; name the cloud as well`);
  }

  async #searchCompute(name: string, cloudId: string | null, options: CallOptions) {
    const [, base = name, version] = /^(.+?)(?::(\d+))?$/.exec(name) ?? [];
    const found = await this.#transport.call({
      method: "POST",
      path: "/api/v2/compute_templates/search",
      body: {
        orgwide: true,
        name: { equals: base },
        include_anonymous: true,
        archive_status: "NOT_ARCHIVED",
        version: version === undefined ? -1 : Number(version),
        cloud_id: cloudId ?? undefined,
      },
      reply: pageOf(computeTemplateSchema),
      ...options,
    });
    return first(found.results, `compute config "${name}"`);
  }

  async #projectByName(name: string, cloudId: string, options: CallOptions): Promise<string> {
    const reply = pageOf(projectSchema);
    const path = "/ext/v0/projects/search";
    const body = { name: { equals: name }, parent_cloud_id: { equals: cloudId } };
    const found = await this.#transport.call({ method: "POST", path, body, reply, ...options });
    const [project] = found.results;
    if (project !== undefined) return project.id;
    // As the official client: the search need not know of every project.
    const call = { method: "GET" as const, path: "/api/v2/projects/find_by_name", query: { name }, reply };
    const named = await this.#transport.call({ ...call, ...options });
    const inCloud = named.results.filter((one) => one.parent_cloud_id === cloudId);
    return first(inCloud, `project "${name}" in cloud ${cloudId}`).id;
  }

  async #remember(key: string, lookUp: () => Promise<string>): Promise<string> {
    const id = this.#known.get(key) ?? (await lookUp());
    this.#known.set(key, id);
    return id;
  }
}

function isInline(choice: CheckedPlacement["computeConfig"]): choice is Extract<typeof choice, { inline: unknown }> {
  return typeof choice === "object" && choice !== null && "inline" in choice;
}

function first<T>(results: readonly T[], what: string): T {
  const [found] = results;
  if (found === undefined) throw new NotFoundError(`there is no ${what}; create it or name another`);
  return found;
}
