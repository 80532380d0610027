/** `tuneloop evaluate`: how good a model is, by itself. */
import { Command, InvalidArgumentError } from "commander";
import { createMetricCatalog } from "../adapters/metrics/catalog.ts";
import { metricFolders } from "../config.ts";
import { endpointSchema, evaluateSchema, type EvaluatePolicy } from "../domain/evaluate-schema.ts";
import { secretNameSchema } from "../domain/source-fields-schema.ts";
import { connect } from "../temporal/client.ts";
import { withBucket } from "./bucket.ts";
import { DEFAULT_STATE_DIRECTORY } from "./state-directory.ts";
import { evaluateEndpoint } from "./evaluate-endpoint.ts";
import { evaluateVersion } from "./evaluate-version.ts";
import { askingProgress, describeFound, type EvaluationFound, type ShownProgress } from "./evaluation-report.ts";
import { surroundings } from "./surroundings.ts";
import { widthOf } from "./table.ts";
import { UsageError } from "./usage-error.ts";

interface EvaluateOptions {
  url?: string;
  model?: string;
  test?: string;
  tokenSecret?: string;
  metrics?: string[];
  slices?: string[];
  concurrency?: number;
  requestsPerSecond?: number;
  timeout?: number;
  temperature?: number;
  maxTokens?: number;
  json?: boolean;
  state: string;
}

/**
 * The `evaluate` command. Exit codes: 0 when there are answers, 1 when the model cannot be asked or answers nobody, 2 when
 * the call, the file or the packs have to be mended.
 */
export function evaluateCommand(): Command {
  return new Command("evaluate")
    .description("ask a model all questions of a test set and measure its answers")
    .argument("[version]", "a model version that a pipeline's service has up, such as games-12")
    .option("--url <url>", "ask this OpenAI-compatible endpoint instead, from this process")
    .option("--model <name>", "with --url: what requests name as model")
    .option("--test <file>", "with --url: the questions, as chat-format JSONL")
    .option("--token-secret <name>", "with --url: the environment variable that holds the bearer token")
    .option("--metrics <packs>", "metric packs, by name (default: those that fit the expected answers)", list)
    .option("--slices <fields>", "fields by whose values metrics are also given, such as labels.platform", list)
    .option("--concurrency <questions>", "questions in flight at a time (default: 128)", number)
    .option("--requests-per-second <requests>", "at most", number)
    .option("--timeout <seconds>", "of one request (default: 60)", number)
    .option("--temperature <temperature>", "(default: 0)", number)
    .option("--max-tokens <tokens>", "longest answer", number)
    .option("--json", "print one JSON object")
    .option("--state <directory>", "of the local stack to use when no Temporal is configured", DEFAULT_STATE_DIRECTORY)
    .action(async (version: string | undefined, options: EvaluateOptions) => {
      const shown = askingProgress(process.stderr);
      let found: EvaluationFound;
      try {
        found = await evaluate(version ?? null, options, shown);
      } finally {
        shown.end();
      }
      process.stdout.write(options.json ? `${JSON.stringify(found)}\n` : describeFound(found, widthOf(process.stdout)));
    });
}

async function evaluate(
  version: string | null,
  options: EvaluateOptions,
  shown: ShownProgress,
): Promise<EvaluationFound> {
  const { url, model, test, tokenSecret, state } = options;
  const policy = policyOf(options);
  const environment = surroundings(process.env, state);
  const metrics = createMetricCatalog(metricFolders(environment));
  if (url !== undefined) {
    if (version !== null) throw new UsageError(`${version}: name either a model version or --url`);
    if (model === undefined) throw new UsageError("--model: name the model that the endpoint is to be asked for");
    if (test === undefined) throw new UsageError("--test: name a chat-format JSONL file with the questions");
    const endpoint = endpointSchema.safeParse({ url, model });
    if (!endpoint.success) throw issueOf(endpoint.error, { url: "--url", model: "--model" });
    const token = tokenSecret === undefined ? null : readSecret(tokenSecret);
    return evaluateEndpoint({ ...endpoint.data, token, test, evaluate: policy, metrics }, shown.show);
  }
  if (version === null) throw new UsageError("name a model version such as games-12, or an endpoint by --url");
  for (const [option, value] of Object.entries({ model, test, "token-secret": tokenSecret }))
    if (value !== undefined)
      throw new UsageError(`--${option}: belongs to --url; ${version} is asked by its pipeline's worker`);
  const client = await connect(environment);
  try {
    return await withBucket(state, (store) =>
      evaluateVersion(client, { model: version, evaluate: policy, store, metrics }, shown),
    );
  } finally {
    await client.connection.close();
  }
}

/** Options as the definition's `evaluate` has them, with its defaults and limits. */
function policyOf(options: EvaluateOptions): EvaluatePolicy {
  const { metrics, slices, concurrency, requestsPerSecond, timeout, temperature, maxTokens } = options;
  const parsed = evaluateSchema.safeParse({
    metrics,
    slices,
    concurrency,
    requestsPerSecond,
    timeoutSeconds: timeout,
    temperature,
    maxTokens,
  });
  if (parsed.success) return parsed.data;
  throw issueOf(parsed.error, {
    metrics: "--metrics",
    slices: "--slices",
    concurrency: "--concurrency",
    requestsPerSecond: "--requests-per-second",
    timeoutSeconds: "--timeout",
    temperature: "--temperature",
    maxTokens: "--max-tokens",
  });
}

function issueOf(
  error: { issues: { path: PropertyKey[]; message: string }[] },
  names: Record<string, string>,
): UsageError {
  const [issue] = error.issues;
  const field = String(issue?.path[0] ?? "");
  return new UsageError(`${names[field] ?? field}: ${issue?.message ?? "is not valid"}`);
}

/** Never by the command line, which other processes can read. */
function readSecret(name: string): string {
  const checked = secretNameSchema.safeParse(name);
  if (!checked.success) throw new UsageError(`--token-secret: ${checked.error.issues[0]?.message ?? "is not valid"}`);
  const value = (process.env[name] ?? "").trim();
  if (value === "") throw new UsageError(`--token-secret: ${name} is not set in the environment`);
  return value;
}

function list(text: string): string[] {
  return text.split(",").map((name) => name.trim());
}

function number(text: string): number {
  const value = Number(text);
  if (text.trim() === "" || Number.isNaN(value)) throw new InvalidArgumentError("must be a number");
  return value;
}
