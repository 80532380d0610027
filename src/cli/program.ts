/** The `tuneloop` command line as a whole. */
import { Command } from "commander";
import { codeVersion } from "../code-version.ts";

/** Each is loaded when it is called, or help is asked for: what most of them need takes longer to load than to use. */
const commands: Record<string, () => Promise<Command>> = {
  demo: async () => (await import("./demo.ts")).demoCommand(),
  dev: async () => (await import("./dev.ts")).devCommand(),
  env: async () => (await import("./env.ts")).envCommand(),
  start: async () => (await import("./start.ts")).startCommand(),
  state: async () => (await import("./state.ts")).stateCommand(),
  pause: async () => (await import("./pause.ts")).pauseCommand(),
  resume: async () => (await import("./pause.ts")).resumeCommand(),
  approve: async () => (await import("./approve.ts")).approveCommand(),
  reject: async () => (await import("./approve.ts")).rejectCommand(),
  rollout: async () => (await import("./rollout.ts")).rolloutCommand(),
  models: async () => (await import("./models.ts")).modelsCommand(),
  decision: async () => (await import("./decision.ts")).decisionCommand(),
  explain: async () => (await import("./explain.ts")).explainCommand(),
  report: async () => (await import("./report.ts")).reportCommand(),
  evaluate: async () => (await import("./evaluate.ts")).evaluateCommand(),
  dataset: async () => (await import("./dataset.ts")).datasetCommand(),
  janitor: async () => (await import("./janitor.ts")).janitorCommand(),
  worker: async () => (await import("./worker.ts")).workerCommand(),
  emulator: async () => (await import("./emulator.ts")).emulatorCommand(),
  source: async () => (await import("./source.ts")).sourceCommand(),
  alert: async () => (await import("./alert.ts")).alertCommand(),
  recipe: async () => (await import("./recipe.ts")).recipeCommand(),
  metrics: async () => (await import("./metrics.ts")).metricsCommand(),
};

/**
 * The command that `args` begin with, or all of them when they begin with none, ready to parse; wrong usage, help and version
 * throw `CommanderError` instead of ending the process.
 */
export async function buildProgram(args: readonly string[] = []): Promise<Command> {
  const program = new Command("tuneloop")
    .description("The continuous fine-tuning loop for language models, as a durable Temporal application")
    .version(codeVersion().version);
  const named = Object.entries(commands).filter(([name]) => name === args[0]);
  const wanted = named.length > 0 ? named : Object.entries(commands);
  for (const command of await Promise.all(wanted.map(([, load]) => load()))) program.addCommand(command);
  throwing(program);
  return program;
}

/** Also for the subcommands of commands, which do not inherit it. */
function throwing(command: Command): void {
  command.exitOverride().showHelpAfterError();
  for (const subcommand of command.commands) throwing(subcommand);
}
