/**
 * A worker like any other, but for its compute and model endpoint, which take no time: what is left is what the loop
 * itself costs. Real Temporal, real S3.
 */
import { pino } from "pino";
import { loadConfig, loadSourceConfig } from "../../src/config.ts";
import { modelVersionAt } from "../../src/domain/ids.ts";
import { isTerminal } from "../../src/domain/job.ts";
import { jobSpecSchema } from "../../src/domain/job-schema.ts";
import type { Compute, JobStatus, ServiceStatus } from "../../src/compute-port.ts";
import type { ModelEndpoint, ObjectStore } from "../../src/ports.ts";
import { withStackEnvironment } from "../../src/dev/stack-file.ts";
import { connect, createWorkflowLookup } from "../../src/temporal/client.ts";
import { createPorts } from "../../src/temporal/ports.ts";
import { installLogger, startWorker } from "../../src/temporal/worker.ts";

const environment = withStackEnvironment(process.env, {});
const config = loadConfig(environment);
const log = pino({ level: "warn" }, pino.destination(2));
const client = await connect(environment);
const ports = createPorts(config, {
  log,
  workflows: createWorkflowLookup(client),
  sources: loadSourceConfig(environment),
});
const compute = instantCompute(ports.store);
installLogger(log, "warn");
const worker = await startWorker(
  { ...ports, compute, endpoint: instantEndpoint(), recipes: { ...ports.recipes, ...instantRecipe() } },
  environment,
);
process.on("message", () => process.send?.({ maxRssMb: process.resourceUsage().maxRSS / 1024 }));
process.on("SIGTERM", () => worker.shutdown());
process.send?.({ ready: true });
await worker.ended;
await client.connection.close();
process.disconnect();

function instantRecipe(): Pick<typeof ports.recipes, "renderJob" | "renderService"> {
  const nothing = { workingDirectory: null, image: null, compute: null, requirements: [], envVars: {} };
  return {
    renderJob: async (_, specUri) => ({ ...nothing, entrypoint: `train ${specUri}` }),
    renderService: async (_, modelUri) => ({
      ...nothing,
      importPath: "app:app",
      args: {},
      modelName: modelVersionAt(modelUri),
    }),
  };
}

/** The first model gets every other answer right, the later ones all: so there is a promotion to time. */
function instantEndpoint(): ModelEndpoint {
  return {
    async complete({ model, messages }) {
      const index = Number(messages.at(-1)?.content.match(/\d+/)?.[0] ?? 0);
      const answer = model.endsWith("-1") && index % 2 === 1 ? "wrong(name[x])" : "inform(name[x])";
      return { answer, promptTokens: null, completionTokens: null };
    },
  };
}

function instantCompute(store: ObjectStore): Compute {
  const jobs = new Map<string, JobStatus>();
  const services = new Map<string, ServiceStatus>();
  const running = (version: string, weightPercent: number) => ({ version, state: "running" as const, weightPercent });
  return {
    findJobs: async (name) => [...jobs.values()].filter((job) => job.name === name),
    async submitJob({ name, entrypoint }) {
      await writeModel(store, entrypoint.slice("train ".length));
      const job: JobStatus = {
        id: `job-${jobs.size}`,
        name,
        entrypoint,
        state: "succeeded",
        providerState: "SUCCESS",
        createdAt: new Date().toISOString(),
        error: null,
        url: null,
      };
      jobs.set(job.id, job);
      return job;
    },
    async getJob(id) {
      const job = jobs.get(id);
      if (!job || !isTerminal(job.state)) throw new Error(`no job ${id}`);
      return job;
    },
    jobCostUsd: async () => null,
    terminateJob: async () => {},
    async applyService({ name, version, canaryPercent: wanted, completeRollout }) {
      const canaryPercent = wanted ?? 100;
      const before = services.get(name)?.primary?.version ?? version;
      const service: ServiceStatus = {
        id: name,
        name,
        state: "running",
        primary: running(before, 100 - canaryPercent),
        canary: running(version, canaryPercent),
        url: "http://127.0.0.1:1",
        token: null,
        error: null,
      };
      const alone = before === version || (completeRollout && canaryPercent === 100);
      const now = alone ? { ...service, primary: running(version, 100), canary: null } : service;
      services.set(name, now);
      return now;
    },
    getService: async (name) => services.get(name) ?? null,
    async rollBackService(name) {
      const service = services.get(name);
      if (service?.primary)
        services.set(name, { ...service, primary: running(service.primary.version, 100), canary: null });
    },
    terminateService: async (name) => void services.delete(name),
  };
}

async function writeModel(store: ObjectStore, specUri: string): Promise<void> {
  const specKey = specUri.slice(store.uri("").length);
  const spec = jobSpecSchema.parse(JSON.parse((await store.get(specKey))?.body.toString() ?? ""));
  const [, model = "", version = ""] = spec.output.slice(store.uri("").length).split("/");
  const manifest = {
    format: 1,
    model,
    version,
    recipe: "embedded",
    baseModel: null,
    dataset: `${model}@1`,
    task: "frames",
    files: [],
    trainedRecords: 1,
    trainSeconds: 0,
    loss: [],
  };
  await store.put(`models/${model}/${version}/model.json`, JSON.stringify(manifest));
}
