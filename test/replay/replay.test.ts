/**
 * The replay gate: the code of today takes the decisions that every recorded run took. A change that breaks it strands
 * running workflows: guard it with `patched()`. Where no run of the old code can be alive, record anew, with
 * `TUNELOOP_RECORD_HISTORIES=1 npx vitest run --config test/vitest.config.ts --project workflows test/workflows`.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { Worker } from "@temporalio/worker";
import { DeterminismViolationError } from "@temporalio/workflow";
import { beforeAll, describe, expect, inject, it } from "vitest";
import * as workflows from "../../workflows/index.ts";
import { historiesDirectory, readHistory } from "../support/histories.ts";
import { installQuietRuntime } from "../support/temporal.ts";

/** Bytes of one payload, and events of one workflow of a cycle, that may go into history. */
const maxPayloadBytes = 256 * 1024;
const maxEvents = 500;

const types = Object.keys(workflows);
const files = types.flatMap(casesOf);
let code: string;

beforeAll(() => {
  installQuietRuntime();
  code = readFileSync(inject("workflowBundlePath"), "utf8");
});

function casesOf(type: string): string[] {
  const directory = join(historiesDirectory, type);
  return existsSync(directory) ? readdirSync(directory).map((name) => join(type, name)) : [];
}

/** Takes a recorded run's decisions anew; throws when the code takes another one. */
async function replay(bundle: string, name: string): Promise<void> {
  const history = readHistory(join(historiesDirectory, name));
  const { workflowId } = history.events?.[0]?.workflowExecutionStartedEventAttributes ?? {};
  await Worker.runReplayHistory({ workflowBundle: { code: bundle } }, history, workflowId ?? "");
}

/** Every payload of a history, decoded. */
function payloadsOf(value: unknown): Buffer[] {
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) =>
    key === "data" && typeof inner === "string" ? [Buffer.from(inner, "base64")] : payloadsOf(inner),
  );
}

describe("the replay gate", () => {
  it.each(types)("has runs of the workflow %s", (type) => {
    expect(casesOf(type)).not.toEqual([]);
  });

  it("has no runs of a workflow that is not registered", () => {
    expect(readdirSync(historiesDirectory).filter((type) => !types.includes(type))).toEqual([]);
  });

  it.each(files)("lets the workflows of today replay %s", async (name) => {
    await replay(code, name);
  });

  it("stops a workflow that takes another decision than a run did", async () => {
    const changed = code.replaceAll("submitTraining", "buyTraining");
    await expect(replay(changed, "fineTune/succeeded.json")).rejects.toBeInstanceOf(DeterminismViolationError);
  });
});

describe("recorded histories", () => {
  it.each(files)("are small and tell nothing of a machine: %s", (name) => {
    const history = JSON.parse(readFileSync(join(historiesDirectory, name), "utf8"));
    // A pipeline's run ends at the server's suggestion, wherever that is.
    if (!name.startsWith("pipeline/")) expect(history.events.length).toBeLessThan(maxEvents);
    const payloads = payloadsOf(history);
    expect(Math.max(...payloads.map(({ length }) => length))).toBeLessThan(maxPayloadBytes);
    const text = [JSON.stringify(history), ...payloads.map(String)].join("\n");
    expect(text).not.toMatch(/"identity"|"stackTrace"|node_modules|\.ts:\d/);
  });
});

describe("the workflow bundle", () => {
  it("holds no zod, which costs memory in every workflow that is kept", () => {
    expect(code).toContain("node_modules/@temporalio/workflow/");
    expect(code).not.toContain("node_modules/zod/");
  });
});
