import { z } from "zod";

/** Empty and blank values count as not set; surrounding space is never part of a secret. */
const text = z.string().trim().min(1);
const optional = z.preprocess(
  (value) => (typeof value === "string" && value.trim() === "" ? undefined : value),
  text.optional(),
);

const environmentSchema = z.object({
  TUNELOOP_S3_URI: text.regex(/^s3:\/\/[a-z0-9][a-z0-9.-]+(\/.*)?$/, "must be s3://bucket/prefix"),
  AWS_ENDPOINT_URL: z.preprocess((value) => (value === "" ? undefined : value), z.url().optional()),
  AWS_REGION: optional,
  ANYSCALE_HOST: z.preprocess(
    (value) => (value === "" ? undefined : value),
    z.url().default("https://console.anyscale.com"),
  ),
  ANYSCALE_CLI_TOKEN: text,
  TUNELOOP_AUTHOR_KEY: optional,
  TUNELOOP_CACHE: optional,
  TUNELOOP_LOG_LEVEL: z.preprocess(
    (value) => (value === "" ? undefined : value),
    z.enum(["debug", "info", "warn", "error"]).default("info"),
  ),
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
  logLevel: "debug" | "info" | "warn" | "error";
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
    logLevel: env.TUNELOOP_LOG_LEVEL,
  };
}
