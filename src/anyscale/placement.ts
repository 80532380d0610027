import { z } from "zod";
import { type ComputeConfig, computeConfigSchema } from "./compute-config.ts";
import { InvalidRequestError } from "./errors.ts";
import { type ById, checked, type Reference, referenceSchema } from "./input.ts";
import { readText } from "./runtime-env.ts";

/** Where, on what and in what image something runs. Everything may be left out; null means the account's default. */
export interface Placement {
  /** Default: the account's default cloud, or that of the compute config. */
  cloud?: Reference;
  /** A registered one by name, `name:version` for one version, or by id; or the machines themselves. Default: the cloud's. */
  computeConfig?: string | ById | ComputeConfig | null;
  /** Default: the cloud's default project. */
  project?: Reference;
  /** Image of a registry; at most one of this, `containerfile` and `buildId`. Default: Anyscale's own with Ray 2.59.0, Python 3.11. */
  imageUri?: string | null;
  /** Name of the secret in which the registry's credentials are; for a private `imageUri`. */
  registryLoginSecret?: string | null;
  /** Path of a local Containerfile (Dockerfile); the image is built before anything runs and kept for equal text. */
  containerfile?: string | null;
  /** Ray's version in the image. Default: 2.59.0 for an `imageUri`, what the base image has for a `containerfile`. */
  rayVersion?: string | null;
  /** A build that is known by its id. */
  buildId?: string | null;
}

/** Schemas of {@link Placement}, for the schema of what is placed. */
export const placementFields = {
  cloud: referenceSchema.nullish(),
  computeConfig: z.custom<Placement["computeConfig"]>().optional(),
  project: referenceSchema.nullish(),
  imageUri: z.string().min(1).nullish(),
  registryLoginSecret: z.string().min(1).nullish(),
  containerfile: z.string().min(1).nullish(),
  rayVersion: z.string().min(1).nullish(),
  buildId: z.string().min(1).nullish(),
};

/** A placement that has been checked and whose local parts are read. */
export interface CheckedPlacement {
  cloud: Reference;
  project: Reference;
  computeConfig: Reference | { inline: z.output<typeof computeConfigSchema> };
  image: ImageChoice;
}

/** What image to run in. `text` is the Containerfile's. */
export type ImageChoice =
  | { from: "default" }
  | { from: "build"; buildId: string }
  | { from: "uri"; imageUri: string; rayVersion: string | null; registryLoginSecret: string | null }
  | { from: "containerfile"; path: string; text: string; rayVersion: string | null };

/**
 * Checks a placement without sending anything. Throws `InvalidRequestError` when images exclude each other, an inline compute
 * config is wrong, or the Containerfile is missing.
 *
 * @param what is placed, for messages: `job`
 */
export function checkPlacement(what: string, placement: Placement): CheckedPlacement {
  const { cloud = null, project = null } = placement;
  return {
    cloud,
    project,
    computeConfig: computeConfigOf(what, placement.computeConfig ?? null),
    image: imageOf(what, placement),
  };
}

function computeConfigOf(what: string, given: NonNullable<Placement["computeConfig"]> | null) {
  const field = `${what}: computeConfig`;
  const isInline = typeof given === "object" && given !== null && !("id" in given);
  if (isInline) return { inline: checked(field, computeConfigSchema, given) };
  return checked(field, referenceSchema, given);
}

function imageOf(what: string, placement: Placement): ImageChoice {
  const { imageUri, containerfile, buildId, rayVersion = null, registryLoginSecret = null } = placement;
  const given = Object.entries({ imageUri, containerfile, buildId }).filter(([, value]) => value != null);
  if (given.length > 1) {
    throw new InvalidRequestError(`${what}: ${given.map(([name]) => name).join(" and ")} exclude each other; keep one`);
  }
  if (registryLoginSecret !== null && imageUri == null) {
    throw new InvalidRequestError(`${what}: registryLoginSecret is for an imageUri; add it or leave the secret out`);
  }
  if (rayVersion !== null && imageUri == null && containerfile == null) {
    throw new InvalidRequestError(`${what}: rayVersion is for an imageUri or a containerfile; leave it out`);
  }
  if (buildId != null) return { from: "build", buildId };
  if (imageUri != null) return { from: "uri", imageUri, rayVersion, registryLoginSecret };
  if (containerfile == null) return { from: "default" };
  return {
    from: "containerfile",
    path: containerfile,
    text: readText(`${what}: containerfile`, containerfile),
    rayVersion,
  };
}
