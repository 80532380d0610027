import type { ComputeShape, ImageSource } from "../domain/compute-schema.ts";
import type { Hyperparameters } from "../domain/job-schema.ts";

/** What a pipeline chooses of a recipe. */
export interface RecipeChoice {
  /** Model to start from; null for the recipe's default, or where there is none to start from. */
  baseModel: string | null;
  hyperparameters: Hyperparameters;
}

/** What jobs and services have in common. */
interface RecipeRun {
  /** Local directory to upload; holds all that the command or the import path needs. */
  workingDirectory: string;
  /** Null for the default of the compute. */
  image: ImageSource | null;
  /** Machines; null for the account's default. A pipeline that names a compute config overrides it. */
  compute: ComputeShape | null;
  /** Python requirements to install before, a line of `requirements.txt` each. */
  requirements: string[];
  /** Never secrets: they can be read at the provider. */
  envVars: Record<string, string>;
}

/** How to train: what a job runs, and on what. */
export interface RecipeJob extends RecipeRun {
  /** Shell command of the job whose spec lies at this `s3://` URI; deterministic. */
  entrypoint: (specUri: string) => string;
}

/** How to serve: what a service version imports, and on what. */
export interface RecipeService extends RecipeRun {
  /** `file.mjs:handler` (Node) or `module:attr` (Python). */
  importPath: string;
  /** Arguments, as JSON, that tell the service its model version, by the `s3://` URI that the job wrote it under. */
  args: (modelUri: string) => Record<string, unknown>;
  /** What requests to the version of this URI name as `model`. */
  modelName: (modelUri: string) => string;
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
  /** What it trains and on what, in half a line. */
  readonly description: string;
  /**
   * Checks a choice and fills in defaults; takes its own answer unchanged. Throws an error that names each field at fault,
   * as `baseModel` and `hyperparameters.<name>`.
   */
  parse(choice: RecipeChoice): RecipeChoice;
  /** Builds what a training job needs of a choice that was parsed; the same code and choice give the same bytes. */
  job(context: RecipeContext, choice: RecipeChoice): Promise<RecipeJob>;
  /**
   * Builds what a service needs of a choice that was parsed, maybe by an earlier version of the recipe: a model is served
   * as it was trained. The same code and choice give the same bytes.
   */
  service(context: RecipeContext, choice: RecipeChoice): Promise<RecipeService>;
}
