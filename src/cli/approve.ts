/** `tuneloop approve NAME` and `tuneloop reject NAME`: the answer that a challenger which has won waits for. */
import { userInfo } from "node:os";
import { WorkflowUpdateFailedError, WorkflowNotFoundError, type Client } from "@temporalio/client";
import { ApplicationFailure } from "@temporalio/common";
import { Command } from "commander";
import type { ApprovalRequest } from "../domain/approval.ts";
import { cycleOfModel } from "../domain/ids.ts";
import type { OrderReceipt } from "../domain/order.ts";
import { slugSchema } from "../domain/slug-schema.ts";
import { connect } from "../temporal/client.ts";
import { approveUpdate, rejectUpdate } from "../../workflows/approval-messages.ts";
import { workflowIds } from "../../workflows/names.ts";
import { DEFAULT_STATE_DIRECTORY } from "./state-directory.ts";
import { surroundings } from "./surroundings.ts";
import { UsageError } from "./usage-error.ts";

interface AnswerOptions {
  reason: string;
  by: string;
  cycle?: string;
  state: string;
  json?: boolean;
}

/** The `approve` command. */
export function approveCommand(): Command {
  return answerCommand("approve", "roll out the challenger that has won and waits for approval");
}

/** The `reject` command. */
export function rejectCommand(): Command {
  return answerCommand("reject", "keep the champion though a challenger has won and waits for approval");
}

function answerCommand(answer: "approve" | "reject", description: string): Command {
  return new Command(answer)
    .description(description)
    .argument("<name>", "of the pipeline")
    .requiredOption("--reason <text>", "why; kept with the decision")
    .option("--by <name>", "who answers; kept with the decision", userInfo().username)
    .option("--cycle <model>", "answer for this model version only, such as games-12")
    .option("--state <directory>", "of the local stack to use when no Temporal is configured", DEFAULT_STATE_DIRECTORY)
    .option("--json", "print one JSON object")
    .action(async (name: string, { reason, by, cycle, state, json }: AnswerOptions) => {
      if (!slugSchema.safeParse(name).success) throw new UsageError(`${name}: a name is 1 to 40 of a-z, 0-9 and -`);
      if (cycle !== undefined && cycleOfModel(name, cycle) === null) {
        throw new UsageError(`--cycle ${cycle}: must be a model version of ${name}, such as ${name}-12`);
      }
      const client = await connect(surroundings(process.env, state));
      try {
        const request = { reason, by, ...(cycle === undefined ? {} : { cycle }) };
        const given = await give(client, name, answer, request);
        process.stdout.write(json ? `${JSON.stringify(given)}\n` : `${describe(answer, name, given)}\n`);
      } finally {
        await client.connection.close();
      }
    });
}

/** What took an answer. */
interface Given extends OrderReceipt {
  workflowId: string;
}

/**
 * Sends the answer to the pipeline, or, where that does not run or its cycle is another one, to the cycle that is named.
 * Throws an error with the reason when it is refused.
 */
async function give(
  client: Client,
  name: string,
  answer: "approve" | "reject",
  request: ApprovalRequest,
): Promise<Given> {
  const cycle = request.cycle === undefined ? null : cycleOfModel(name, request.cycle);
  const ids = [
    workflowIds.pipeline(name),
    ...(cycle === null ? [] : [workflowIds.retrain(name, cycle.version, cycle.repeat)]),
  ];
  const refusals: string[] = [];
  for (const workflowId of ids) {
    try {
      const update = answer === "approve" ? approveUpdate : rejectUpdate;
      return {
        ...(await client.workflow.getHandle(workflowId).executeUpdate(update, { args: [request] })),
        workflowId,
      };
    } catch (error) {
      refusals.push(`${workflowId} ${refusalOf(error)}`);
    }
  }
  const hint = cycle === null ? `; for a cycle that was started alone add --cycle ${name}-VERSION` : "";
  throw new Error(`${refusals.join("; ")}${hint}`);
}

function refusalOf(error: unknown): string {
  if (error instanceof WorkflowNotFoundError) return "does not run";
  if (error instanceof WorkflowUpdateFailedError && error.cause instanceof ApplicationFailure) {
    return `refuses: ${error.cause.message}`;
  }
  throw error;
}

function describe(answer: "approve" | "reject", name: string, { orderId, workflowId }: Given): string {
  const then = answer === "approve" ? "The challenger is rolled out" : "The champion stays";
  return `${then}: ${workflowId} took order ${orderId}. See it with: tuneloop state ${name}`;
}
