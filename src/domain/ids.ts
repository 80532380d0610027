/** Names derived from names: never random, so that a second start of the same intent meets the first. */

/** Number of a dataset version as its key has it: `12` -> `000012`. */
export function paddedVersion(version: number): string {
  return String(version).padStart(6, "0");
}

/** A cycle of a dataset version: `12`, and `12.2` for the first repeat. */
export function cycleNumber(version: number, repeat: number): string {
  return repeat === 1 ? String(version) : `${version}.${repeat}`;
}

/** Model version trained by a cycle: `games-12`, `games-12.2`. */
export function modelVersionId(model: string, version: number, repeat: number): string {
  return `${model}-${cycleNumber(version, repeat)}`;
}

/** The cycle that a model version of a pipeline is named after; null for another name. */
export function cycleOfModel(pipeline: string, model: string): { version: number; repeat: number } | null {
  if (!model.startsWith(`${pipeline}-`)) return null;
  const [, version, repeat = "1"] = /^([1-9]\d*)(?:\.([1-9]\d*))?$/.exec(model.slice(pipeline.length + 1)) ?? [];
  return version === undefined ? null : { version: Number(version), repeat: Number(repeat) };
}

/** Model version that lies at this URI: `games-12` at `s3://.../models/games/games-12/`. */
export function modelVersionAt(modelUri: string): string {
  return modelUri.replace(/\/$/, "").split("/").at(-1) ?? modelUri;
}

/** Dataset version in words: `games@12`. */
export function datasetVersionId(dataset: string, version: number): string {
  return `${dataset}@${version}`;
}

/**
 * Name of a job or service at Anyscale: the id with what is not `[a-z0-9-]` turned to `-`. Two ids can share a name
 * (`games/1.2` and `games-1/2`): a job is adopted only when its entrypoint is equal as well.
 */
export function anyscaleName(id: string): string {
  return id.toLowerCase().replace(/[^a-z0-9-]/g, "-");
}

/** Name of the service that serves a pipeline's models. */
export function serviceName(pipeline: string): string {
  return anyscaleName(`pipeline/${pipeline}`);
}
