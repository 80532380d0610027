/** What the demo feeds the loop with: generated records, or a person's own files. */
import { readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import type { z } from "zod";
import type { pipelineSchema } from "../domain/pipeline-schema.ts";
import { canonicalMessages, questionAndAnswer } from "../domain/record.ts";
import { generateSample, SAMPLE_SOURCES, type SampleItem, type SampleOptions } from "./sample-data.ts";

/** Name of the demo's pipeline, dataset and model. */
export const DEMO_PIPELINE = "games";

/** Items drawn beyond those that are needed. */
const spare = 50;

/** One delivery of feedback and what becomes of it. */
export interface DemoRound {
  title: string;
  /** JSONL by source id. */
  deliveries: Record<string, string>;
}

/** A demo on paper. */
export interface DemoPlan {
  rounds: DemoRound[];
  /** JSONL of the frozen test set; null keeps a share of the data back. */
  testSet: string | null;
  sources: string[];
  /** The one of the sources that is read over HTTP; the others deliver to the bucket. Null: none. */
  feedSource: string | null;
}

/**
 * Three rounds of generated records: few make a first champion, more make a better challenger, and a broken labelling
 * job makes a worse one.
 */
export function generatedPlan(): DemoPlan {
  const test = generateSample({ seed: 4, count: 400, split: "test" });
  const asked = new Set(test.map(questionOf));
  const deliver = (options: SampleOptions): Record<string, string> => deliveriesOf(options, asked);
  return {
    sources: [...SAMPLE_SOURCES],
    feedSource: SAMPLE_SOURCES[1],
    testSet: toJsonl(test),
    rounds: [
      {
        title: "200 records of feedback make a first champion",
        deliveries: deliver({ seed: 1, count: 200, split: "train" }),
      },
      { title: "800 more make a challenger", deliveries: deliver({ seed: 2, count: 800, split: "train" }) },
      {
        title: "1,000 more, but their labelling job went wrong",
        deliveries: deliver({ seed: 3, count: 1000, split: "train", wrongLabels: true }),
      },
    ],
  };
}

/** One round of a person's own chat-format files, each `*.jsonl` of the directory a source. Throws when there is none. */
export function ownPlan(directory: string, testFile: string | null): DemoPlan {
  const files = readdirSync(directory)
    .filter((name) => name.endsWith(".jsonl"))
    .toSorted();
  if (files.length === 0) throw new Error(`${directory}: no *.jsonl file; each one becomes a source`);
  const deliveries: Record<string, string> = {};
  for (const file of files) {
    const id = sourceId(file);
    if (id in deliveries) throw new Error(`${directory}: two files become the source ${id}; rename one`);
    deliveries[id] = readFileSync(join(directory, file), "utf8");
  }
  const sources = Object.keys(deliveries);
  return {
    sources,
    feedSource: null,
    testSet: testFile === null ? null : readFileSync(testFile, "utf8"),
    rounds: [{ title: `${sources.length} ${sources.length === 1 ? "file" : "files"} of ${directory}`, deliveries }],
  };
}

/**
 * The pipeline of a demo: quick steps, since nobody waits an hour for a demo's bake time.
 *
 * @param bucket `s3://` URI, ending in `/`
 * @param feedUrl where the source that is read over HTTP is
 */
export function demoDefinition(plan: DemoPlan, bucket: string, feedUrl: string): z.input<typeof pipelineSchema> {
  return {
    name: DEMO_PIPELINE,
    sources: plan.sources.map((id) =>
      id === plan.feedSource
        ? { id, kind: "http" as const, url: feedUrl }
        : { id, kind: "s3-jsonl" as const, uri: `${bucket}${sourcePrefix(id)}` },
    ),
    dataset:
      plan.testSet === null
        ? { split: { valid: 0, test: 0.2 } }
        : { split: { valid: 0, test: 0 }, testSet: `${bucket}${DEMO_TEST_SET}` },
    recipe: { name: "embedded", hyperparameters: { seed: 42 } },
    rollout: { steps: [10, 50, 100], soakSeconds: 1, bakeSeconds: 1 },
  };
}

/** Key of the demo's test set. */
export const DEMO_TEST_SET = "demo/test.jsonl";

/** Where a source of the demo delivers. */
export function sourcePrefix(source: string): string {
  return `demo/${source}/`;
}

/** Short sentences repeat: those of the test set are left out, and a few more are drawn in their place. */
function deliveriesOf(options: SampleOptions, asked: Set<string>): Record<string, string> {
  const drawn = generateSample({ ...options, count: options.count + spare });
  const items = drawn.filter((item) => !asked.has(questionOf(item))).slice(0, options.count);
  return Object.fromEntries(
    SAMPLE_SOURCES.map((source) => [source, toJsonl(items.filter((item) => item.source === source))]),
  );
}

function questionOf({ messages }: SampleItem): string {
  return canonicalMessages(questionAndAnswer(messages).question);
}

function toJsonl(items: readonly object[]): string {
  return items.map((item) => `${JSON.stringify(item)}\n`).join("");
}

function sourceId(file: string): string {
  const id = basename(file, ".jsonl")
    .toLowerCase()
    .replace(/[^a-z0-9-]+/g, "-");
  return id.slice(0, 40);
}
