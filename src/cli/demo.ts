/** `tuneloop demo`: the whole loop on this machine, in about a minute and without an account. */
import { existsSync, readdirSync, rmSync } from "node:fs";
import { Command } from "commander";
import { generatedPlan, ownPlan, type DemoPlan } from "../dev/demo-data.ts";
import { startDemoFeed, type DemoFeed } from "../dev/demo-feed.ts";
import { runDemo, type DemoCycle } from "../dev/demo.ts";
import { startStack, type Stack } from "../dev/stack.ts";
import { demoDirectory, withStackEnvironment } from "../dev/stack-file.ts";
import { USUAL_PORTS } from "../dev/stack-plan.ts";
import { leakWarning } from "../domain/report.ts";
import { connect } from "../temporal/client.ts";
import { readChatFile } from "./chat-file.ts";
import { shellWord } from "../domain/shell.ts";
import { refuseStateInUse } from "./dev.ts";
import { screenFor, type Screen } from "./screen.ts";
import { DEFAULT_STATE_DIRECTORY } from "./state-directory.ts";
import { UsageError } from "./usage-error.ts";

const DEMO_STATE = demoDirectory(DEFAULT_STATE_DIRECTORY);

interface DemoOptions {
  data?: string;
  test?: string;
  state: string;
  keep?: boolean;
  json?: boolean;
}

/** The `demo` command. Ends by itself with exit code 0, or 1 when a cycle did not get to an outcome. */
export function demoCommand(): Command {
  return new Command("demo")
    .description("run the whole loop on embedded servers, on generated feedback or on your own")
    .option("--data <directory>", "your chat-format files instead, each *.jsonl one source")
    .option("--test <file>", "with --data: the questions both models are asked; else a share of the data is kept back")
    .option("--state <directory>", "where everything is kept; the usual one is emptied first", DEMO_STATE)
    .option("--keep", "leave the servers up at the end, to look around, until Ctrl-C")
    .option("--json", "print one JSON object at the end, progress on standard error")
    .action(async (options: DemoOptions) => {
      const screen = screenFor(options.json ? process.stderr : process.stdout);
      const plan = planOf(options);
      makeRoom(options.state);
      const feed = await startDemoFeed();
      try {
        await perform(feed, plan, screen, options);
      } finally {
        await feed.stop();
      }
    });
}

async function perform(feed: DemoFeed, plan: DemoPlan, screen: Screen, options: DemoOptions): Promise<void> {
  const startedMs = performance.now();
  screen.open("Tuneloop demo");
  const stack = await startStack({
    stateDirectory: options.state,
    ports: USUAL_PORTS,
    environment: { ...withoutAccounts(process.env), TUNELOOP_ALLOW_HOSTS: feed.host },
    report: (line) => screen.line(line),
  });
  try {
    const cycles = await play(stack, feed, plan, screen);
    const seconds = (performance.now() - startedMs) / 1000;
    screen.box("Where to look", whereToLook(stack, cycles, options));
    if (options.json) process.stdout.write(`${JSON.stringify({ cycles, seconds })}\n`);
    if (options.keep) await interruption();
    screen.close(`Done in ${seconds.toFixed(0)} s.`);
  } finally {
    await stack.stop();
  }
}

async function play(stack: Stack, feed: DemoFeed, plan: DemoPlan, screen: Screen): Promise<DemoCycle[]> {
  const client = await connect(withStackEnvironment(process.env, stack.environment));
  try {
    return await runDemo({ stack, client, feed }, plan, {
      round: (title) => screen.line(title),
      step: (text) => screen.line(`  ${text}`),
      cycle: (cycle) => screen.box(headline(cycle), describeCycle(cycle)),
    });
  } finally {
    await client.connection.close();
  }
}

function planOf({ data, test }: DemoOptions): DemoPlan {
  if (data === undefined) {
    if (test !== undefined) throw new UsageError("--test goes with --data");
    return generatedPlan();
  }
  if (test !== undefined) {
    const [bad] = readChatFile(test).badLines;
    if (bad !== undefined) throw new UsageError(`${test}: line ${bad.line}: ${bad.reason}`);
  }
  try {
    return ownPlan(data, test ?? null);
  } catch (error) {
    throw new UsageError(`--data: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** The demo starts from nothing. Only its own directory is emptied; another one must be empty already. */
function makeRoom(stateDirectory: string): void {
  refuseStateInUse(stateDirectory);
  if (stateDirectory === DEMO_STATE) rmSync(stateDirectory, { recursive: true, force: true });
  else if (existsSync(stateDirectory) && readdirSync(stateDirectory).length > 0) {
    throw new UsageError(`${stateDirectory} is not empty: the demo starts from nothing`);
  }
}

/** The demo never touches a server or account that happens to be configured. */
function withoutAccounts(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const foreign = /^(TEMPORAL|AWS|ANYSCALE|TUNELOOP)_/;
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !foreign.test(name)));
}

function headline({ outcome, champion, challenger }: DemoCycle): string {
  const [was, is] = [champion?.version, challenger?.version ?? "the challenger"];
  if (outcome === "promoted") return was === undefined ? `${is} is the first champion` : `${is} replaces ${was}`;
  return `${outcome}: ${was ?? "nothing"} stays champion`;
}

function describeCycle({ champion, challenger, decision, leaked }: DemoCycle): string[] {
  const models = [champion, challenger].filter((model) => model !== null);
  const metrics = ["accuracy_output_fn", "accuracy_attr_types"].map((name) => {
    const values = models.map(({ version, metrics }) => `${version}: ${percent(metrics[name])}`);
    return `${name.padEnd(20)} ${values.join("   ")}`;
  });
  const warning = leakWarning({ leaked });
  return [...metrics, ...(decision?.reasons ?? []), ...(warning === null ? [] : [warning])];
}

function percent(ratio: number | null | undefined): string {
  return typeof ratio === "number" ? `${(ratio * 100).toFixed(1)} %` : "not measured";
}

function whereToLook(stack: Stack, cycles: DemoCycle[], { keep }: DemoOptions): string[] {
  const ui = stack.addresses.temporalUi;
  const last = cycles.at(-1)?.challenger?.version;
  return [
    ...cycles.map(({ report }) => `report  ${report}`),
    ...(keep
      ? [
          `web UI  ${ui}   (Ctrl-C stops everything)`,
          `tools   eval "$(npx tuneloop env --state ${shellWord(stack.stateDirectory)})"`,
        ]
      : ["web UI  run it again with -- --keep to look around"]),
    `state   ${stack.stateDirectory}`,
    ...(keep && last !== undefined
      ? [`why     npx tuneloop explain ${last} --state ${shellWord(stack.stateDirectory)}`]
      : []),
  ];
}

function interruption(): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => resolve());
  return promise;
}
