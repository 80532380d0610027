/** `tuneloop source`: where feedback comes from. */
import { Command } from "commander";
import { sourceTryCommand } from "./source-try.ts";

/** The `source` command with its subcommands. */
export function sourceCommand(): Command {
  return new Command("source")
    .description("try a source of a pipeline before it is read")
    .addCommand(sourceTryCommand())
    .exitOverride();
}
