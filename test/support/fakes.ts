/** Typed fakes of the activities' interfaces: each keeps the promise of its docstring, in memory, without delay. */
import { activityInfo } from "@temporalio/activity";
import { createInputActivities } from "../../activities/inputs.ts";
import type { Activities } from "../../activities/index.ts";
import type {
  ApprovalActivities,
  CheckpointActivities,
  DecisionActivities,
  EvaluationActivities,
  JudgingActivities,
} from "../../activities/comparison-interfaces.ts";
import type {
  AlertActivities,
  DatasetActivities,
  JobActivities,
  PipelineActivities,
  ReportActivities,
  TrainingJob,
} from "../../activities/interfaces.ts";
import type {
  Aliases,
  JanitorActivities,
  LockRequest,
  RolloutActivities,
} from "../../activities/rollout-interfaces.ts";
import { createPipelineActivities } from "../../activities/pipelines.ts";
import { waitedMs } from "../../activities/waiting.ts";
import { createMetricCatalog } from "../../src/adapters/metrics/catalog.ts";
import { createGateCatalog } from "../../src/adapters/own-gates.ts";
import { FINAL_CHECKPOINT, pickCheckpoint } from "../../src/domain/checkpoint.ts";
import { settlePolicy } from "../../src/domain/decision-policy.ts";
import { TypedFailure } from "../../src/domain/failures.ts";
import { modelVersionId } from "../../src/domain/ids.ts";
import { worstOf } from "../../src/domain/gates.ts";
import { isTerminal } from "../../src/domain/job.ts";
import { formerChampion, withAliases } from "../../src/domain/registry.ts";
import type { ObjectStore, RecipeCatalog, WorkflowLookup } from "../../src/ports.ts";
import { aTestSet } from "./builders.ts";
import { World, type FakeJob, type FakeVersion, type WorldActivities, type WorldActivity } from "./world.ts";

/** The failure that makes Temporal ask again at once. */
function stillWaiting(forWhat: string): TypedFailure {
  return new TypedFailure("StillWaiting", `waiting for ${forWhat}`, { retryAfterMs: 5 });
}

/** Knows one recipe, `embedded`, whose hyperparameter `epochs` is a number. */
const recipes: RecipeCatalog = {
  check({ name, baseModel, hyperparameters }) {
    if (name !== "embedded") throw new TypedFailure("InvalidInput", `recipe.name: there is no recipe ${name}`);
    if (typeof (hyperparameters["epochs"] ?? 1) !== "number") {
      throw new TypedFailure("InvalidInput", "recipe.hyperparameters.epochs: must be a number");
    }
    return { name, baseModel, hyperparameters: { epochs: 1, ...hyperparameters } };
  },
  renderJob: () => Promise.reject(new Error("workflows render nothing")),
  renderService: () => Promise.reject(new Error("workflows render nothing")),
};

/**
 * All activities: the real input checks, the real wait for another workflow, and fakes over the world that `worldOf`
 * finds by a workflow's id.
 */
export function createFakeActivities(workflows: WorkflowLookup, worldOf: (workflowId: string) => World): Activities {
  const names = Object.keys(fakesOf(new World("nobody"), workflows)) as WorldActivity[];
  const dispatched = names.map((activity) => {
    const run = async (request: never): Promise<unknown> => {
      const world = worldOf(activityInfo().workflowExecution?.workflowId ?? "");
      world.calls.push({ activity, request });
      const usual = (): Promise<unknown> => fakesOf(world, workflows)[activity](request);
      const behaviour = world.behaviours[activity] as ((request: never, usual: () => unknown) => unknown) | undefined;
      return behaviour === undefined ? usual() : behaviour(request, usual);
    };
    return [activity, run] as const;
  });
  return {
    ...createInputActivities({ recipes, metrics: createMetricCatalog([]), gates: createGateCatalog([]) }),
    ...(Object.fromEntries(dispatched) as unknown as WorldActivities),
  };
}

function fakesOf(world: World, workflows: WorkflowLookup): WorldActivities {
  return {
    ...datasetFakes(world),
    ...jobFakes(world),
    ...checkpointFakes(),
    ...evaluationFakes(world),
    ...decisionFakes(world),
    ...judgingFakes(),
    ...approvalFakes(world),
    ...rolloutFakes(world),
    ...pipelineFakes(world, workflows),
    ...janitorFakes,
    ...reportFakes(world),
    ...alertFakes(world),
  };
}

