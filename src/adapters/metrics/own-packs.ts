/** Metric packs that people add without changing Tuneloop: a file of their own has them. */
import { createHash } from "node:crypto";
import { existsSync, readdirSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { extname } from "node:path";
import { pathToFileURL } from "node:url";
import { z } from "zod";
import { TypedFailure } from "../../domain/failures.ts";
import type { MetricPack, MetricPackKind } from "../../domain/metrics/metric.ts";
import { slugSchema } from "../../domain/slug-schema.ts";
import { codeEndings, findCode, isFunction, problemOf } from "../own-code.ts";

/** A pack of one's own, and the file that it is of. */
export interface OwnPack {
  kind: MetricPackKind;
  file: string;
  /** sha256 (hex) of that file, of which the code in memory was made. */
  sha256: string;
}

const moduleSchema = z.object({
  metricPack: z.object({
    name: slugSchema,
    description: z.string().default(""),
    options: z.record(z.string(), z.string()).default({}),
    example: z.record(z.string(), z.json()).optional(),
    create: z.custom<MetricPackKind["create"]>(isFunction, "must be a function"),
  }),
});

const statisticSchema = z.custom<NonNullable<MetricPack["statistics"]>[string]>(isFunction, "must be a function");

const tablesSchema = z.array(
  z.object({ title: z.string(), head: z.array(z.string()), rows: z.array(z.array(z.union([z.string(), z.number()]))) }),
);

const packSchema = z
  .object({
    metrics: z
      .array(
        z.object({
          name: z.string().regex(/^[a-z][a-z0-9_]{0,79}$/i, "must be letters, digits and _, at most 80"),
          title: z.string().min(1),
          unit: z.enum(["ratio", "ms", "usd", "tokens", "characters", "points"]),
          better: z.enum(["higher", "lower", "neither"]),
          kind: z.enum(["binary", "mean", "statistic"]),
          unanswered: z.json(),
          over: z.enum(["answered", "asked"]).optional(),
        }),
      )
      .min(1),
    score: z.custom<MetricPack["score"]>(isFunction, "must be a function"),
    unanswered: z.custom<NonNullable<MetricPack["unanswered"]>>(isFunction, "must be a function").optional(),
    statistics: z.record(z.string(), statisticSchema).optional(),
    tables: z.custom<NonNullable<MetricPack["tables"]>>(isFunction, "must be a function").optional(),
    policy: z
      .object({
        primary: z.string(),
        guards: z.array(z.object({ metric: z.string(), margin: z.number().min(0) })).default([]),
      })
      .optional(),
  })
  .superRefine(({ metrics, statistics = {} }, context) => {
    for (const { name, kind } of metrics)
      if (kind === "statistic" && !Object.hasOwn(statistics, name))
        context.addIssue({ code: "custom", path: ["statistics", name], message: `is not there, and ${name} is one` });
  });

/** Names of the packs in the folders. A folder that cannot be read has none. */
export function ownPackNames(folders: readonly string[]): string[] {
  const files = folders.flatMap((folder) => (existsSync(folder) ? readdirSync(folder) : []));
  const names = files
    .filter((file) => codeEndings.includes(extname(file)))
    .map((file) => file.slice(0, -extname(file).length));
  return [...new Set(names)].filter((name) => slugSchema.safeParse(name).success).toSorted();
}

/**
 * Loads `<name>.ts` of the first folder that has it; null when none has. A file that has changed is loaded anew. Throws
 * InvalidInput that names the file when it cannot be run or does not export `metricPack` as it must be.
 */
export async function loadOwnPack(folders: readonly string[], name: string): Promise<OwnPack | null> {
  const file = findCode(folders, name);
  if (file === null) return null;
  const sha256 = createHash("sha256")
    .update(await readFile(file))
    .digest("hex");
  const parsed = moduleSchema.safeParse(await imported(name, file, sha256));
  if (!parsed.success) throw notAsItMust(name, `${file} does not export metricPack`, parsed.error);
  const { create, example, ...exported } = parsed.data.metricPack;
  if (exported.name !== name)
    throw new TypedFailure(
      "InvalidInput",
      `metric pack ${name}: ${file}: metricPack.name is ${exported.name}, not ${name}`,
    );
  const kind: MetricPackKind = {
    ...exported,
    ...(example === undefined ? {} : { example }),
    create: (options, context) => checkedPack(name, file, () => create(options, context)),
  };
  return { kind, file, sha256 };
}

/** By its content, as Node keeps what it has once imported from an address. */
async function imported(name: string, file: string, sha256: string): Promise<unknown> {
  try {
    return await import(`${pathToFileURL(file).href}?sha256=${sha256}`);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new TypedFailure("InvalidInput", `metric pack ${name}: ${file} cannot be loaded: ${why}`, { cause: error });
  }
}

function checkedPack(name: string, file: string, create: () => unknown): MetricPack {
  let made: unknown;
  try {
    made = create();
  } catch (error) {
    throw new TypedFailure("InvalidInput", `metric pack ${name}: options: ${problemOf(error)}`, { cause: error });
  }
  const parsed = packSchema.safeParse(made);
  if (!parsed.success) throw notAsItMust(name, `${file}: create does not answer a pack`, parsed.error);
  return bound(name, made, parsed.data);
}

/** The pack with its own `this`, whatever it was made of, and tables that throw where nobody could show them. */
function bound(name: string, made: unknown, { metrics, ...rest }: z.infer<typeof packSchema>): MetricPack {
  const { score, unanswered, statistics, tables, policy } = rest;
  return {
    name,
    metrics: metrics.map(({ over, ...metric }) => ({ ...metric, ...(over === undefined ? {} : { over }) })),
    score: score.bind(made),
    ...(unanswered === undefined ? {} : { unanswered: unanswered.bind(made) }),
    ...(statistics === undefined ? {} : { statistics }),
    ...(tables === undefined ? {} : { tables: (values) => tablesSchema.parse(tables.call(made, values)) }),
    ...(policy === undefined ? {} : { policy }),
  };
}

function notAsItMust(name: string, what: string, error: z.ZodError): TypedFailure {
  const issue = error.issues[0];
  const why = issue ? `: ${issue.path.join(".")}: ${issue.message}` : "";
  return new TypedFailure("InvalidInput", `metric pack ${name}: ${what} as it must be${why}`);
}
