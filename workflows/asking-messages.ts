/** What a worker says of a model that it asks, and what can be asked while it does. */
import { defineQuery, defineSignal } from "@temporalio/workflow";
import type { AskingProgress } from "../src/domain/evaluation-schema.ts";

/** From a worker to the evaluation that waits for it: how far it is. Now and then; nothing depends on it. */
export const askingSignal = defineSignal<[AskingProgress]>("progress");
/** How far `evaluateModel` is, as its worker said last; null before it has said anything. */
export const askingQuery = defineQuery<AskingProgress | null>("state");
