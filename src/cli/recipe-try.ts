/** `tuneloop recipe try`: trains a recipe on local files and scores it, without any server. */
import { Command, Option } from "commander";
import { scoreAnswers, summarise } from "../domain/evaluation.ts";
import { functionalRepresentation, learnVocabulary } from "../domain/metrics/functional-representation.ts";
import { responses } from "../domain/metrics/responses.ts";
import { renderFrame } from "../recipes/embedded/frame.ts";
import { parseEmbeddedHyperparameters } from "../recipes/embedded/hyperparameters.ts";
import { learnModel } from "../recipes/embedded/learn.ts";
import type { LearntModel, TextPair } from "../recipes/embedded/learn.ts";
import { loadModel, saveModel } from "../recipes/embedded/model.ts";
import type { FrameModel } from "../recipes/embedded/model.ts";
import { UnsuitableDataError } from "../recipes/embedded/unsuitable-data-error.ts";
import { readChatFile } from "./chat-file.ts";
import type { ChatFile } from "./chat-file.ts";
import { UsageError } from "./usage-error.ts";

/** What a trial found; ratios are 0..1. */
export interface TrialResult {
  metrics: Record<string, number | null>;
  /** Share of the answers that equal the expected one as a whole, values included. */
  exact: number;
  trainSeconds: number;
  /** Records that were trained on. */
  trainRecords: number;
  testRecords: number;
  /** Lines that were no examples, and training outputs that were no function calls. */
  leftOut: { train: number; test: number };
}

interface TryOptions {
  train: string[];
  test: string;
  seed?: number;
  json?: boolean;
}

/** The `recipe try` command; unusable files and data, and a recipe that needs servers, throw `UsageError`. */
export function recipeTryCommand(): Command {
  return new Command("try")
    .description("train the embedded recipe on local chat-format files and score it, without any server")
    .argument("[recipe]", "only embedded can be tried: the others run as jobs and services", "embedded")
    .addOption(
      new Option("--train <file>", "JSONL to train on; may be given several times")
        .argParser((file: string, files: string[] | undefined) => [...(files ?? []), file])
        .makeOptionMandatory(),
    )
    .requiredOption("--test <file>", "JSONL to score on; nothing is learnt from it")
    .option("--seed <number>", "of everything random in training", Number)
    .option("--json", "print one JSON object instead of a table")
    .action((recipe: string, options: TryOptions) => {
      if (recipe !== "embedded") throw new UsageError(needsServers(recipe));
      const result = tryRecipe(options, (line) => process.stderr.write(`${line}\n`));
      process.stdout.write(options.json === true ? `${JSON.stringify(result)}\n` : describe(result));
    })
    .exitOverride()
    .showHelpAfterError();
}

function needsServers(recipe: string): string {
  return (
    `${recipe}: only the embedded recipe can be tried without servers. A recipe that runs as a job and a service is tried ` +
    `by a cycle on the local stack: tuneloop dev, then tuneloop start -f FILE with recipe: { name: ${recipe} }`
  );
}

/** Trains and scores; tells what it does line by line. The model is saved and loaded in between, as a job and a service would. */
export function tryRecipe(options: TryOptions, tell: (line: string) => void): TrialResult {
  const training = options.train.map((path) => readChatFile(path));
  const test = readChatFile(options.test);
  for (const file of [...training, test]) tellBadLines(file, tell);
  const pairs = training.flatMap((file) => file.pairs);
  const startedAt = performance.now();
  const { saved, trainedRecords, skippedRecords } = learn(pairs, options.seed, tell);
  const trainSeconds = Number(((performance.now() - startedAt) / 1000).toFixed(3));
  if (skippedRecords > 0) tell(`${skippedRecords} training records left out: their output is no function call`);
  const { metrics, exact } = score(loadModel(saveModel(saved)), pairs, test.pairs);
  const badTrainLines = training.reduce((sum, file) => sum + file.badLines.length, 0);
  return {
    metrics,
    exact,
    trainSeconds,
    trainRecords: trainedRecords,
    testRecords: test.pairs.length,
    leftOut: { train: badTrainLines + skippedRecords, test: test.badLines.length },
  };
}

function learn(pairs: readonly TextPair[], seed: number | undefined, tell: (line: string) => void): LearntModel {
  let hyperparameters;
  try {
    hyperparameters = parseEmbeddedHyperparameters(seed === undefined ? {} : { seed });
  } catch (cause) {
    throw new UsageError(`--seed: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
  try {
    return learnModel(pairs, hyperparameters, (step, total, loss) =>
      tell(`step ${step}/${total} loss ${loss.toFixed(4)}`),
    );
  } catch (cause) {
    throw cause instanceof UnsuitableDataError ? new UsageError(cause.message, { cause }) : cause;
  }
}

function score(
  model: FrameModel,
  training: readonly TextPair[],
  test: readonly TextPair[],
): Pick<TrialResult, "metrics" | "exact"> {
  const vocabulary = learnVocabulary(training.map(({ output }) => output));
  let equal = 0;
  const packs = [responses, functionalRepresentation.create({}, { vocabulary, prices: null })];
  const predictions = test.map(({ input, output }, index) => {
    const answer = renderFrame(model.predict(input));
    if (answer === (output.split("Output: ").at(-1) ?? "").trim()) equal++;
    const [id, none] = [String(index), null];
    return { id, expected: output, answer, error: none, latencyMs: 0, promptTokens: none, completionTokens: none };
  });
  const records = predictions.map(({ id, expected }) => ({
    id,
    set: "test" as const,
    question: [],
    expected,
    source: null,
    author: null,
    group: id,
    labels: {},
  }));
  const scored = scoreAnswers(records, predictions, { packs });
  return { metrics: summarise(scored, packs)["test"] ?? {}, exact: equal / test.length };
}

function tellBadLines({ path, pairs, badLines }: ChatFile, tell: (line: string) => void): void {
  if (badLines.length === 0) return;
  tell(`${path}: ${badLines.length} of ${badLines.length + pairs.length} lines left out`);
  for (const { line, reason } of badLines.slice(0, 5)) tell(`${path}: line ${line}: ${reason}`);
  if (badLines.length > 5) tell(`${path}: and ${badLines.length - 5} more`);
}

function describe(result: TrialResult): string {
  const percent = (ratio: number | null): string => (ratio === null ? "-" : `${(100 * ratio).toFixed(1)} %`);
  const rows: [string, string][] = [
    ...Object.entries(result.metrics).map(([name, ratio]): [string, string] => [name, percent(ratio)]),
    ["exact", percent(result.exact)],
    [
      "trained",
      `${result.trainRecords} records in ${result.trainSeconds.toFixed(1)} s, ${result.leftOut.train} left out`,
    ],
    ["tested", `${result.testRecords} records, ${result.leftOut.test} left out`],
  ];
  return rows.map(([name, value]) => `${name.padEnd(28)}${value}\n`).join("");
}
