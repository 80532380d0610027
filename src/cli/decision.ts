/** `tuneloop decision`: what was decided, with which numbers, and whether that is still so. */
import { Command } from "commander";
import { decisionListCommand } from "./decision-list.ts";
import { decisionShowCommand } from "./decision-show.ts";
import { decisionVerifyCommand } from "./decision-verify.ts";

/** The `decision` command with its subcommands. They read the bucket only, no Temporal and no Anyscale. */
export function decisionCommand(): Command {
  const command = new Command("decision")
    .description("list, show and check what was decided")
    .addCommand(decisionListCommand())
    .addCommand(decisionShowCommand())
    .addCommand(decisionVerifyCommand());
  for (const subcommand of command.commands) subcommand.exitOverride().showHelpAfterError();
  return command.exitOverride();
}
