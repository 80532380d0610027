/** `tuneloop dataset`: the datasets of the bucket and their versions. */
import { Command } from "commander";
import { datasetDiffCommand } from "./dataset-diff.ts";
import { datasetExportCommand } from "./dataset-export.ts";
import { datasetListCommand } from "./dataset-list.ts";
import { datasetPublishCommand } from "./dataset-publish.ts";
import { datasetShowCommand } from "./dataset-show.ts";
import { datasetVerifyCommand } from "./dataset-verify.ts";

/** The `dataset` command with its subcommands. They need the bucket only, no Temporal and no Anyscale. */
export function datasetCommand(): Command {
  const command = new Command("dataset")
    .description("list, show, compare, export, check and publish dataset versions")
    .addCommand(datasetListCommand())
    .addCommand(datasetShowCommand())
    .addCommand(datasetDiffCommand())
    .addCommand(datasetExportCommand())
    .addCommand(datasetVerifyCommand())
    .addCommand(datasetPublishCommand());
  for (const subcommand of command.commands) subcommand.exitOverride().showHelpAfterError();
  return command.exitOverride();
}
