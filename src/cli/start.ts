/** `tuneloop start -f FILE`: starts the pipeline that a definition describes. */
import { Command } from "commander";
import { WorkflowIdConflictPolicy } from "@temporalio/common";
import { createMetricCatalog } from "../adapters/metrics/catalog.ts";
import { findCode } from "../adapters/own-code.ts";
import { metricFolders, readerFolders, recipeFolders } from "../config.ts";
import { pipelineSchema, type PipelineDefinition } from "../domain/pipeline-schema.ts";
import type { MetricCatalog, RecipeCatalog } from "../ports.ts";
import { createRecipeCatalog } from "../recipes/catalog.ts";
import { loadRecipes } from "../recipes/index.ts";
import { connect } from "../temporal/client.ts";
import { taskQueues, workflowIds } from "../../workflows/names.ts";
import type { pipeline } from "../../workflows/pipeline.ts";
import { DEFAULT_STATE_DIRECTORY } from "./state-directory.ts";
import { surroundings } from "./surroundings.ts";
import { UsageError } from "./usage-error.ts";
import { readYamlFile, YamlFileError } from "../yaml-file.ts";

interface StartOptions {
  file: string;
  state: string;
  json?: boolean;
}

/** The `start` command. A pipeline of that name that runs already is left as it is, and said. */
export function startCommand(): Command {
  return new Command("start")
    .description("start the pipeline that a YAML or JSON file defines")
    .requiredOption("-f, --file <file>", "the definition")
    .option("--state <directory>", "of the local stack to use when no Temporal is configured", DEFAULT_STATE_DIRECTORY)
    .option("--json", "print one JSON object")
    .action(async ({ file, state, json }: StartOptions) => {
      const environment = surroundings(process.env, state);
      const recipes = createRecipeCatalog(loadRecipes(recipeFolders(environment)), null);
      const definition = readDefinition(file, recipes);
      await checkMetrics(definition, file, createMetricCatalog(metricFolders(environment)));
      const missing = missingReaders(definition, readerFolders(environment));
      for (const warning of missing) process.stderr.write(`warning: ${warning}\n`);
      const client = await connect(environment);
      try {
        const workflowId = workflowIds.pipeline(definition.name);
        const before = await statusOf(client.workflow.getHandle(workflowId));
        const handle = await client.workflow.start<typeof pipeline>("pipeline", {
          workflowId,
          taskQueue: taskQueues.main,
          args: [definition],
          workflowIdConflictPolicy: WorkflowIdConflictPolicy.USE_EXISTING,
          staticSummary: `pipeline ${definition.name}`,
        });
        const started = before !== "RUNNING";
        const result = { workflowId, runId: handle.firstExecutionRunId, started };
        process.stdout.write(json ? `${JSON.stringify(result)}\n` : describe(workflowId, started, definition.name));
      } finally {
        await client.connection.close();
      }
    });
}

/**
 * Reads and checks a definition, its recipe's choice too. Throws UsageError that names the file, the line or field, and the
 * problem.
 */
export function readDefinition(file: string, recipes: RecipeCatalog): PipelineDefinition {
  try {
    const definition = readYamlFile(file, pipelineSchema, "definition");
    checkRecipe(definition, file, recipes);
    return definition;
  } catch (error) {
    throw error instanceof YamlFileError ? new UsageError(error.message, { cause: error }) : error;
  }
}

/**
 * Refuses metric packs, options and policies that no evaluation could go by, here rather than by the workflow. Throws
 * UsageError that names the file and the field.
 */
export async function checkMetrics(
  definition: PipelineDefinition,
  file: string,
  metrics: MetricCatalog,
): Promise<void> {
  try {
    await metrics.check(definition);
  } catch (error) {
    throw new UsageError(`${file}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}

/** A recipe that is not known, or wants other hyperparameters, is better refused here than by the workflow. */
function checkRecipe({ recipe }: PipelineDefinition, file: string, recipes: RecipeCatalog): void {
  try {
    recipes.check(recipe);
  } catch (error) {
    throw new UsageError(`${file}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}

/**
 * A line for each source whose file is not in the folders that are known here. No error: what counts are the folders of the
 * worker, which may run on another machine.
 */
export function missingReaders({ sources }: PipelineDefinition, folders: readonly string[]): string[] {
  const where = folders.length === 0 ? "TUNELOOP_SOURCES is not set here" : `not in ${folders.join(", ")}`;
  return sources.flatMap((source) =>
    source.kind !== "custom" || findCode(folders, source.reader) !== null
      ? []
      : `source ${source.id}: reader: no file ${source.reader}.ts or ${source.reader}.js is seen from here (${where}): ` +
        "the worker needs it in a folder that its TUNELOOP_SOURCES names",
  );
}

async function statusOf(handle: { describe(): Promise<{ status: { name: string } }> }): Promise<string | null> {
  try {
    return (await handle.describe()).status.name;
  } catch {
    return null;
  }
}

function describe(workflowId: string, started: boolean, name: string): string {
  const input = JSON.stringify({ updateId: "first", dataset: name });
  return started
    ? `Started ${workflowId}. See it with: tuneloop state ${name}\n` +
        "It reads its sources when it is told to, each time with another updateId:\n" +
        `  temporal workflow signal --workflow-id ${workflowId} --name datasetUpdated --input '${input}'\n`
    : `${workflowId} runs already and was left as it is, with the definition it was started with.\n` +
        `To change that, end it and start it again: temporal workflow cancel --workflow-id ${workflowId}\n`;
}
