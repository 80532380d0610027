/** What workers say of sources that they read, and what can be asked while they do. */
import { defineQuery, defineSignal } from "@temporalio/workflow";
import type { Reading, SourceProgress } from "../src/domain/reading-schema.ts";

/** From a worker to the workflows that wait for it: how far it is, by source. Now and then; nothing depends on it. */
export const progressSignal = defineSignal<[Record<string, SourceProgress>]>("progress");
/** From an update to the pipeline that started it. */
export const updateProgressSignal = defineSignal<[UpdateProgress]>("updateProgress");
/** How far `updateDataset` or `ingestSources` is. */
export const readingQuery = defineQuery<Reading>("state");

/** How far an update is. */
export interface UpdateProgress {
  /** Workflow id of the update. */
  update: string;
  reading: Reading;
}
