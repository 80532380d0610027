/**
 * What an evaluation costs over the plainest way to ask: requests per second of `askQuestions`, with its storing on a real
 * S3 server, as a ratio to a loop of `fetch` that keeps nothing, at 1, 16 and 128 requests at a time, side by side and in
 * turns. The endpoint is another process that answers after 100 ms. Memory: of a process with a heap of 128 MB that asks
 * 50,000 questions, beside one that asks 2,000.
 */
import { fork } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { startStack } from "../../src/dev/stack.ts";
import { withStackEnvironment } from "../../src/dev/stack-file.ts";
import { benchStore, evaluation, freeze, type EvaluationRequest } from "./evaluation.ts";

export interface EvaluateFigures {
  ratio1: number;
  ratio16: number;
  ratio128: number;
  /** The most memory of a process that asks 50,000 questions. */
  rssMb: number;
  rssMb2000: number;
}

const latencyMs = 100;
const rounds = 5;
/** Rounds of questions of each lane in one measurement. */
const perLane = 30;

export async function bench(report: (line: string) => void): Promise<EvaluateFigures> {
  const stateDirectory = await mkdtemp(join(tmpdir(), "tuneloop-bench-"));
  const stack = await startStack({
    stateDirectory,
    services: ["s3"],
    ports: { temporal: 0, temporalUi: 0, s3: 0, emulator: 0 },
    environment: {},
    report,
  });
  Object.assign(process.env, withStackEnvironment(process.env, stack.environment));
  const slow = await startEndpoint(latencyMs);
  const quick = await startEndpoint(0);
  try {
    const ratio1 = await measure(slow.url, 1, report);
    const ratio16 = await measure(slow.url, 16, report);
    const ratio128 = await measure(slow.url, 128, report);
    const rssMb2000 = await memory(quick.url, 2000, report);
    const rssMb = await memory(quick.url, 50_000, report);
    return { ratio1, ratio16, ratio128, rssMb, rssMb2000 };
  } finally {
    slow.stop();
    quick.stop();
    await stack.stop();
    await rm(stateDirectory, { recursive: true, force: true });
  }
}

async function startEndpoint(milliseconds: number): Promise<{ url: string; stop: () => void }> {
  const process = fork(fileURLToPath(new URL("endpoint.ts", import.meta.url)), [String(milliseconds)]);
  const [{ port }] = await once(process, "message");
  return { url: `http://127.0.0.1:${port}`, stop: () => process.disconnect() };
}

/** The middle of the ratios of all rounds, each of an evaluation and a loop one after the other. */
async function measure(url: string, concurrency: number, report: (line: string) => void): Promise<number> {
  const testSet = await freeze(benchStore(), concurrency * perLane);
  const warmed = { url, testSet, concurrency };
  await evaluation({ ...warmed, model: `${concurrency}-warm` });
  await plainLoop(warmed);
  const ratios: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const asked = () => evaluation({ ...warmed, model: `${concurrency}-${round}` });
    const plain = () => plainLoop(warmed);
    // Whoever is first has what the other left behind.
    const order = round % 2 === 0 ? [asked, plain] : [plain, asked];
    const seconds = new Map<() => Promise<void>, number>();
    for (const run of order) seconds.set(run, await timed(run));
    const [own, other] = [seconds.get(asked) ?? 0, seconds.get(plain) ?? 0];
    ratios.push(other / own);
    const rate = (time: number): string => (testSet.records / time).toFixed(0);
    report(`${concurrency} at a time: ${rate(own)} a second, plain loop ${rate(other)}`);
  }
  return Number((ratios.toSorted((a, b) => a - b)[Math.floor(rounds / 2)] ?? 0).toFixed(3));
}

async function timed(run: () => Promise<void>): Promise<number> {
  const startedMs = performance.now();
  await run();
  return (performance.now() - startedMs) / 1000;
}

/** As plain as can be: so many loops that fetch and read the answer. */
async function plainLoop({ url, testSet, concurrency }: Omit<EvaluationRequest, "model">): Promise<void> {
  const messages = [
    { role: "system", content: "Turn the sentence about a game into one function call: f(a[v], ...). ".repeat(6) },
    { role: "user", content: "what do players say about this one, is it any good?" },
  ];
  let left = testSet.records;
  const lane = async (): Promise<void> => {
    while (left-- > 0) {
      const reply = await fetch(`${url}/v1/chat/completions`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ model: "plain", messages, temperature: 0 }),
      });
      const completion: unknown = await reply.json();
      if (!JSON.stringify(completion).includes("Portal")) throw new Error("no answer");
    }
  };
  await Promise.all(Array.from({ length: concurrency }, lane));
}

async function memory(url: string, records: number, report: (line: string) => void): Promise<number> {
  const testSet = await freeze(benchStore(), records);
  const request: EvaluationRequest = { url, model: `memory-${records}`, testSet, concurrency: 128 };
  const asker = fileURLToPath(new URL("asker.ts", import.meta.url));
  // With a heap as small as this, V8 keeps little garbage: what is left is what is needed.
  const process = fork(asker, [JSON.stringify(request)], { execArgv: ["--max-old-space-size=128"] });
  const [{ rssMb }] = await once(process, "message");
  report(`${records} questions: ${rssMb.toFixed(0)} MB at most`);
  return Math.round(rssMb);
}
