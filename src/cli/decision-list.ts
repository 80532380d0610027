/** `tuneloop decision list [PIPELINE]`: what was decided. */
import { Command } from "commander";
import { listDecisions, type StoredDecision, type UnreadableDecision } from "../decision/records.ts";
import { slugSchema } from "../domain/slug-schema.ts";
import { withBucket } from "./bucket.ts";
import { outcomeText, whoText } from "./decision-words.ts";
import { DEFAULT_STATE_DIRECTORY } from "./state-directory.ts";
import { cut, printable, timeText } from "./printable.ts";
import { table, widthOf, type Column } from "./table.ts";
import { UsageError } from "./usage-error.ts";

/** The `decision list` command. */
export function decisionListCommand(): Command {
  return new Command("list")
    .description("list the decisions of a pipeline, or of all, the newest first")
    .argument("[pipeline]", "its name")
    .option("--state <directory>", "of the local stack to use when no bucket is named", DEFAULT_STATE_DIRECTORY)
    .option("--json", "print one JSON object")
    .action((pipeline: string | undefined, { state, json }: { state: string; json?: boolean }) => {
      if (pipeline !== undefined && !slugSchema.safeParse(pipeline).success) {
        throw new UsageError(`${pipeline}: a name is 1 to 40 of a-z, 0-9 and -`);
      }
      return withBucket(state, async (store) => {
        const { decisions, unreadable } = await listDecisions(store, pipeline ?? null);
        const where = { width: widthOf(process.stdout), where: store.uri("") };
        process.stdout.write(
          json
            ? `${JSON.stringify({ decisions: decisions.map(asJson), unreadable })}\n`
            : describeDecisions(decisions, unreadable, where),
        );
      });
    });
}

function asJson({ record, approval }: StoredDecision): object {
  const { cycle, pipeline, decidedAt, decision, arms } = record;
  const models = Object.fromEntries(arms.map(({ name, model }) => [name, model]));
  return { id: cycle, pipeline, decidedAt, outcome: decision.outcome, models, approval: approval?.answer ?? null };
}

const columns: Column[] = [
  { head: "DECISION", align: "left" },
  { head: "OUTCOME", align: "left" },
  { head: "OF", align: "left" },
  { head: "WHEN (UTC)", align: "left" },
];

/** Decisions as lines, in `width` columns. */
export function describeDecisions(
  decisions: readonly StoredDecision[],
  unreadable: readonly UnreadableDecision[],
  { width, where }: { width: number; where: string },
): string {
  if (decisions.length + unreadable.length === 0) return `There is no decision in ${where} yet.\n`;
  const rows = decisions.map(({ record, approval }) => [
    record.cycle,
    outcomeText(record, approval),
    whoText(record),
    timeText(record.decidedAt),
  ]);
  const problems = unreadable.map(
    ({ id, problem }) => `${cut(`${id} cannot be read: ${printable(problem)}`, width)}\n`,
  );
  return (
    (rows.length > 0
      ? table(
          columns,
          rows.map((row) => row.map(printable)),
          width,
        )
      : "") + problems.join("")
  );
}
