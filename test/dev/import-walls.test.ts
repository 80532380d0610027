import { execFile } from "node:child_process";
import { cp, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { z } from "zod";

const repository = join(import.meta.dirname, "..", "..");
const execFileAsync = promisify(execFile);

const FORMS = {
  value: (name: string, specifier: string) => `import * as ${name} from "${specifier}";`,
  type: (name: string, specifier: string) => `import type * as ${name} from "${specifier}";`,
  export: (name: string, specifier: string) => `export * as ${name} from "${specifier}";`,
  dynamic: (name: string, specifier: string) => `export const ${name} = await import("${specifier}");`,
} as const;
/** A file of the tree and one import in it. */
type Import = [file: string, form: keyof typeof FORMS, specifier: string];

const REFUSED: Import[] = [
  ["src/domain/job.ts", "value", "node:fs"],
  ["src/domain/job.ts", "value", "zod"],
  ["src/domain/job.ts", "value", "./job-schema.ts"],
  ["src/domain/job.ts", "type", "../ports.ts"],
  ["src/domain/job.ts", "value", "../anyscale/client.ts"],
  ["src/domain/job.ts", "value", "./../anyscale/client.ts"],
  ["src/domain/job.ts", "export", "../anyscale/client.ts"],
  ["src/domain/job.ts", "dynamic", "node:os"],
  ["src/domain/statistics/binomial.ts", "value", "zod"],
  ["src/domain/statistics/binomial.ts", "value", "../job-schema.ts"],
  ["src/domain/statistics/binomial.ts", "value", "../../dev/launch.ts"],
  ["src/domain/job-schema.ts", "value", "node:fs"],
  ["src/domain/job-schema.ts", "value", "zod/mini"],
  ["src/domain/job-schema.ts", "type", "../ports.ts"],
  ["workflows/retrain.ts", "value", "zod"],
  ["workflows/retrain.ts", "value", "node:crypto"],
  ["workflows/retrain.ts", "value", "@aws-sdk/client-s3"],
  ["workflows/retrain.ts", "value", "@temporalio/client"],
  ["workflows/retrain.ts", "value", "@temporalio/activity"],
  ["workflows/retrain.ts", "type", "../src/ports.ts"],
  ["workflows/retrain.ts", "value", "../activities/index.ts"],
  ["workflows/retrain.ts", "value", "../activities/interfaces.ts"],
  ["workflows/retrain.ts", "value", "../src/domain/job-schema.ts"],
  ["activities/jobs.ts", "value", "@temporalio/workflow"],
  ["activities/jobs.ts", "value", "@aws-sdk/client-s3"],
  ["activities/jobs.ts", "value", "../src/adapters/s3-object-store.ts"],
  ["activities/jobs.ts", "value", "../workflows/retrain.ts"],
  ["src/dataset/verify.ts", "value", "@aws-sdk/client-s3"],
  ["src/dataset/verify.ts", "value", "@temporalio/activity"],
  ["src/dataset/verify.ts", "value", "../adapters/s3-object-store.ts"],
  ["src/dataset/verify.ts", "value", "../cli/bucket.ts"],
  ["src/dataset/verify.ts", "type", "../../activities/interfaces.ts"],
  ["src/dataset/verify.ts", "value", "../../activities/ingest.ts"],
  ["src/dataset/verify.ts", "value", "../../workflows/update-dataset.ts"],
  ["src/adapters/http-model-endpoint.ts", "value", "@temporalio/worker"],
  ["src/adapters/http-model-endpoint.ts", "value", "hono"],
  ["src/adapters/http-model-endpoint.ts", "value", "../config.ts"],
  ["src/adapters/http-model-endpoint.ts", "value", "../emulator/state.ts"],
  ["src/adapters/sources/s3-jsonl.ts", "value", "../../cli/main.ts"],
  ["src/adapters/sources/s3-jsonl.ts", "value", "../../dev/stack.ts"],
  ["src/anyscale/jobs.ts", "value", "node:stream"],
  ["src/anyscale/jobs.ts", "type", "../ports.ts"],
  ["src/anyscale/jobs.ts", "value", "../domain/job-schema.ts"],
  ["src/emulator/jobs.ts", "value", "../anyscale/client.ts"],
  ["src/emulator/jobs.ts", "value", "../domain/job-schema.ts"],
  ["src/emulator/jobs.ts", "value", "@aws-sdk/client-s3"],
  ["src/recipes/index.ts", "type", "../ports.ts"],
  ["src/recipes/index.ts", "value", "../anyscale/client.ts"],
  ["src/recipes/embedded/train.ts", "value", "@temporalio/activity"],
  ["src/recipes/embedded/train.ts", "value", "../../adapters/s3-object-store.ts"],
  ["src/ports.ts", "value", "./cli/main.ts"],
  ["src/temporal/worker.ts", "value", "../cli/main.ts"],
  ["src/temporal/worker.ts", "value", "../gateway/app.ts"],
  ["src/temporal/worker.ts", "value", "../dev/stack.ts"],
  ["src/gateway/app.ts", "value", "../cli/main.ts"],
];

const ALLOWED: Import[] = [
  ["src/domain/job.ts", "type", "./job-schema.ts"],
  ["src/domain/job.ts", "value", "./statistics/binomial.ts"],
  ["src/domain/statistics/binomial.ts", "type", "../job-schema.ts"],
  ["src/domain/statistics/binomial.ts", "value", "../ids.ts"],
  ["src/domain/job-schema.ts", "value", "zod"],
  ["src/domain/job-schema.ts", "value", "./source-schema.ts"],
  ["workflows/retrain.ts", "value", "@temporalio/workflow"],
  ["workflows/retrain.ts", "value", "@temporalio/common"],
  ["workflows/retrain.ts", "value", "./fine-tune.ts"],
  ["workflows/retrain.ts", "type", "../activities/interfaces.ts"],
  ["workflows/retrain.ts", "type", "../src/domain/job-schema.ts"],
  ["workflows/retrain.ts", "value", "../src/domain/job.ts"],
  ["activities/jobs.ts", "value", "@temporalio/activity"],
  ["activities/jobs.ts", "type", "../src/ports.ts"],
  ["activities/jobs.ts", "value", "../src/domain/job-schema.ts"],
  ["src/dataset/verify.ts", "type", "../ports.ts"],
  ["src/dataset/verify.ts", "value", "../domain/id-set.ts"],
  ["src/dataset/verify.ts", "value", "../../activities/records.ts"],
  ["src/dataset/parquet.ts", "value", "hyparquet-writer"],
  ["src/adapters/s3-object-store.ts", "value", "@aws-sdk/client-s3"],
  ["src/adapters/anyscale-compute.ts", "value", "../anyscale/client.ts"],
  ["src/adapters/sources/s3-jsonl.ts", "type", "../../ports.ts"],
  ["src/anyscale/jobs.ts", "value", "fflate"],
  ["src/anyscale/jobs.ts", "value", "node:fs/promises"],
  ["src/emulator/jobs.ts", "value", "../anyscale/wire.ts"],
  ["src/emulator/jobs.ts", "value", "@hono/node-server"],
  ["src/recipes/embedded/train.ts", "value", "@aws-sdk/client-s3"],
  ["src/recipes/embedded/train.ts", "value", "../index.ts"],
  ["src/temporal/worker.ts", "value", "../adapters/s3-object-store.ts"],
  ["src/dev/demo.ts", "value", "../emulator/server.ts"],
  ["src/cli/main.ts", "value", "../dev/stack.ts"],
];

const reportSchema = z.object({
  diagnostics: z.array(
    z.object({
      code: z.string().optional(),
      filename: z.string(),
      labels: z.array(z.object({ span: z.object({ line: z.int() }) })),
    }),
  ),
});

/** Lints the imports in a tree like ours, one a line of its file; answers those that met a wall. */
async function refusedOf(imports: Import[]): Promise<Import[]> {
  const tree = await mkdtemp(join(tmpdir(), "tuneloop-walls-"));
  try {
    await cp(join(repository, ".oxlintrc.json"), join(tree, ".oxlintrc.json"));
    const files = Map.groupBy(imports, ([file]) => file);
    for (const [file, lines] of files) {
      await mkdir(dirname(join(tree, file)), { recursive: true });
      await writeFile(
        join(tree, file),
        lines.map(([, form, specifier], line) => `${FORMS[form](`name${line}`, specifier)}\n`).join(""),
      );
    }
    const oxlint = join(repository, "node_modules", ".bin", "oxlint");
    // Lint errors are what we are after: its exit code says no more than its report.
    const { stdout } = await execFileAsync(oxlint, ["-f", "json"], { cwd: tree }).catch(
      (error: { stdout: string }) => error,
    );
    const { diagnostics } = reportSchema.parse(JSON.parse(stdout));
    return diagnostics
      .filter(({ code }) => code === "eslint(no-restricted-imports)")
      .map(
        ({ filename, labels }) =>
          files.get(filename)?.[(labels[0]?.span.line ?? 0) - 1] ?? [filename, "value", "a line that is not there"],
      );
  } finally {
    await rm(tree, { recursive: true });
  }
}

describe("the import walls of .oxlintrc.json", () => {
  it("refuse each import that points the wrong way", async () => {
    expect(new Set(await refusedOf(REFUSED))).toEqual(new Set(REFUSED));
  });

  it("let each import pass that points the right way", async () => {
    expect(await refusedOf(ALLOWED)).toEqual([]);
  });
});
