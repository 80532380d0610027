/** `tuneloop metrics`: what answers can be measured by. */
import { Command } from "commander";
import { createMetricCatalog } from "../adapters/metrics/catalog.ts";
import { metricFolders } from "../config.ts";
import type { Metric } from "../domain/metrics/metric.ts";
import { responses } from "../domain/metrics/responses.ts";
import type { KnownMetricPack } from "../ports.ts";
import { DEFAULT_STATE_DIRECTORY } from "./state-directory.ts";
import { printable } from "./printable.ts";
import { surroundings } from "./surroundings.ts";
import { table, widthOf } from "./table.ts";

/** The `metrics` command: the packs that are part of Tuneloop and those of TUNELOOP_METRICS, all of them checked. */
export function metricsCommand(): Command {
  return new Command("metrics")
    .description("list the metric packs and their metrics, and check the files of those in TUNELOOP_METRICS")
    .option("--state <directory>", "of the local stack to use when no Temporal is configured", DEFAULT_STATE_DIRECTORY)
    .option("--json", "print one JSON object")
    .action(async ({ state, json }: { state: string; json?: boolean }) => {
      const known = await createMetricCatalog(metricFolders(surroundings(process.env, state))).list();
      const packs = listedPacks(known);
      process.stdout.write(json ? `${JSON.stringify({ packs })}\n` : describePacks(packs, widthOf(process.stdout)));
    });
}

/** A pack as it is listed. */
export interface ListedPack {
  name: string;
  description: string;
  /** Null for a pack that is part of Tuneloop. */
  file: string | null;
  /** By name, in words. */
  options: Record<string, string>;
  metrics: Pick<Metric, "name" | "title" | "unit" | "better" | "kind">[];
}

const always: ListedPack = {
  name: responses.name,
  description: "there whatever packs are chosen",
  file: null,
  options: {},
  metrics: responses.metrics.map(listed),
};

/** What is always there, and the packs that can be chosen. */
export function listedPacks(known: readonly KnownMetricPack[]): ListedPack[] {
  return [always, ...known.map(packOf)];
}

function packOf({ kind, file }: KnownMetricPack): ListedPack {
  const { name, description, options } = kind;
  const prices = { promptUsdPerMillion: 0, completionUsdPerMillion: 0 };
  const pack = kind.create(kind.example ?? {}, { vocabulary: { functions: [], attributeTypes: [] }, prices });
  return { name, description, file, options, metrics: pack.metrics.map(listed) };
}

function listed({ name, title, unit, better, kind }: Metric): ListedPack["metrics"][number] {
  return { name, title, unit, better, kind };
}

/** The packs as text of at most `width` columns, where words allow it. */
export function describePacks(packs: readonly ListedPack[], width: number): string {
  return packs.map((pack) => describePack(pack, width)).join("\n");
}

function describePack({ name, description, file, options, metrics }: ListedPack, width: number): string {
  const head = `${name}: ${printable(description)}${file === null ? "" : ` (${printable(file)})`}`;
  const columns = ["metric", "unit", "better", "kind"].map((head) => ({ head, align: "left" as const }));
  const rows = metrics.map((metric) => [metric.name, metric.unit, metric.better, metric.kind]);
  const said = Object.entries(options).map(([option, words]) => wrapped(`  ${option}: ${printable(words)}`, width));
  return `${wrapped(head, width)}${table(columns, rows, width)}${said.join("")}`;
}

/** Lines of at most `width` columns, broken at spaces, the later ones indented. */
function wrapped(text: string, width: number): string {
  const lines: string[] = [];
  let line = /^ */.exec(text)?.[0] ?? "";
  for (const word of text.trim().split(" ")) {
    const longer = line.trim() === "" ? `${line}${word}` : `${line} ${word}`;
    if (longer.length <= width || line.trim() === "") line = longer;
    else {
      lines.push(line);
      line = `    ${word}`;
    }
  }
  return [...lines, line].map((each) => `${each}\n`).join("");
}
