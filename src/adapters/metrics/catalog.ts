import { endpointSchema, type MetricChoice } from "../../domain/evaluate-schema.ts";
import { TypedFailure } from "../../domain/failures.ts";
import { builtInPacks } from "../../domain/metrics/built-in-packs.ts";
import { checkChoices, makePacks, resolveChoices, unknownPack } from "../../domain/metrics/choices.ts";
import type { MetricPackKind } from "../../domain/metrics/metric.ts";
import { responses } from "../../domain/metrics/responses.ts";
import type { MetricCatalog } from "../../ports.ts";
import { loadOwnPack, ownPackNames } from "./own-packs.ts";

/** @param folders of packs that are not part of Tuneloop, the first that has one wins; they run with all rights of the worker */
export function createMetricCatalog(folders: readonly string[]): MetricCatalog {
  return {
    async check(definition) {
      const { metrics } = definition.evaluate;
      if (metrics !== "auto") checkEndpoints(metrics);
      checkChoices(definition, (await find(folders, metrics)).kinds);
    },

    async resolve(definition, expected) {
      const { kinds, sha256s } = await find(folders, definition.evaluate.metrics);
      const { metrics, policy } = resolveChoices(definition, expected, kinds);
      const pinned = metrics.map((choice) => {
        const sha256 = sha256s.get(choice.pack);
        return sha256 === undefined ? choice : { ...choice, sha256 };
      });
      return { metrics: pinned, policy };
    },

    async open(choices, context) {
      return makePacks(choices, context, (await find(folders, choices)).kinds);
    },

    async list() {
      const own = ownPackNames(folders).filter((name) => builtInPacks.every((kind) => kind.name !== name));
      const loaded = await Promise.all(own.map((name) => loadOwnPack(folders, name)));
      return [
        ...builtInPacks.map((kind) => ({ kind, file: null })),
        ...loaded.flatMap((pack) => (pack === null ? [] : [{ kind: pack.kind, file: pack.file }])),
      ];
    },
  };
}

/** The packs that there are to choose from: those of Tuneloop, and of one's own those that are chosen. */
async function find(
  folders: readonly string[],
  choices: "auto" | readonly MetricChoice[],
): Promise<{ kinds: MetricPackKind[]; sha256s: Map<string, string> }> {
  const kinds = [...builtInPacks];
  const sha256s = new Map<string, string>();
  for (const { pack, sha256 } of choices === "auto" ? [] : choices) {
    if (builtInPacks.some(({ name }) => name === pack)) {
      if (sha256 !== undefined) throw invalid(`metric pack ${pack}: sha256: it is part of Tuneloop and has no file`);
      continue;
    }
    const own = pack === responses.name ? null : await loadOwnPack(folders, pack);
    if (own === null) throw notFound(folders, pack);
    if (sha256 !== undefined && sha256 !== own.sha256)
      throw invalid(`metric pack ${pack}: ${own.file} has the sha256 ${own.sha256}, and that of ${sha256} was chosen`);
    kinds.push(own.kind);
    sha256s.set(pack, own.sha256);
  }
  return { kinds, sha256s };
}

function notFound(folders: readonly string[], pack: string): TypedFailure {
  const known = [...builtInPacks.map(({ name }) => name), ...ownPackNames(folders)];
  const where = folders.length === 0 ? "TUNELOOP_METRICS names no folder of others" : `Looked in ${folders.join(", ")}`;
  return invalid(`${unknownPack(pack, known).message}. ${where}`);
}

/** What a judge's endpoint may be is what every endpoint may be. */
function checkEndpoints(choices: readonly MetricChoice[]): void {
  for (const { pack, options } of choices) {
    if (pack !== "llm-judge") continue;
    const issue = endpointSchema.safeParse(options["endpoint"]).error?.issues[0];
    if (issue === undefined) continue;
    throw invalid(`metric pack llm-judge: options: ${["endpoint", ...issue.path].join(".")}: ${issue.message}`);
  }
}

function invalid(message: string): TypedFailure {
  return new TypedFailure("InvalidInput", message);
}
