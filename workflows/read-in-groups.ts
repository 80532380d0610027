/** How an update reads thousands of sources: by the hundred, so that no history holds them all. */
import { executeChild } from "@temporalio/workflow";
import { graceSeconds, namedSources, noteFailed, noteGroup, shortReason } from "../src/domain/reading.ts";
import type { Reading } from "../src/domain/reading-schema.ts";
import { ingestSources, type GroupRead } from "./ingest-sources.ts";
import { lastSecond, readingChild, type ReadingRequest, type SourcesRead } from "./read-sources.ts";
import { reasonOf, settleWithin } from "./steps.ts";

/** Sources of one group: Temporal bears so many children of one workflow well. */
const groupSize = 100;

/**
 * Does what `readSources` does, through one child for every hundred sources. They read the cursors themselves: `cursors`
 * are those that differ.
 */
export async function readInGroups(
  { sources, cursors, ...common }: ReadingRequest,
  reading: Reading,
  changed: (sources: readonly string[]) => void,
): Promise<SourcesRead> {
  const groups = Array.from({ length: Math.ceil(sources.length / groupSize) }, (_, index) => ({
    step: `sources/${index + 1}`,
    sources: sources.slice(index * groupSize, (index + 1) * groupSize),
  }));
  const results: Record<string, GroupRead> = {};
  const failedSources: Record<string, string> = {};
  await settleWithin(
    groups,
    // A group has to write down what its sources brought, after the last of them was given up.
    lastSecond(common.deadlines) + graceSeconds(common.deadlines),
    ({ step, sources }) =>
      executeChild(ingestSources, {
        ...readingChild(common.dataset, step, `${sources.length} sources of ${common.dataset}`),
        args: [{ ...common, sources, cursors: cursorsOf(sources, cursors) }],
      }),
    ({ step, sources }, how) => {
      const ids = sources.map(({ id }) => id);
      if (how.ok) {
        results[step] = how.value;
        noteGroup(reading, ids, how.value);
      } else {
        const reason = shortReason(reasonOf(how.error));
        for (const id of ids) {
          failedSources[id] = reason;
          noteFailed(reading, id, reason);
        }
      }
      changed(ids);
    },
  );
  const read = groups.flatMap(({ step }) => results[step] ?? []);
  return {
    batches: [],
    gathered: read.map(({ key }) => key),
    unfinished: read.flatMap(({ unfinished }) => unfinished).slice(0, namedSources),
    failedSources,
  };
}

function cursorsOf(sources: ReadingRequest["sources"], cursors: ReadingRequest["cursors"]): ReadingRequest["cursors"] {
  const ids = new Set(sources.map(({ id }) => id));
  return Object.fromEntries(Object.entries(cursors).filter(([id]) => ids.has(id)));
}