function datasetFakes(world: World): DatasetActivities {
  const newest = (): FakeVersion => world.versions.at(-1) ?? { records: 0, added: 0, cursors: {}, batches: [] };
  return {
    async readDatasetHead({ sources }) {
      const { records, cursors } = newest();
      const asked = Object.entries(cursors).filter(([source]) => sources.includes(source));
      return { version: world.versions.length, records, cursors: Object.fromEntries(asked) };
    },
    async ingest({ source, cursor }) {
      const end = world.sources[source.id] ?? 0;
      const received = end - Number(cursor ?? 0);
      return {
        source: source.id,
        batch: `batches/${source.id}/${cursor ?? 0}-${end}`,
        received,
        quarantined: 0,
        isComplete: true,
      };
    },
    async gatherBatches({ batches, failedSources }) {
      world.gathered.push({ batches, failedSources });
      return { key: `gathered/${world.gathered.length - 1}` };
    },
    // Every source brings more than can be read at once, unless a test says otherwise.
    ingestSmall: async () => null,
    async commitVersion({ batches: named, gathered, failedSources, leastRecords }) {
      const before = newest();
      const lists = gathered.map((key) => world.gathered[Number(key.split("/")[1])]?.batches ?? []);
      const batches = [named, ...lists].flat();
      const spans = batches.map((batch) => {
        const [, source = "", from = 0, to = 0] = /^batches\/(.+)\/(\d+)-(\d+)$/.exec(batch) ?? [];
        return { source, added: Number(to) - Number(from), cursor: String(to) };
      });
      const added = spans.reduce((sum, span) => sum + span.added, 0);
      if (added === 0 || added < leastRecords) {
        return { version: null, records: before.records, added, perSource: {} };
      }
      const cursors = { ...before.cursors, ...Object.fromEntries(spans.map(({ source, cursor }) => [source, cursor])) };
      world.versions.push({ records: before.records + added, added, cursors, batches, failedSources });
      const perSource = spans.map(({ source, added }) => [
        source,
        { received: added, accepted: added, quarantined: 0, duplicates: 0 },
      ]);
      return { version: world.versions.length, ...newest(), perSource: Object.fromEntries(perSource) };
    },
    mergeCounts: async () => ({ versions: 1, rows: 1 }),
    freezeTestSet: async () => aTestSet(),
    readTraining: async ({ dataset, version }) => ({
      vocabulary: `vocabularies/${dataset}/${version}.json`,
      leaked: 0,
      examples: null,
    }),
  };
}

function jobFakes(world: World): JobActivities {
  const shown = ({ jobId, state }: FakeJob): TrainingJob => ({
    jobId,
    state,
    url: `https://console.example/jobs/${jobId}`,
    error: state === "failed" ? "out of memory" : null,
  });
  return {
    async submitTraining({ jobName }) {
      const known = world.jobs.get(jobName);
      if (known !== undefined) return shown(known);
      const job: FakeJob = { jobId: `job-${world.jobs.size + 1}`, state: "queued", ahead: [...world.jobStates] };
      world.jobs.set(jobName, job);
      return shown(job);
    },
    async awaitJob({ jobId, known }) {
      const job = [...world.jobs.values()].find((candidate) => candidate.jobId === jobId);
      if (job === undefined) throw new TypedFailure("NotFound", `no job ${jobId}`);
      job.state = job.ahead.shift() ?? job.state;
      if (job.state === known) throw stillWaiting(`job ${jobId}`);
      return shown(job);
    },
    async terminateTraining({ jobName }) {
      const job = world.jobs.get(jobName);
      if (job === undefined || isTerminal(job.state)) return { terminated: 0 };
      job.state = "terminated";
      return { terminated: 1 };
    },
    readModel: async () => {
      const checkpoints = Object.keys(world.checkpoints).filter((name) => name !== FINAL_CHECKPOINT);
      return { trainedRecords: 180, trainSeconds: 0.5, checkpoints };
    },
    readCost: async () => ({ costUsd: world.jobs.size === 0 ? null : 1.25 }),
  };
}

