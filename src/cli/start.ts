/** `tuneloop start -f FILE`: starts the pipeline that a definition describes. */
import { readFileSync } from "node:fs";
import { Command } from "commander";
import { WorkflowIdConflictPolicy } from "@temporalio/common";
import { isMap, isNode, isScalar, LineCounter, parseDocument, type Document } from "yaml";
import type { z } from "zod";
import { pipelineSchema, type PipelineDefinition } from "../domain/pipeline-schema.ts";
import { createRecipeCatalog } from "../recipes/catalog.ts";
import { connect } from "../temporal/client.ts";
import { taskQueues, workflowIds } from "../../workflows/names.ts";
import type { pipeline } from "../../workflows/pipeline.ts";
import { DEFAULT_STATE_DIRECTORY } from "./dev.ts";
import { surroundings } from "./surroundings.ts";
import { UsageError } from "./usage-error.ts";

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
      const definition = readDefinition(file);
      const client = await connect(surroundings(process.env, state));
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

/** Reads and checks a definition. Throws UsageError that names the file, the line or field, and the problem. */
export function readDefinition(file: string): PipelineDefinition {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    throw new UsageError(`${file}: cannot be read (${error instanceof Error ? error.message : String(error)})`);
  }
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines });
  const broken = document.errors[0];
  if (broken) throw new UsageError(`${file}: ${broken.message}`);
  const parsed = pipelineSchema.safeParse(valueOf(document, file));
  if (parsed.success) return withKnownRecipe(parsed.data, file);
  const problems = parsed.error.issues.map((issue) => {
    const offset = offsetOf(document, issue);
    const line = offset === null ? "" : `:${lines.linePos(offset).line}`;
    return `${file}${line}: ${issue.path.join(".") || "definition"}: ${issue.message}`;
  });
  throw new UsageError(problems.join("\n"));
}

/** A recipe that is not known, or wants other hyperparameters, is better refused here than by the workflow. */
function withKnownRecipe(definition: PipelineDefinition, file: string): PipelineDefinition {
  try {
    createRecipeCatalog(null).check(definition.recipe);
    return definition;
  } catch (error) {
    throw new UsageError(`${file}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}

/** The document as a value. Throws UsageError for aliases that lead nowhere or grow without end. */
function valueOf(document: Document, file: string): unknown {
  try {
    return document.toJS();
  } catch (error) {
    throw new UsageError(`${file}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}

/** Where in the text a problem is: at the unknown key itself, else at the value, else at what should hold it. */
function offsetOf(document: Document, issue: z.core.$ZodIssue): number | null {
  const at = (path: PropertyKey[]): unknown => (path.length === 0 ? document.contents : document.getIn(path, true));
  const holder = at(issue.path);
  const unknown = issue.code === "unrecognized_keys" && isMap(holder) ? issue.keys[0] : undefined;
  const key = isMap(holder) ? holder.items.find((pair) => isScalar(pair.key) && pair.key.value === unknown)?.key : null;
  const node = [key, holder, at(issue.path.slice(0, -1))].find((candidate) => isNode(candidate));
  return node?.range?.[0] ?? null;
}

async function statusOf(handle: { describe(): Promise<{ status: { name: string } }> }): Promise<string | null> {
  try {
    return (await handle.describe()).status.name;
  } catch {
    return null;
  }
}

function describe(workflowId: string, started: boolean, name: string): string {
  return started
    ? `Started ${workflowId}. See it with: tuneloop state ${name}\n`
    : `${workflowId} runs already and was left as it is, with the definition it was started with.\n` +
        `To change that, end it and start it again: temporal workflow cancel --workflow-id ${workflowId}\n`;
}
