import type { Hyperparameters } from "../domain/job-schema.ts";

/** How to train: what a job runs, and where. */
export interface RecipeJob {
  /** Local directory to upload; holds all that the entrypoint needs. */
  workingDirectory: string;
  /** Shell command of the job whose spec lies at this `s3://` URI. */
  entrypoint: (specUri: string) => string;
  /** Image to run in; null for the default of the compute. */
  imageUri: string | null;
}

/** How to serve: what a service version imports, and from where. */
export interface RecipeService {
  /** Local directory to upload; holds all that the import path needs. */
  workingDirectory: string;
  /** `file.mjs:handler` (Node) or `module:attr` (Python). */
  importPath: string;
  /** Arguments that tell the service its model version, by the `s3://` URI that the job wrote it under. */
  args: (modelUri: string) => Record<string, string>;
  /** Image to run in; null for the default of the compute. */
  imageUri: string | null;
}

/** Where a recipe may keep what it builds. */
export interface RecipeContext {
  /** Local directory, made when missing; several processes may share it. */
  cacheDirectory: string;
}

/**
 * How a model is trained and served. A job reads its spec from S3 and writes `model.json` last; a service answers
 * OpenAI's `POST /v1/chat/completions` and `GET /v1/models`.
 */
export interface Recipe {
  /** As pipelines name it. */
  readonly name: string;
  /** Checks hyperparameters and fills in defaults. Throws an error that names each field at fault. */
  parseHyperparameters(value: unknown): Hyperparameters;
  /** Builds what a training job needs; the same code gives the same directory. */
  job(context: RecipeContext): Promise<RecipeJob>;
  /** Builds what a service needs; the same code gives the same directory. */
  service(context: RecipeContext): Promise<RecipeService>;
}