function checkpointFakes(): CheckpointActivities {
  return {
    validationSet: async () => ({ ...aTestSet(), key: "testsets/valid.jsonl" }),
    chooseCheckpoint: async ({ metric, candidates }) => ({
      format: 1,
      checkpoint: pickCheckpoint(candidates, "higher"),
      metric,
      candidates,
    }),
  };
}

function evaluationFakes(world: World): EvaluationActivities {
  return {
    askQuestions: async ({ model, checkpoint, testSet }) => ({
      key: `${model}${checkpoint === null ? "" : `@${checkpoint}`}-${testSet.sha256.slice(0, 8)}`,
      shards: 1,
      records: testSet.records,
      failed: 0,
    }),
    scoreEvaluation: async ({ model, checkpoint, testSet, asked }) => ({
      ...asked,
      model,
      testSet,
      metrics: { accuracy_output_fn: (checkpoint === null ? undefined : world.checkpoints[checkpoint]) ?? 0.9 },
    }),
  };
}

const aMetricChoice = { pack: "functional-representation", options: {} };

function decisionFakes(world: World): DecisionActivities {
  return {
    settleChoices: async ({ evaluate, decide }) => {
      const metrics = evaluate.metrics === "auto" ? [aMetricChoice] : evaluate.metrics;
      const judges = metrics.filter(({ pack }) => pack === "llm-judge");
      return { metrics, policy: settlePolicy(decide, { primary: "accuracy_output_fn", guards: [] }), judges };
    },
    decideCycle: async ({ cycle }) => ({
      wouldChange: [],
      sha256: "d0".repeat(32),
      outcome: world.verdict,
      reasons: [`the numbers say ${world.verdict}`],
      key: `decisions/${cycle}.json`,
    }),
  };
}

function judgingFakes(): JudgingActivities {
  return {
    judgeAnswers: async ({ evaluation, against }) => {
      const judged = { judge: "judge", evaluation: evaluation.key, shards: 1, asked: 40, failed: 0 };
      return { judged: [{ ...judged, against: against?.key ?? null }] };
    },
  };
}

function approvalFakes(world: World): ApprovalActivities {
  return {
    readApproval: async ({ cycle }) => world.approvals[cycle] ?? null,
    async recordApproval({ decision: { key, sha256 }, ...answer }) {
      return (world.approvals[answer.cycle] ??= { format: 1, decision: { key, sha256 }, ...answer });
    },
  };
}

