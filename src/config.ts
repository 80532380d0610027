import { delimiter } from "node:path";
import { z } from "zod";
import { TypedFailure } from "./domain/failures.ts";
import { secretNameSchema } from "./domain/source-fields-schema.ts";

/** Empty and blank values count as not set; surrounding space, such as the end of a secret's file, is cut. */
const variable = <T extends z.ZodType>(schema: T) =>
  z.preprocess((value) => (typeof value === "string" && value.trim() !== "" ? value.trim() : undefined), schema);

const text = z.string("is not set");
const address = z.url({ protocol: /^https?$/, error: "must be an http or https address" });

/** `host` or `host:port`, separated by commas; a host without a port is one of https. */
const hosts = z.string().transform((list, context) => {
  const named = list.split(",").map((host) => host.trim().toLowerCase());
  const bad = named.find((host) => !/^(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(:\d{1,5})?$/.test(host));
  if (bad !== undefined)
    context.addIssue({ code: "custom", message: "must be hosts such as reviews.internal:8443, separated by commas" });
  return named.map((host) => (/:\d+$/.test(host) ? host : `${host}:443`));
});

const bucketSchema = z.object({
  TUNELOOP_S3_URI: variable(text.regex(/^s3:\/\/[a-z0-9][a-z0-9.-]+(\/.*)?$/, "must be s3://bucket/prefix")),
  AWS_ENDPOINT_URL: variable(address.optional()),
  AWS_REGION: variable(text.optional()),
});

const environmentSchema = bucketSchema.extend({
  ANYSCALE_HOST: variable(address.default("https://console.anyscale.com")),
  // It becomes a header.
  ANYSCALE_CLI_TOKEN: variable(text.regex(/^[!-~]+$/, "must be one word of printable ASCII")),
  TUNELOOP_AUTHOR_KEY: variable(text.optional()),
  TUNELOOP_CACHE: variable(text.optional()),
  TUNELOOP_TEMPORAL_UI: variable(address.optional()),
  TUNELOOP_LOG_LEVEL: variable(z.enum(["debug", "info", "warn", "error"]).default("info")),
});

/** What a worker needs to know of its surroundings, apart from Temporal's own settings. */
export interface Config {
  /** `s3://bucket/prefix` that holds everything. */
  s3Uri: string;
  /** Of an S3 that is not AWS; null for AWS. */
  s3Endpoint: string | null;
  s3Region: string | null;
  anyscaleHost: string;
  anyscaleToken: string;
  /** Keys the hash that stands for an author; null drops authors. */
  authorKey: string | null;
  /** Directory for what can be made again; null for the user's usual one. */
  cacheDirectory: string | null;
  /** Folders of recipes that are not part of Tuneloop. */
  recipeFolders: string[];
  /** Folders of metric packs that are not part of Tuneloop. */
  metricFolders: string[];
  /** Folders of gates of rollouts that are not part of Tuneloop. */
  gateFolders: string[];
  /** Address of Temporal's web UI, without a slash at its end, for links; null for none. */
  temporalUi: string | null;
  logLevel: "debug" | "info" | "warn" | "error";
}

/** Where everything is stored, for those who need nothing else. */
export type BucketConfig = Pick<Config, "s3Uri" | "s3Endpoint" | "s3Region">;

/** Reads where the bucket is. Throws an error that names every variable that is missing or wrong, never its value. */
export function loadBucketConfig(environment: Record<string, string | undefined>): BucketConfig {
  return bucketOf(parsed(bucketSchema, environment));
}

/** What reading sources needs to know of its surroundings. */
export interface SourceConfig extends Pick<Config, "s3Endpoint" | "s3Region"> {
  /** `host:port` of hosts that are not public and may be read nevertheless. */
  allowHosts: string[];
  /** Folders of readers that are not part of Tuneloop. */
  readerFolders: string[];
  /** The value of a variable that a source names. Throws InvalidInput that names it when it is not set, or not for sources. */
  secret: (name: string) => string;
}

/** Reads what sources need, once. Throws an error that names the variable that is wrong. */
export function loadSourceConfig(environment: Record<string, string | undefined>): SourceConfig {
  const variables = { TUNELOOP_ALLOW_HOSTS: variable(hosts.default([])) };
  const env = parsed(bucketSchema.omit({ TUNELOOP_S3_URI: true }).extend(variables), environment);
  return {
    s3Endpoint: env.AWS_ENDPOINT_URL ?? null,
    s3Region: env.AWS_REGION ?? null,
    allowHosts: env.TUNELOOP_ALLOW_HOSTS,
    readerFolders: readerFolders(environment),
    secret: (name) => {
      const checked = secretNameSchema.safeParse(name);
      if (!checked.success)
        throw new TypedFailure("InvalidInput", `${name}: ${checked.error.issues[0]?.message ?? ""}`);
      const value = environment[name]?.trim() ?? "";
      if (value === "")
        throw new TypedFailure("InvalidInput", `${name} is not set: put the secret into the worker's environment`);
      return value;
    },
  };
}

/** Folders of readers, as `TUNELOOP_SOURCES` lists them: separated as in PATH; empty when it is not set. */
export function readerFolders(environment: Record<string, string | undefined>): string[] {
  return foldersIn(environment["TUNELOOP_SOURCES"]);
}

/** Folders of recipes, as `TUNELOOP_RECIPES` lists them: separated as in PATH; empty when it is not set. */
export function recipeFolders(environment: Record<string, string | undefined>): string[] {
  return foldersIn(environment["TUNELOOP_RECIPES"]);
}

/** Folders of metric packs, as `TUNELOOP_METRICS` lists them: separated as in PATH; empty when it is not set. */
export function metricFolders(environment: Record<string, string | undefined>): string[] {
  return foldersIn(environment["TUNELOOP_METRICS"]);
}

/** Folders of gates of rollouts, as `TUNELOOP_GATES` lists them: separated as in PATH; empty when it is not set. */
export function gateFolders(environment: Record<string, string | undefined>): string[] {
  return foldersIn(environment["TUNELOOP_GATES"]);
}

/** Reads the configuration, once. Throws an error that names every variable that is missing or wrong, never its value. */
export function loadConfig(environment: Record<string, string | undefined>): Config {
  const env = parsed(environmentSchema, environment);
  return {
    ...bucketOf(env),
    anyscaleHost: env.ANYSCALE_HOST,
    anyscaleToken: env.ANYSCALE_CLI_TOKEN,
    authorKey: env.TUNELOOP_AUTHOR_KEY ?? null,
    cacheDirectory: env.TUNELOOP_CACHE ?? null,
    recipeFolders: recipeFolders(environment),
    metricFolders: metricFolders(environment),
    gateFolders: gateFolders(environment),
    temporalUi: env.TUNELOOP_TEMPORAL_UI?.replace(/\/+$/, "") ?? null,
    logLevel: env.TUNELOOP_LOG_LEVEL,
  };
}

function foldersIn(list = ""): string[] {
  return list
    .split(delimiter)
    .map((folder) => folder.trim())
    .filter((folder) => folder !== "");
}

function bucketOf(env: z.infer<typeof bucketSchema>): BucketConfig {
  return { s3Uri: env.TUNELOOP_S3_URI, s3Endpoint: env.AWS_ENDPOINT_URL ?? null, s3Region: env.AWS_REGION ?? null };
}

function parsed<T extends z.ZodType>(schema: T, environment: Record<string, string | undefined>): z.infer<T> {
  const result = schema.safeParse(environment);
  if (result.success) return result.data;
  const problems = result.error.issues.map(({ path, message }) => `${path.join(".")}: ${message}`);
  throw new Error(`the environment is not complete:\n  ${problems.join("\n  ")}`);
}
