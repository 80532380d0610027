/**
 * What other services need to start and steer Tuneloop with the Temporal client SDK: ids and task queues, the messages
 * of a pipeline, and the types of the workflows.
 *
 *     await client.workflow.start<typeof updateDataset>("updateDataset", { taskQueue: taskQueues.main, ... });
 *     await client.workflow.getHandle(workflowIds.pipeline("games")).executeUpdate(runNowUpdate);
 */
export { taskQueues, workflowIds } from "../workflows/names.ts";
export {
  datasetUpdatedSignal,
  pauseUpdate,
  resumeUpdate,
  runNowUpdate,
  stateQuery,
  type DatasetUpdated,
  type OrderRequest,
} from "../workflows/pipeline-messages.ts";
export type {
  evaluateModel,
  fineTune,
  ingestSource,
  pipeline,
  retrain,
  rollOut,
  updateDataset,
} from "../workflows/index.ts";
