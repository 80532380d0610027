/** The `tuneloop` command line as a whole. */
import { Command } from "commander";
import { codeVersion } from "../code-version.ts";
import { approveCommand, rejectCommand } from "./approve.ts";
import { alertCommand } from "./alert.ts";
import { demoCommand } from "./demo.ts";
import { devCommand } from "./dev.ts";
import { datasetCommand } from "./dataset.ts";
import { decisionCommand } from "./decision.ts";
import { explainCommand } from "./explain.ts";
import { envCommand } from "./env.ts";
import { emulatorCommand } from "./emulator.ts";
import { evaluateCommand } from "./evaluate.ts";
import { janitorCommand } from "./janitor.ts";
import { metricsCommand } from "./metrics.ts";
import { modelsCommand } from "./models.ts";
import { recipeCommand } from "./recipe.ts";
import { reportCommand } from "./report.ts";
import { rolloutCommand } from "./rollout.ts";
import { sourceCommand } from "./source.ts";
import { startCommand } from "./start.ts";
import { stateCommand } from "./state.ts";
import { workerCommand } from "./worker.ts";

/** All commands, ready to parse; wrong usage, help and version throw `CommanderError` instead of ending the process. */
export function buildProgram(): Command {
  const program = new Command("tuneloop")
    .description("The continuous fine-tuning loop for language models, as a durable Temporal application")
    .version(codeVersion().version)
    .addCommand(demoCommand())
    .addCommand(devCommand())
    .addCommand(envCommand())
    .addCommand(startCommand())
    .addCommand(stateCommand())
    .addCommand(approveCommand())
    .addCommand(rejectCommand())
    .addCommand(rolloutCommand())
    .addCommand(modelsCommand())
    .addCommand(decisionCommand())
    .addCommand(explainCommand())
    .addCommand(reportCommand())
    .addCommand(evaluateCommand())
    .addCommand(datasetCommand())
    .addCommand(janitorCommand())
    .addCommand(workerCommand())
    .addCommand(emulatorCommand())
    .addCommand(sourceCommand())
    .addCommand(alertCommand())
    .addCommand(recipeCommand())
    .addCommand(metricsCommand());
  throwing(program);
  return program;
}

/** Also for the subcommands of commands, which do not inherit it. */
function throwing(command: Command): void {
  command.exitOverride().showHelpAfterError();
  for (const subcommand of command.commands) throwing(subcommand);
}
