import { BIRTH, creator, owner } from "./catalog.ts";
import { newId, now } from "./ids.ts";
import type { BuildRecord, ImageRecord } from "./records.ts";
import { Refusal } from "./refusal.ts";
import type { Store } from "./state.ts";

const DEFAULT_BUILD_ID = "bld_default0001";
/** Clients know the default image by the start of this id. */
const DEFAULT_IMAGE_ID = "DEFAULT_APP_CONFIG_ID_local";
const DEFAULT_RAY = "2.59.0";
const DEFAULT_PYTHON = "py311";

/** How an image is named once it is known here: `anyscale/image/<name>:<revision>`. */
const ALIAS = /^anyscale\/image\/([^:]+)(?::(\d+))?$/;

/**
 * Images (the wire's cluster environments) and their builds. Nothing is built or pulled: a build succeeds at once, is kept
 * and echoed, and a job that names one says in its log that it is not used.
 */
export class Images {
  readonly #store: Store<ImageRecord>;

  constructor(store: Store<ImageRecord>) {
    this.#store = store;
  }

  /** The build of the default image, named after what the caller asks for. */
  defaultBuild(rayVersion = DEFAULT_RAY, pythonVersion = DEFAULT_PYTHON): [ImageRecord, BuildRecord] {
    const build: BuildRecord = {
      id: DEFAULT_BUILD_ID,
      revision: 1,
      createdAt: BIRTH,
      imageUri: `anyscale/ray:${rayVersion}-${pythonVersion}`,
      containerfile: null,
      rayVersion,
    };
    return [{ id: DEFAULT_IMAGE_ID, name: "default", anonymous: false, createdAt: BIRTH, builds: [build] }, build];
  }

  /** A build by its id, with its image. Throws `Refusal` (404) when there is none. */
  build(id: string): [ImageRecord, BuildRecord] {
    if (id === DEFAULT_BUILD_ID) return this.defaultBuild();
    for (const image of this.#store.all()) {
      const build = image.builds.find((build) => build.id === id);
      if (build !== undefined) return [image, build];
    }
    throw new Refusal(404, `there is no build ${id}`);
  }

  /** An image by its id. Throws `Refusal` (404) when there is none. */
  image(id: string): ImageRecord {
    const image = id === DEFAULT_IMAGE_ID ? this.defaultBuild()[0] : this.#store.get(id);
    if (image === undefined) throw new Refusal(404, `there is no image ${id}`);
    return image;
  }

  /** Images by name; without a name all that are not anonymous. */
  search(name: { equals?: string | undefined; contains?: string | undefined }): ImageRecord[] {
    if (name.equals !== undefined) return this.#store.all().filter((image) => image.name === name.equals);
    return this.#store.all().filter((image) => !image.anonymous && image.name.includes(name.contains ?? ""));
  }

  /** A new image without builds. Throws `Refusal` (409) when the name is taken. */
  create(name: string, anonymous: boolean): ImageRecord {
    if (this.search({ equals: name }).length > 0) throw new Refusal(409, `there is an image "${name}" already`);
    const image: ImageRecord = { id: newId("apt"), name, anonymous, createdAt: now(), builds: [] };
    this.#store.save(image);
    return image;
  }

  /** The next revision of an image. */
  addBuild(image: ImageRecord, from: Pick<BuildRecord, "imageUri" | "containerfile" | "rayVersion">): BuildRecord {
    const build = { ...from, id: newId("bld"), revision: image.builds.length + 1, createdAt: now() };
    image.builds.push(build);
    this.#store.save(image);
    return build;
  }

  /**
   * The build of an image URI: the same URI gives the same build. `anyscale/image/<name>:<revision>` is one known here.
   * Throws `Refusal` (404) when that is not.
   */
  fromUri(uri: string, options: { name?: string | null; rayVersion?: string | null }): [ImageRecord, BuildRecord] {
    const [, aliasName, revision] = ALIAS.exec(uri) ?? [];
    if (aliasName !== undefined) return this.#fromAlias(uri, aliasName, revision);
    const name = options.name ?? uri.replace(/[^A-Za-z0-9_-]/g, "-");
    const image = this.search({ equals: name })[0] ?? this.create(name, false);
    const known = image.builds.find(({ imageUri }) => imageUri === uri);
    if (known !== undefined) return [image, known];
    const from = { imageUri: uri, containerfile: null, rayVersion: options.rayVersion ?? DEFAULT_RAY };
    return [image, this.addBuild(image, from)];
  }

  #fromAlias(uri: string, name: string, revision: string | undefined): [ImageRecord, BuildRecord] {
    const image = this.search({ equals: name })[0];
    const build = image?.builds.findLast((build) => revision === undefined || build.revision === Number(revision));
    if (image === undefined || build === undefined) throw new Refusal(404, `there is no image ${uri}`);
    return [image, build];
  }
}

/** Whether a build is the default image's, which stands for the machine's own software. */
export function isDefaultBuild(build: BuildRecord): boolean {
  return build.id === DEFAULT_BUILD_ID;
}

/** An image as every route answers it. */
export function imageAnswer({ id, name, anonymous, createdAt, builds }: ImageRecord) {
  const last = builds.at(-1);
  return { id, name, ...owner, created_at: createdAt, last_modified_at: last?.createdAt ?? createdAt, anonymous };
}

/** An image with its newest build, as the list of images answers it. */
export function imageListAnswer(image: ImageRecord) {
  const build = image.builds.at(-1);
  const latest = build && {
    id: build.id,
    revision: build.revision,
    status: "succeeded",
    application_template_id: image.id,
    application_template_name: image.name,
    docker_image_name: dockerImageName(image, build),
  };
  return { ...imageAnswer(image), creator, latest_build: latest ?? null };
}

/** A build as every route answers it. */
export function buildAnswer([image, build]: readonly [ImageRecord, BuildRecord]) {
  return {
    id: build.id,
    cluster_environment_id: image.id,
    application_template_id: image.id,
    application_template: imageAnswer(image),
    docker_image_name: dockerImageName(image, build),
    ray_version: build.rayVersion,
    revision: build.revision,
    creator_id: creator.id,
    creator,
    status: "succeeded",
    created_at: build.createdAt,
    last_modified_at: build.createdAt,
    is_byod: build.containerfile === null,
    containerfile: build.containerfile,
    config_json: null,
    registry_login_secret: null,
    error_message: null,
  };
}

function dockerImageName(image: ImageRecord, build: BuildRecord): string {
  return build.imageUri ?? `anyscale/image/${image.name}:${build.revision}`;
}
