/** `tuneloop recipe try`: trains a recipe on local files and scores it, without any server. */
import { Command, Option } from "commander";
import type { Prediction, TestRecord } from "../domain/evaluation-schema.ts";
import { scoreAnswers, summarise } from "../domain/evaluation.ts";
import { classification } from "../domain/metrics/classification.ts";
import { exactMatch } from "../domain/metrics/exact-match.ts";
import { functionalRepresentation, learnVocabulary } from "../domain/metrics/functional-representation.ts";
import type { MetricPackKind } from "../domain/metrics/metric.ts";
import { textOverlap } from "../domain/metrics/text-overlap.ts";
import { framePart } from "../recipes/embedded/frame.ts";
import { parseEmbeddedHyperparameters } from "../recipes/embedded/hyperparameters.ts";
import { learnModel } from "../recipes/embedded/learn.ts";
import type { LearntModel, TextPair } from "../recipes/embedded/learn.ts";
import { loadModel, saveModel } from "../recipes/embedded/model.ts";
import type { EmbeddedModel } from "../recipes/embedded/model.ts";
import { NO_ANSWER } from "../recipes/embedded/retrieval-model.ts";
import type { Task } from "../recipes/embedded/task.ts";
import { UnsuitableDataError } from "../recipes/embedded/unsuitable-data-error.ts";
import { readChatFile } from "./chat-file.ts";
import type { ChatFile } from "./chat-file.ts";
import { UsageError } from "./usage-error.ts";

/** What a trial found; ratios are 0..1. */
export interface TrialResult {
  /** What was learnt, and why that. */
  task: Task;
  taskReason: string;
  /** Ratios of the metric pack that fits the task and of exact match, by name; null where no record counts. */
  metrics: Record<string, number | null>;
  /** Share of the questions to which retrieval had no answer; null for other tasks, which always answer. */
  noAnswer: number | null;
  trainSeconds: number;
  /** Mean time of an answer. */
  answerMs: number;
  /** Records that were trained on. */
  trainRecords: number;
  testRecords: number;
  /** Lines that were no examples, and training outputs that were not of the task's shape. */
  leftOut: { train: number; test: number };
}

interface TryOptions {
  train: string[];
  test: string;
  seed?: number;
  json?: boolean;
}

/** What each task is called in front of people. Looking answers up is never called training. */
const TASK_SENTENCES: Record<Task, string> = {
  frames: "frames, a model that makes function calls",
  labels: "labels, a model that chooses one of the known outputs",
  retrieval: "retrieval, no model: answers of the most similar training records",
};

/** How the answers of each task are measured. */
const PACKS: Record<Task, MetricPackKind> = {
  frames: functionalRepresentation,
  labels: classification,
  retrieval: textOverlap,
};

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
  const { saved, choice, trainedRecords, skippedRecords } = learn(pairs, options.seed, tell);
  const trainSeconds = Number(((performance.now() - startedAt) / 1000).toFixed(3));
  if (skippedRecords > 0) tell(`${skippedRecords} training records left out: their output is not of that shape`);
  const badTrainLines = training.reduce((sum, file) => sum + file.badLines.length, 0);
  return {
    task: choice.task,
    taskReason: choice.reason,
    ...score(loadModel(saveModel(saved)), pairs, test.pairs),
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
    return learnModel(pairs, hyperparameters, {
      onTask: ({ task, reason }) => tell(`${TASK_SENTENCES[task]}: ${reason}`),
      onStep: (step, total, loss) => {
        if (loss !== null) tell(`step ${step}/${total} loss ${loss.toFixed(4)}`);
      },
    });
  } catch (cause) {
    throw cause instanceof UnsuitableDataError ? new UsageError(cause.message, { cause }) : cause;
  }
}

/** Asks every question and scores the answers by what fits the task. */
function score(
  model: EmbeddedModel,
  training: readonly TextPair[],
  test: readonly TextPair[],
): Pick<TrialResult, "metrics" | "noAnswer" | "answerMs"> {
  const isFrames = model.task === "frames";
  const records = test.map(({ input, output }, number): TestRecord => ({
    id: String(number),
    set: "test",
    question: [{ role: "user", content: input }],
    expected: isFrames ? framePart(output) : output,
    source: null,
    author: null,
    group: String(number),
    labels: {},
  }));
  const startedAt = performance.now();
  const answers = test.map(({ input }) => model.answer(input).text);
  const answerMs = Number(((performance.now() - startedAt) / test.length).toFixed(3));
  const predictions = records.map(({ id, expected }, number): Prediction => ({
    id,
    expected,
    answer: answers[number] ?? null,
    error: null,
    latencyMs: answerMs,
    promptTokens: null,
    completionTokens: null,
  }));
  const context = { vocabulary: learnVocabulary(training.map(({ output }) => output)), prices: null };
  const packs = [PACKS[model.task], exactMatch].map((kind) => kind.create({}, context));
  const metrics = summarise(scoreAnswers(records, predictions, { packs }), packs)["test"] ?? {};
  const silent = answers.filter((answer) => answer === NO_ANSWER).length;
  return { metrics, noAnswer: model.task === "retrieval" ? silent / answers.length : null, answerMs };
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
    ["task", TASK_SENTENCES[result.task]],
    ...Object.entries(result.metrics).map(([name, ratio]): [string, string] => [name, percent(ratio)]),
    ...(result.noAnswer === null ? [] : [["no_answer", percent(result.noAnswer)] satisfies [string, string]]),
    [
      result.task === "retrieval" ? "indexed" : "trained",
      `${result.trainRecords} records in ${result.trainSeconds.toFixed(1)} s, ${result.leftOut.train} left out`,
    ],
    ["tested", `${result.testRecords} records, ${result.leftOut.test} left out, ${result.answerMs.toFixed(1)} ms each`],
  ];
  return rows.map(([name, value]) => `${name.padEnd(28)}${value}\n`).join("");
}
