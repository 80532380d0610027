import { delimiter } from "node:path";
import { z } from "zod";

/** Empty and blank values count as not set; surrounding space, such as the end of a secret's file, is cut. */
const variable = <T extends z.ZodType>(schema: T) =>
  z.preprocess((value) => (typeof value === "string" && value.trim() !== "" ? value.trim() : undefined), schema);

const text = z.string("is not set");
const address = z.url({ protocol: /^https?$/, error: "must be an http or https address" });

const environmentSchema = z.object({
  TUNELOOP_S3_URI: variable(text.regex(/^s3:\/\/[a-z0-9][a-z0-9.-]+(\/.*)?$/, "must be s3://bucket/prefix")),
  AWS_ENDPOINT_URL: variable(address.optional()),
  AWS_REGION: variable(text.optional()),
  ANYSCALE_HOST: variable(address.default("https://console.anyscale.com")),
  // It becomes a header.
  ANYSCALE_CLI_TOKEN: variable(text.regex(/^[!-~]+$/, "must be one word of printable ASCII")),
  TUNELOOP_AUTHOR_KEY: variable(text.optional()),
  TUNELOOP_CACHE: variable(text.optional()),
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
  logLevel: "debug" | "info" | "warn" | "error";
}

/** Folders of recipes, as `TUNELOOP_RECIPES` lists them: separated as in PATH; empty when it is not set. */
export function recipeFolders(environment: Record<string, string | undefined>): string[] {
  const list = environment["TUNELOOP_RECIPES"]?.split(delimiter) ?? [];
  return list.map((folder) => folder.trim()).filter((folder) => folder !== "");
}

/** Reads the configuration, once. Throws an error that names every variable that is missing or wrong, never its value. */
export function loadConfig(environment: Record<string, string | undefined>): Config {
  const parsed = environmentSchema.safeParse(environment);
  if (!parsed.success) {
    const problems = parsed.error.issues.map(({ path, message }) => `${path.join(".")}: ${message}`);
    throw new Error(`the environment is not complete:\n  ${problems.join("\n  ")}`);
  }
  const env = parsed.data;
  return {
    s3Uri: env.TUNELOOP_S3_URI,
    s3Endpoint: env.AWS_ENDPOINT_URL ?? null,
    s3Region: env.AWS_REGION ?? null,
    anyscaleHost: env.ANYSCALE_HOST,
    anyscaleToken: env.ANYSCALE_CLI_TOKEN,
    authorKey: env.TUNELOOP_AUTHOR_KEY ?? null,
    cacheDirectory: env.TUNELOOP_CACHE ?? null,
    recipeFolders: recipeFolders(environment),
    logLevel: env.TUNELOOP_LOG_LEVEL,
  };
}
