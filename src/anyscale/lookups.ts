import { NotFoundError } from "./errors.ts";
import { apiPath, type CallOptions, type Transport } from "./transport.ts";
import { buildSchema, cloudSchema, identifiedSchema, presignedUploadSchema } from "./lookups-wire.ts";
import { pageOf, resultOf } from "./wire.ts";
import { isRemoteDirectory, packDirectory } from "./working-directory.ts";

/** The default image asked for: Ray and Python as in version 0.26.112 of the official package. */
const DEFAULT_IMAGE = { python_version: "py311", ray_version: "2.59.0" };

/** Where and on what something runs; null means the account's default. */
export interface Placement {
  /** Name of a cloud. */
  cloud: string | null;
  /** Name of a compute config, with or without `:version`. */
  computeConfig: string | null;
  /** Name of a project. */
  project: string | null;
  imageUri: string | null;
}

/** The ids of a placement, as bodies name them. */
export interface PlacementIds {
  cloudId: string;
  computeConfigId: string;
  projectId: string;
  buildId: string;
}

/**
 * Look-ups that precede a submit or an apply. Ids of clouds, projects and finished builds are kept for the life of the
 * client; compute configs are looked up each time, because a new version of one takes effect under the same name.
 */
export class Lookups {
  readonly #transport: Transport;
  readonly #known = new Map<string, string>();

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** Ids of a placement. Throws `NotFoundError` for a name without a match. */
  async place(placement: Placement, options: CallOptions): Promise<PlacementIds> {
    const cloudId = await this.#cloud(placement.cloud, options);
    const computeConfigId = await this.#computeConfig(placement.computeConfig, cloudId, options);
    const projectId = await this.#project(placement.project, cloudId, options);
    const buildId = await this.#build(placement.imageUri, options);
    return { cloudId, computeConfigId, projectId, buildId };
  }

  /**
   * The `runtime_env` fields of a working directory. A local one is uploaded unless the bucket has the same content; a
   * URI is passed on. Throws `InvalidRequestError` for a directory that cannot be packed.
   */
  async workingDirectory(directory: string, cloudId: string, options: CallOptions) {
    if (isRemoteDirectory(directory)) return { user_provided_working_dir: directory, working_dir: directory };
    const packed = packDirectory(directory);
    const { result: target } = await this.#transport.call({
      method: "POST",
      path: apiPath`/api/v2/clouds/${cloudId}/generate_cloud_data_bucket_presigned_url`,
      body: { file_type: "runtime_env_packages", file_name: packed.fileName, access_mode: "WRITE" },
      reply: resultOf(presignedUploadSchema),
      ...options,
    });
    if (!target.file_exists) await this.#transport.upload(target.url, packed.bytes, options);
    return { user_provided_working_dir: directory, working_dir: target.file_uri };
  }

  async #cloud(name: string | null, options: CallOptions): Promise<string> {
    return await this.#remember(`cloud ${name ?? ""}`, async () => {
      const call =
        name === null
          ? { method: "GET" as const, path: "/ext/v0/clouds/default" }
          : { method: "POST" as const, path: "/api/v2/clouds/find_by_name", body: { name } };
      const { result } = await this.#transport.call({ ...call, reply: resultOf(cloudSchema), ...options });
      return { id: result.id, final: true };
    });
  }

  async #computeConfig(name: string | null, cloudId: string, options: CallOptions): Promise<string> {
    if (name === null) {
      const path = "/ext/v0/cluster_computes/default";
      const reply = resultOf(identifiedSchema);
      const query = { cloud_id: cloudId };
      return (await this.#transport.call({ method: "GET", path, query, reply, ...options })).result.id;
    }
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
        cloud_id: cloudId,
      },
      reply: pageOf(identifiedSchema),
      ...options,
    });
    return firstId(found.results, `compute config "${name}"`);
  }

  async #project(name: string | null, cloudId: string, options: CallOptions): Promise<string> {
    return await this.#remember(`project ${cloudId} ${name ?? ""}`, async () => {
      if (name === null) {
        const path = "/ext/v0/projects/default_project";
        const query = { parent_cloud_id: cloudId };
        const reply = resultOf(identifiedSchema);
        const { result } = await this.#transport.call({ method: "GET", path, query, reply, ...options });
        return { id: result.id, final: true };
      }
      const found = await this.#transport.call({
        method: "POST",
        path: "/ext/v0/projects/search",
        body: { name: { equals: name }, parent_cloud_id: { equals: cloudId } },
        reply: pageOf(identifiedSchema),
        ...options,
      });
      return { id: firstId(found.results, `project "${name}"`), final: true };
    });
  }

  async #build(imageUri: string | null, options: CallOptions): Promise<string> {
    return await this.#remember(`build ${imageUri ?? ""}`, async () => {
      const call =
        imageUri === null
          ? { method: "GET" as const, path: "/ext/v0/cluster_environment_builds/default", query: DEFAULT_IMAGE }
          : {
              method: "POST" as const,
              path: "/api/v2/builds/get_or_create_build_from_image_uri",
              body: { image_uri: imageUri, ray_version: DEFAULT_IMAGE.ray_version },
            };
      const { result } = await this.#transport.call({ ...call, reply: resultOf(buildSchema), ...options });
      return { id: result.id, final: result.status === "succeeded" };
    });
  }

  async #remember(key: string, lookUp: () => Promise<{ id: string; final: boolean }>): Promise<string> {
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const { id, final } = await lookUp();
    if (final) this.#known.set(key, id);
    return id;
  }
}

function firstId(results: { id: string }[], what: string): string {
  const [first] = results;
  if (first === undefined) throw new NotFoundError(`there is no ${what}; create it or name another`);
  return first.id;
}
