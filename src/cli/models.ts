/** `tuneloop models NAME`: the versions of a pipeline's model, which of them is what, and who or what moved that. */
import { Command } from "commander";
import { slugSchema } from "../domain/slug-schema.ts";
import { usdText } from "../domain/report-numbers.ts";
import { listModels, type ModelEntry } from "../registry/models.ts";
import { withBucket } from "./bucket.ts";
import { DEFAULT_STATE_DIRECTORY } from "./state-directory.ts";
import { cut, printable, timeText } from "./printable.ts";
import { table, widthOf, type Column } from "./table.ts";
import { UsageError } from "./usage-error.ts";

/** Moves of aliases that are shown; `--json` has all. */
const mostMoves = 10;

/** The `models` command. */
export function modelsCommand(): Command {
  return new Command("models")
    .description("list the versions of a pipeline's model, what they are, and who moved that")
    .argument("<name>", "of the pipeline")
    .option("--state <directory>", "of the local stack to use when no bucket is named", DEFAULT_STATE_DIRECTORY)
    .option("--json", "print one JSON object")
    .action((name: string, { state, json }: { state: string; json?: boolean }) => {
      if (!slugSchema.safeParse(name).success) throw new UsageError(`${name}: a name is 1 to 40 of a-z, 0-9 and -`);
      return withBucket(state, async (store) => {
        const listed = await listModels(store, name);
        if (listed.models.length === 0) throw new Error(`${store.uri("")} has no model of ${name} yet`);
        const text = json ? JSON.stringify(listed) : describeModels(listed, widthOf(process.stdout));
        process.stdout.write(`${text}\n`);
      });
    });
}

const columns: Column[] = [
  { head: "MODEL", align: "left" },
  { head: "IS", align: "left" },
  { head: "DECIDED", align: "left" },
  { head: "BY METRIC", align: "left" },
  { head: "VALUE", align: "right" },
  { head: "TRAINED ON", align: "left" },
  { head: "RECORDS", align: "right" },
  { head: "RECIPE", align: "left" },
  { head: "USD", align: "right" },
];

/** Models and moves as lines, in `width` columns. */
export function describeModels({ models, history }: Awaited<ReturnType<typeof listModels>>, width: number): string {
  const moves = history
    .slice(0, mostMoves)
    .flatMap(({ at, alias, from, to, workflowId, reason }) => [
      cut(`  ${timeText(at)}  ${alias}: ${from ?? "none"} → ${to ?? "none"}`, width),
      cut(`    by ${printable(workflowId)}: ${printable(reason)}`, width),
    ]);
  const more = history.length > mostMoves ? [`  and ${history.length - mostMoves} earlier: --json`] : [];
  return [table(columns, models.map(row), width), "Moves, the newest first (UTC):", ...moves, ...more].join("\n");
}

function row({ version, alias, decision, lineage, costUsd }: ModelEntry): string[] {
  return [
    version,
    alias ?? "",
    decision?.outcome ?? "",
    decision?.metric ?? "",
    decision?.value ?? "",
    lineage?.dataset ?? "no model",
    lineage === null ? "" : String(lineage.trainedRecords),
    lineage === null ? "" : `${lineage.recipe} (${lineage.task})`,
    costUsd === null ? "" : usdText(costUsd).replace(" USD", ""),
  ].map(printable);
}
