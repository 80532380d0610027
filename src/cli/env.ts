/** `tuneloop env`: the environment of the running local stack, for other tools. */
import { Command } from "commander";
import { findRunningStack } from "../dev/stack-file.ts";
import { shellWord } from "../domain/shell.ts";
import { DEFAULT_STATE_DIRECTORY } from "./state-directory.ts";

/**
 * The `env` command. Prints lines for a shell: `eval "$(npx tuneloop env)"` leads temporal, aws and other tools to the
 * local stack. They hold its credentials, which are good for nothing else. Exit code 1 when no stack runs.
 */
export function envCommand(): Command {
  return new Command("env")
    .description("print the environment of the running local stack, for a shell to evaluate")
    .option("--state <directory>", "of the local stack", DEFAULT_STATE_DIRECTORY)
    .option("--json", "print one JSON object")
    .action(({ state, json }: { state: string; json?: boolean }) => {
      const stack = findRunningStack(state);
      if (stack === null) throw new Error(`no stack runs on ${state}: start one with tuneloop dev`);
      const lines = Object.entries(stack.environment).map(([name, value]) => `export ${name}=${shellWord(value)}\n`);
      process.stdout.write(json ? `${JSON.stringify(stack.environment)}\n` : lines.join(""));
    });
}
