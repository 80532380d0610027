/** Fakes of our own ports: in memory, honest about what they promise, and breakable. */
import { createHash } from "node:crypto";
import { chatItemSchema } from "../../src/domain/record-schema.ts";
import type {
  Compute,
  JobRequest,
  JobStatus,
  ServiceRequest,
  ServiceStatus,
  ServiceVersionStatus,
} from "../../src/compute-port.ts";
import type {
  ModelEndpoint,
  RecipeCatalog,
  SourceItem,
  SourceReader,
  WorkflowLookup,
  WorkflowOutcome,
} from "../../src/ports.ts";

/** One question asked of a {@link fakeEndpoint}. */
export type Question = Parameters<ModelEndpoint["complete"]>[0];

/** An endpoint that answers by a function, which may throw, and remembers what it was asked. */
export function fakeEndpoint(
  answer: (question: Question) => string | Promise<string>,
): ModelEndpoint & { asked: Question[] } {
  const asked: Question[] = [];
  return {
    asked,
    async complete(question) {
      asked.push(question);
      return { answer: await answer(question), promptTokens: 12, completionTokens: 3 };
    },
  };
}

/** A service as observed; running alone at 100 % unless told otherwise. */
export function aService(overrides: Partial<ServiceStatus> = {}): ServiceStatus {
  return {
    id: "service2_1",
    name: "pipeline-games",
    state: "running",
    primary: aServed("games-1"),
    canary: null,
    url: "http://games.test",
    token: "token",
    error: null,
    ...overrides,
  };
}

/** A version of a service as observed. */
export function aServed(version: string, overrides: Partial<ServiceVersionStatus> = {}): ServiceVersionStatus {
  return { version, state: "running", weightPercent: 100, ...overrides };
}

/** A compute whose observations are set by the test; what is ordered is written down and changes nothing. */
export class FakeCompute implements Compute {
  jobs: JobStatus[] = [];
  /** What jobs have cost, by id; the others have no count. */
  costsUsd: Record<string, number | null> = {};
  service: ServiceStatus | null = null;
  readonly applied: ServiceRequest[] = [];
  readonly orders: string[] = [];
  /** Takes effect after the job was made: throw to lose the answer. */
  afterSubmit: () => void = () => {};

  async findJobs(name: string): Promise<JobStatus[]> {
    return this.jobs.filter((job) => job.name === name);
  }

  async submitJob({ name, entrypoint }: JobRequest): Promise<JobStatus> {
    const job = aJobStatus({ id: `job-${this.jobs.length + 1}`, name, entrypoint, state: "queued" });
    this.jobs.unshift(job);
    this.afterSubmit();
    return job;
  }

  async getJob(id: string): Promise<JobStatus> {
    const job = this.jobs.find((candidate) => candidate.id === id);
    if (!job) throw new Error(`there is no job ${id}`);
    return job;
  }

  async jobCostUsd(id: string): Promise<number | null> {
    return this.costsUsd[id] ?? null;
  }

  async terminateJob(id: string): Promise<void> {
    this.orders.push(`terminate ${id}`);
  }

  async applyService(request: ServiceRequest): Promise<ServiceStatus> {
    this.applied.push(request);
    return this.service ?? aService();
  }

  async getService(): Promise<ServiceStatus | null> {
    return this.service;
  }

  async rollBackService(name: string): Promise<void> {
    this.orders.push(`roll back ${name}`);
  }

  async terminateService(name: string): Promise<void> {
    this.orders.push(`terminate ${name}`);
  }
}

/** A job as its service reports it; running unless told otherwise. */
export function aJobStatus(overrides: Partial<JobStatus> = {}): JobStatus {
  return {
    id: "job-1",
    name: "train",
    entrypoint: "true",
    state: "running",
    providerState: "RUNNING",
    createdAt: "2026-01-01T00:00:00Z",
    error: null,
    url: null,
    ...overrides,
  };
}

/** What a recipe runs in that needs nothing. */
export const runsAnywhere = { workingDirectory: null, image: null, compute: null, requirements: [], envVars: {} };

/** Recipes that need no build: the entrypoint names recipe and spec, hyperparameters get a default seed. */
export const fakeRecipes: RecipeCatalog = {
  check: ({ hyperparameters, ...chosen }) => ({ ...chosen, hyperparameters: { seed: 42, ...hyperparameters } }),
  renderJob: async ({ name }, specUri) => ({ ...runsAnywhere, entrypoint: `${name} ${specUri}` }),
  renderService: async ({ name }, modelUri) => ({
    ...runsAnywhere,
    importPath: `${name}.mjs:handler`,
    args: { modelUri },
    modelName: `${name}-model`,
  }),
};

/** Knows how these workflows stand; of any other that there is none. */
export function fakeWorkflows(outcomes: Record<string, WorkflowOutcome> = {}): WorkflowLookup {
  return {
    outcome: async (workflowId) => outcomes[workflowId] ?? { status: "not-found" },
    tellProgress: async () => {},
    tellAsking: async () => {},
  };
}

/** A chat item at a source; a string instead of a chat is a bad one with that reason. */
export function aSourceItem(at: string, chat: { messages: unknown; [field: string]: unknown } | string): SourceItem {
  const common = { sourceItem: at, at, receivedAt: "2026-01-01T00:00:00Z" };
  if (typeof chat === "string") return { ...common, raw: chat, reason: chat };
  return { ...common, raw: JSON.stringify(chat), chat: chatItemSchema.parse(chat) };
}

/** A question with its answer, in OpenAI's shape. */
export function aChat(question: string, answer = `answer to ${question}`): { messages: unknown } {
  return {
    messages: [
      { role: "user", content: question },
      { role: "assistant", content: answer },
    ],
  };
}

/**
 * A source of groups of items; its cursor is the number of items delivered. `beforeGroup` runs before each group but
 * the first, may wait, and may throw as a broken connection does.
 */
export function fakeSource(
  groups: readonly SourceItem[][],
  beforeGroup: (index: number) => void | Promise<void> = () => {},
): SourceReader & { cursors: (string | null)[] } {
  const cursors: (string | null)[] = [];
  return {
    cursors,
    read(_source, cursor) {
      cursors.push(cursor);
      let delivered = Number(cursor ?? 0);
      const items = async function* (): AsyncGenerator<SourceItem[]> {
        let before = 0;
        for (const [index, group] of groups.entries()) {
          const fresh = group.slice(Math.max(0, delivered - before));
          before += group.length;
          if (fresh.length === 0) continue;
          if (index > 0) await beforeGroup(index);
          delivered += fresh.length;
          yield fresh;
        }
      };
      return { items: items(), cursor: async () => String(delivered) };
    },
  };
}

/** sha256 in hexadecimal. */
export function sha256(content: string | Uint8Array): string {
  return createHash("sha256").update(content).digest("hex");
}
