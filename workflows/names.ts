/** Task queues and workflow ids, and nothing else. Ids are made of names, so a second start of one intent meets the first. */
import { cycleNumber } from "../src/domain/ids.ts";

export const taskQueues = {
  /** Workflows and quick activities. */
  main: "tuneloop",
  /** Activities that wait for the network: sources, endpoints. */
  io: "tuneloop-io",
  /** Activities that compute: commits, vocabularies, scores. */
  cpu: "tuneloop-cpu",
} as const;

export const workflowIds = {
  pipeline: (name: string) => `pipeline/${name}`,
  /** A dataset update that a pipeline starts. */
  pipelineUpdate: (name: string, number: number) => `pipeline/${name}/update-${number}`,
  retrain: (name: string, version: number, repeat: number) => `retrain/${name}/${cycleNumber(version, repeat)}`,
  /** An evaluation that somebody starts by itself. */
  evaluate: (model: string) => `evaluate/${model}`,
  /** A rollback that a pipeline starts. */
  rollBack: (name: string, number: number) => `roll-back/${name}/${number}`,
  /** An alert of a run; `name` tells it from the run's others. The end of a run's id is random in all its versions. */
  alert: (parent: string, runId: string, name: string) => `${parent}/alert-${name}-${runId.slice(-8)}`,
  child: (parent: string, step: string) => `${parent}/${step}`,
} as const;
