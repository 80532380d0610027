/** `tuneloop alert`: who is told what happens. */
import { Command } from "commander";
import { alertTestCommand } from "./alert-test.ts";

/** The `alert` command with its subcommands. */
export function alertCommand(): Command {
  return new Command("alert")
    .description("try whether the alerts of a pipeline get through")
    .addCommand(alertTestCommand())
    .exitOverride();
}
