/** `tuneloop report CYCLE`: what a cycle came to, and where its report is. */
import { spawn } from "node:child_process";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { Command } from "commander";
import { z } from "zod";
import { needDocument } from "../../activities/documents.ts";
import { reportedCycles } from "../../activities/report-history.ts";
import { objectKeys } from "../domain/object-keys.ts";
import { reportSchema, type Report } from "../domain/report-schema.ts";
import type { ObjectStore } from "../ports.ts";
import { withBucket } from "./bucket.ts";
import { DEFAULT_STATE_DIRECTORY } from "./state-directory.ts";
import { printable, wrapped } from "./printable.ts";
import { widthOf } from "./table.ts";
import { UsageError } from "./usage-error.ts";

interface ReportOptions {
  state: string;
  out?: string;
  open?: boolean;
  json?: boolean;
  schema?: boolean;
}

/** Columns of what a line is about, with the space after it. */
const headWidth = 8;

/** The `report` command; exit code 1 when there is no such report. */
export function reportCommand(): Command {
  return new Command("report")
    .description("say what a cycle came to and where its report is; open it, or save it as a file")
    .argument("[cycle]", "such as games-12, or the name of a pipeline for its newest report")
    .option("--open", "open the page in a browser")
    .option("--out <file>", "write the page to a file; - for standard output")
    .option("--json", "print the report as JSON")
    .option("--schema", "print the JSON Schema of reports, without any report")
    .option("--state <directory>", "of the local stack to use when no bucket is named", DEFAULT_STATE_DIRECTORY)
    .action(async (reference: string | undefined, options: ReportOptions) => {
      if (options.schema) process.stdout.write(`${JSON.stringify(reportJsonSchema(), null, 2)}\n`);
      else if (reference === undefined) throw new UsageError("name a cycle such as games-12, or a pipeline");
      else await showReport(reference, options);
    });
}

/** The JSON Schema of `report.json`. Fields that a later release adds do not break it. */
export function reportJsonSchema(): object {
  return { title: "Report of a cycle: reports/<cycle>/report.json", ...z.toJSONSchema(reportSchema, { io: "input" }) };
}

async function showReport(reference: string, { state, out, open, json }: ReportOptions): Promise<void> {
  if (!/^[a-z0-9-]{1,60}(\.\d+)?$/.test(reference)) {
    throw new UsageError(`${reference}: must be a cycle such as games-12, or the name of a pipeline`);
  }
  if (json && out === "-") throw new UsageError("--json: standard output has the page already; name a file in --out");
  await withBucket(state, async (store) => {
    const cycle = await findCycle(store, reference);
    if (out !== undefined || open) await takePage(store, cycle, { out: out ?? null, open: open ?? false });
    if (out === "-") return;
    const report = await needDocument(store, objectKeys.reportJson(cycle), reportSchema);
    process.stdout.write(json ? `${JSON.stringify(report)}\n` : describeReport(report, store, widthOf(process.stdout)));
  });
}

/** A report in a few lines of at most `width` columns, with why the cycle failed if it did, and its address, which is not broken. */
export function describeReport(
  { headline, cycle, failure }: Pick<Report, "headline" | "cycle" | "failure">,
  store: ObjectStore,
  width: number,
): string {
  const sentences = headline.flatMap((sentence) => wrapped(printable(sentence), width));
  const reasons = failure === null ? [] : wrapped(printable(failure), Math.max(1, width - headWidth));
  const why = reasons.map((line, index) => `${(index === 0 ? "why" : "").padEnd(headWidth)}${line}`);
  return `${[...sentences, "", ...why, `report  ${store.uri(objectKeys.reportHtml(cycle))}`].join("\n")}\n`;
}

/** The cycle of that name, or the newest of the pipeline of that name that has a report. Throws an error that says what there is. */
export async function findCycle(store: ObjectStore, reference: string): Promise<string> {
  if ((await store.get(objectKeys.reportJson(reference))) !== null) return reference;
  const newest = (await reportedCycles(store, reference)).at(-1);
  if (newest !== undefined) return newest;
  const pipeline = /^(.+)-\d+(\.\d+)?$/.exec(reference)?.[1];
  const other = pipeline === undefined ? undefined : (await reportedCycles(store, pipeline)).at(-1);
  const there = other === undefined ? "" : `; the newest of ${pipeline} is ${other}`;
  throw new Error(`there is no report of ${reference} in ${store.uri("")}: a cycle writes one when it ends${there}`);
}

async function takePage(
  store: ObjectStore,
  cycle: string,
  { out, open }: { out: string | null; open: boolean },
): Promise<void> {
  const key = objectKeys.reportHtml(cycle);
  const page = await store.get(key);
  if (page === null)
    throw new Error(`${store.uri(key)} is not there yet: the report is being written, or could not be`);
  if (out === "-") {
    process.stdout.write(page.body);
    return;
  }
  const file = resolve(out ?? join(mkdtempSync(join(tmpdir(), "tuneloop-report-")), `${cycle}.html`));
  writeFileSync(file, page.body);
  process.stderr.write(`saved   ${file}\n`);
  if (open) await openInBrowser(pathToFileURL(file).href);
}

/** Leaves the page to the system's opener; where there is none, says what to do by hand. */
async function openInBrowser(url: string): Promise<void> {
  const [command, ...args] =
    process.platform === "darwin" ? ["open"] : process.platform === "win32" ? ["cmd", "/c", "start", ""] : ["xdg-open"];
  const opener = spawn(command ?? "", [...args, url], { stdio: "ignore", detached: true });
  const hasOpened = await new Promise<boolean>((settle) => {
    opener.once("error", () => settle(false));
    opener.once("spawn", () => settle(true));
  });
  opener.unref();
  if (!hasOpened) process.stderr.write(`no program here opens pages: open ${url} in a browser\n`);
}
