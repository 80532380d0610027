import { ConflictError, WaitFailedError } from "./errors.ts";
import {
  type Build,
  buildOperationSchema,
  buildSchema,
  deploymentInfraSchema,
  identifiedSchema,
} from "./lookups-wire.ts";
import { listed } from "./paging.ts";
import type { ImageChoice } from "./placement.ts";
import { type Look, poll, type PollOptions } from "./poll.ts";
import { apiPath, type CallOptions, type Transport } from "./transport.ts";
import { pageOf, resultOf } from "./wire.ts";

/** The default image asked for: Ray and Python as in version 0.26.112 of the official package. */
const DEFAULT_IMAGE = { python_version: "py311", ray_version: "2.59.0" };

/** Options of a call that may have to build an image first: how long and how often to look at the build. */
export interface BuildOptions extends CallOptions {
  /** Longest time that a build may take, in milliseconds. Default 3,600,000. */
  buildTimeoutMs?: number;
  /** Pause between two looks at a build, in milliseconds. Default 3,000. */
  buildPollMs?: number;
}

/** Images and their builds. The ids of builds that have succeeded are kept for the life of the client. */
export class Images {
  readonly #transport: Transport;
  readonly #known = new Map<string, string>();
  #infra: string | null = null;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /**
   * Id of the build of an image; a Containerfile is built, unless one of equal text has been built under the same name, or
   * is being built: that one is waited for.
   *
   * @param name of the image that a Containerfile is built as: `image-for-job-games-12`
   * @throws `WaitFailedError` when the build fails, `WaitTimeoutError` when it takes too long, `InvalidRequestError` for a
   * Containerfile that the API refuses
   */
  async buildId(image: ImageChoice, name: string, cloudId: string, options: BuildOptions = {}): Promise<string> {
    if (image.from === "build") return image.buildId;
    const key = JSON.stringify([image, image.from === "containerfile" ? name : null, cloudId]);
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const { signal } = options;
    const build =
      image.from === "default"
        ? await this.#default({ signal })
        : image.from === "uri"
          ? await this.#fromUri(image, cloudId, { signal })
          : await this.#fromContainerfile(image, name, cloudId, options);
    if (build.status === "succeeded") this.#known.set(key, build.id);
    return build.id;
  }

  /** The build of this id. Throws `NotFoundError`. */
  async getBuild(id: string, options: CallOptions = {}): Promise<Build> {
    const path = apiPath`/ext/v0/cluster_environment_builds/${id}`;
    return (await this.#transport.call({ method: "GET", path, reply: resultOf(buildSchema), ...options })).result;
  }

  async #default(options: CallOptions): Promise<Build> {
    const path = "/ext/v0/cluster_environment_builds/default";
    const call = { method: "GET" as const, path, query: DEFAULT_IMAGE, reply: resultOf(buildSchema) };
    return (await this.#transport.call({ ...call, ...options })).result;
  }

  async #fromUri(image: Extract<ImageChoice, { from: "uri" }>, cloudId: string, options: CallOptions): Promise<Build> {
    const body = {
      image_uri: image.imageUri,
      ray_version: image.rayVersion ?? DEFAULT_IMAGE.ray_version,
      registry_login_secret: image.registryLoginSecret ?? undefined,
      ...(await this.#cloudOfImages(cloudId, options)),
    };
    const path = "/api/v2/builds/get_or_create_build_from_image_uri";
    const reply = resultOf(buildSchema);
    return (await this.#transport.call({ method: "POST", path, body, reply, ...options })).result;
  }

  async #fromContainerfile(
    image: Extract<ImageChoice, { from: "containerfile" }>,
    name: string,
    cloudId: string,
    { signal, buildTimeoutMs = 3_600_000, buildPollMs = 3_000 }: BuildOptions,
  ): Promise<Build> {
    const cloud = await this.#cloudOfImages(cloudId, { signal });
    const imageId = (await this.#find(name, cloud, { signal })) ?? (await this.#create(name, cloud, { signal }));
    const wait = { signal, timeoutMs: buildTimeoutMs, pollMs: buildPollMs };
    const before = await this.#buildOf(imageId, image.text, { signal });
    if (before !== null) return before.status === "succeeded" ? before : await this.#wait(before.id, wait);
    const path = "/ext/v0/cluster_environment_builds/";
    const body = {
      cluster_environment_id: imageId,
      containerfile: image.text,
      containerfile_path: image.path,
      ray_version: image.rayVersion ?? undefined,
    };
    const reply = resultOf(buildOperationSchema);
    const started = await this.#transport.call({ method: "POST", path, body, reply, signal });
    return await this.#wait(started.result.cluster_environment_build_id, wait);
  }

  async #wait(id: string, wait: PollOptions): Promise<Build> {
    const look = async (options: CallOptions): Promise<Look<Build>> => {
      const build = await this.getBuild(id, options);
      if (build.status === "succeeded") return { answer: build };
      if (build.status === "failed" || build.status === "canceled") {
        const why = build.error_message ? `: ${build.error_message}` : "; its log is on the page of the image";
        throw new WaitFailedError(`image build ${id} ended as ${build.status}${why}`);
      }
      return { seen: build.status };
    };
    return await poll(`image build ${id}`, look, wait);
  }

  async #find(name: string, cloud: { cloud_id?: string }, options: CallOptions): Promise<string | null> {
    const path = "/ext/v0/cluster_environments/search";
    const body = {
      name: { equals: name },
      paging: { count: 1 },
      include_archived: false,
      include_anonymous: true,
      ...cloud,
    };
    const reply = pageOf(identifiedSchema);
    const { results } = await this.#transport.call({ method: "POST", path, body, reply, ...options });
    return results[0]?.id ?? null;
  }

  async #create(name: string, cloud: { cloud_id?: string }, options: CallOptions): Promise<string> {
    const path = "/ext/v0/cluster_environments/";
    const body = { name, anonymous: false, ...cloud };
    const reply = resultOf(identifiedSchema);
    try {
      return (await this.#transport.call({ method: "POST", path, body, reply, ...options })).result.id;
    } catch (error) {
      // Somebody else made it meanwhile.
      const id = error instanceof ConflictError ? await this.#find(name, cloud, options) : null;
      if (id === null) throw error;
      return id;
    }
  }

  /** A build of an image from equal text: one that has succeeded, else the newest that may yet; null when there is neither. */
  async #buildOf(imageId: string, text: string, options: CallOptions): Promise<Build | null> {
    const path = "/ext/v0/cluster_environment_builds/";
    const query = { cluster_environment_id: imageId, desc: "True" };
    let underWay: Build | null = null;
    for await (const build of listed(this.#transport, { path, query, item: buildSchema, pageSize: 50 }, options)) {
      if (build.containerfile !== text) continue;
      if (build.status === "succeeded") return build;
      if (build.status === "pending" || build.status === "in_progress") underWay ??= build;
    }
    return underWay;
  }

  /** Where Anyscale's own side runs on Azure, images belong to a cloud. */
  async #cloudOfImages(cloudId: string, options: CallOptions): Promise<{ cloud_id?: string }> {
    const path = "/api/v2/workos/deployment_infra";
    const reply = resultOf(deploymentInfraSchema);
    this.#infra ??= (await this.#transport.call({ method: "GET", path, reply, ...options })).result.deployment_infra;
    return this.#infra === "azure" ? { cloud_id: cloudId } : {};
  }
}
