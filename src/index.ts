/**
 * What other services need to start and steer Tuneloop with the Temporal client SDK: ids and task queues, the messages
 * of a pipeline, how far an update is, and the types of the workflows.
 *
 *     await client.workflow.start<typeof updateDataset>("updateDataset", { taskQueue: taskQueues.main, ... });
 *     await client.workflow.getHandle(workflowIds.pipeline("games")).executeUpdate(runNowUpdate);
 *
 * And the types of what a source and a metric pack of one's own consist of.
 */
export { taskQueues, workflowIds } from "../workflows/names.ts";
export { approveUpdate, rejectUpdate } from "../workflows/approval-messages.ts";
export type { ApprovalRequest } from "./domain/approval.ts";
export {
  datasetUpdatedSignal,
  pauseUpdate,
  resumeUpdate,
  rollBackUpdate,
  runNowUpdate,
  stateQuery,
  type DatasetUpdated,
  type OrderRequest,
} from "../workflows/pipeline-messages.ts";
export type { CustomSource } from "./adapters/sources/custom.ts";
export type { ItemPage, RawItem, ReadContext } from "./adapters/sources/item-reader.ts";
export type {
  Metric,
  MetricContext,
  MetricPack,
  MetricPackKind,
  MetricTable,
  MetricValue,
  MetricValues,
  Statistic,
} from "./domain/metrics/metric.ts";
export type { Prediction, TestRecord } from "./domain/evaluation-schema.ts";
export type { HttpReply, HttpRequest, SafeHttp } from "./adapters/safe-http.ts";
export { readingQuery } from "../workflows/reading-messages.ts";
export type {
  evaluateModel,
  fineTune,
  ingestSource,
  ingestSources,
  janitor,
  pipeline,
  retrain,
  rollBack,
  rollOut,
  updateDataset,
} from "../workflows/index.ts";
export type { OwnGate } from "./adapters/own-gates.ts";
export { rolloutQuery, rolloutUpdate } from "../workflows/roll-out-messages.ts";