function rolloutFakes(world: World): RolloutActivities {
  const others = (model: string): string[] => Object.keys(world.serving).filter((other) => other !== model);
  const serve = (weights: Record<string, number>, said: string): void => {
    world.serving = weights;
    world.traffic.push(said);
    world.pollsToSettle = world.settlePolls;
  };
  const settled = (forWhat: string): void => {
    if (world.pollsToSettle === 0) return;
    world.pollsToSettle--;
    throw stillWaiting(forWhat);
  };
  const lock = ({ workflowId, runId, isBrief }: LockRequest): Aliases | null => {
    const { lock: held, champion, challenger } = world.registry;
    if (held !== null && held.workflowId !== workflowId) {
      if (held.isBrief) return null;
      throw new TypedFailure("RolloutLocked", `${held.workflowId} is moving traffic of this model`);
    }
    world.registry = { ...world.registry, lock: { workflowId, runId, acquiredAt: new Date().toISOString(), isBrief } };
    return { champion, challenger };
  };
  return {
    lockRollout: async (request) => lock(request),
    async awaitLock(request) {
      const aliases = lock(request);
      if (aliases === null) throw stillWaiting("another rollout");
      return aliases;
    },
    async unlockRollout({ workflowId }) {
      if (world.registry.lock?.workflowId === workflowId) world.registry = { ...world.registry, lock: null };
    },
    async setWeight({ model, percent, complete }) {
      const [other] = others(model);
      if (percent === null) return { reached: false };
      const isThere = complete ? other === undefined && world.serving[model] === 100 : world.serving[model] === percent;
      if (isThere) return { reached: true };
      if (other === undefined || complete) serve({ [model]: 100 }, `${model} alone`);
      else serve({ [other]: 100 - percent, [model]: percent }, `${model} at ${percent}`);
      // As at a real provider: the weight is there a moment later.
      return { reached: false };
    },
    async awaitWeight({ model, percent, complete }) {
      settled(`${model} at ${percent} %`);
      const alone = others(model).length === 0;
      if (world.serving[model] !== (alone ? 100 : percent) || (complete && !alone)) {
        throw new TypedFailure("ServiceChanged", `${model} is not at ${percent} %`);
      }
    },
    async takeDown({ model }) {
      if (world.serving[model] === undefined) return;
      const [other] = others(model);
      serve(other === undefined ? {} : { [other]: 100 }, `${model} down`);
    },
    async awaitDown({ model }) {
      settled(`${model} to be down`);
      if (world.serving[model] !== undefined) throw stillWaiting(`${model} to be down`);
      return { serves: others(model)[0] ?? null };
    },
    probe: async () => ({ asked: 8, failed: 0 }),
    async findFormerChampion({ to }) {
      const { champion } = world.registry;
      const serves = champion !== null && world.serving[champion] === 100;
      return { model: formerChampion(world.registry, { wanted: to, serves }), champion, testSet: aTestSet() };
    },
    async findServing() {
      const [serves] = Object.entries(world.serving).find(([, percent]) => percent > 0) ?? [];
      return { serves: serves ?? null };
    },
    async look({ model, percent, wait, restMs, newsMs, atOnce }) {
      const share = world.serving[model] ?? 0;
      if (percent !== null && share !== percent)
        throw new TypedFailure("ServiceChanged", `${model} is not at ${percent} %`);
      const goneMs = waitedMs();
      if (goneMs < restMs) throw new TypedFailure("StillWaiting", "too early", { retryAfterMs: restMs - goneMs });
      const { verdict } = worstOf(world.gates);
      world.looks[wait] = (world.looks[wait] ?? 0) + 1;
      const leftMs = newsMs - goneMs;
      const isThere = percent === null && share === 100;
      if (!atOnce.includes(verdict) && leftMs > 0 && !isThere) {
        throw new TypedFailure("StillWaiting", `still ${verdict}`, { retryAfterMs: Math.min(leftMs, 20) });
      }
      return { percent: share, verdict, gates: world.gates, looks: world.looks[wait] };
    },
    async moveAliases({ to, workflowId, reason }) {
      world.registry = withAliases(world.registry, { to, workflowId, reason, at: new Date().toISOString() });
    },
  };
}

/** Nothing is ever left behind in a world: what a janitor does is for others to test. */
const janitorFakes: JanitorActivities = {
  findOrphans: async () => ({ orphans: [], unreadable: [] }),
  endOrphan: async () => ({ ended: true }),
  readPeople: async () => ({ alerts: [] }),
};

function pipelineFakes(world: World, workflows: WorkflowLookup): PipelineActivities {
  // The wait looks at workflows only, never into storage.
  const real = createPipelineActivities({ store: {} as ObjectStore, workflows });
  return {
    async readPipeline() {
      const { records = 0, failedSources = {} } = world.versions.at(-1) ?? {};
      const dataset = { version: world.versions.length, records, failedSources };
      return { dataset, champion: world.registry.champion, lastCycle: world.registry.lastCycle };
    },
    async openCycle({ workflowId, version, repeat }) {
      const datasetVersion = version ?? world.versions.length;
      const records = world.versions[datasetVersion - 1]?.records;
      if (records === undefined) throw new TypedFailure("NotFound", `dataset ${world.name} has no such version`);
      if (world.registry.champion === modelVersionId(world.name, datasetVersion, repeat)) {
        throw new TypedFailure("InvalidInput", "repeat: the cycle's model is champion already");
      }
      const lastCycle = { workflowId, datasetVersion, repeat, records };
      world.registry = { ...world.registry, lastCycle };
      return { ...lastCycle, champion: world.registry.champion, perSource: { slack: records }, failedSources: {} };
    },
    awaitWorkflow: (request) => real.awaitWorkflow(request),
  };
}

function alertFakes(world: World): AlertActivities {
  return {
    async sendAlert({ alert }) {
      world.alerts.push(alert);
    },
  };
}

function reportFakes(world: World): ReportActivities {
  return {
    async writeReport(report) {
      world.reports.push(report);
      const key = `reports/${report.cycle}/report.md`;
      return { key, uri: `s3://tuneloop/${key}` };
    },
  };
}
