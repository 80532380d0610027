/**
 * What Tuneloop needs from outside, one interface per outside system. Adapters implement them, activities use them,
 * and nothing here knows a vendor. Every method makes one attempt: retries belong to Temporal.
 */
import type { Readable } from "node:stream";
import type { CountsTarget } from "./domain/counts-table-schema.ts";
import type { CountsRow } from "./domain/dataset-version.ts";
import type { ChatItem } from "./domain/record-schema.ts";
import type { AskingProgress } from "./domain/evaluation-schema.ts";
import type { SourceProgress } from "./domain/reading-schema.ts";
import type { GatePolicy, GateVerdict, Observation } from "./domain/rollout-schema.ts";
import type { SourceDefinition } from "./domain/source-schema.ts";
import type { AlertChoice } from "./domain/alert-choice-schema.ts";
import type { Alert } from "./domain/alert-schema.ts";
import type { CodeVersion } from "./domain/decision-record-schema.ts";
import type { ComputeShape } from "./domain/compute-schema.ts";
import type { MetricChoice } from "./domain/evaluate-schema.ts";
import type { ChoosingDefinition, ResolvedChoices } from "./domain/metrics/choices.ts";
import type { MetricContext, MetricPack, MetricPackKind } from "./domain/metrics/metric.ts";
import type { ChosenRecipe } from "./domain/pipeline-schema.ts";
import type { Report } from "./domain/report-schema.ts";
import type { RunsIn, Compute } from "./compute-port.ts";

/** An object as a listing shows it. */
export interface ObjectSummary {
  key: string;
  bytes: number;
  etag: string;
  /** ISO-8601. */
  modifiedAt: string;
}

/** Conditions of a write; without one the write is unconditional. */
export type WriteCondition = { ifNoneMatch: "*" } | { ifMatch: string };

/**
 * Objects in S3: one bucket, keys below one prefix. Keys are relative to the prefix unless `s3://` URIs are named.
 * A failed condition is reported as `PreconditionFailed`, a missing object as null or `NotFound`, never as a bare SDK error.
 */
export interface ObjectStore {
  /** `s3://bucket/prefix/key` of a key, for specs and reports. */
  uri(key: string): string;
  /** Whole object and its ETag, or null when there is none. With `sha256` (hex) the bytes are checked. */
  get(key: string, expected?: { sha256: string }): Promise<{ body: Buffer; etag: string } | null>;
  /** The object's bytes as a stream; errors at its end when `sha256` (hex) does not match. Throws `NotFound`. */
  stream(key: string, expected?: { sha256: string }): Promise<Readable>;
  /** Writes a whole object; answers its ETag. Throws `PreconditionFailed` when the condition does not hold. */
  put(
    key: string,
    body: Uint8Array | string,
    options?: { condition?: WriteCondition; contentType?: string },
  ): Promise<{ etag: string }>;
  /** Writes a stream of unknown length, in parts, in constant memory. */
  putStream(key: string, body: Readable, options?: { contentType?: string }): Promise<void>;
  /** Objects whose key starts with `prefix` in key order, from the one after `startAfter`. */
  list(prefix: string, options?: { startAfter?: string }): AsyncIterable<ObjectSummary>;
}

/** What a model answered, and what the endpoint says that took. */
export interface Completion {
  answer: string;
  /** Null where the endpoint does not count them. */
  promptTokens: number | null;
  completionTokens: number | null;
}

/** A chat completion endpoint that speaks OpenAI's wire. */
export interface ModelEndpoint {
  /**
   * Asks one question. Throws on a failed request (status, timeout, not OpenAI's shape),
   * `signal` cancels it.
   */
  complete(request: {
    baseUrl: string;
    token: string | null;
    /** Pins a version of the service behind the URL; null for whichever serves. */
    serviceVersion: string | null;
    model: string;
    messages: { role: string; content: string }[];
    temperature: number;
    /** Longest answer in tokens; null leaves it to the endpoint. */
    maxTokens: number | null;
    timeoutMs: number;
    signal?: AbortSignal;
  }): Promise<Completion>;
}

/** One item as a source delivered it: parsed, or with the reason why it cannot be. */
export type SourceItem = {
  /** The item's id at its source. */
  sourceItem: string;
  /** Where people find it, such as `<key>#<line>`. */
  at: string;
  /** ISO-8601. */
  receivedAt: string;
  raw: string;
} & ({ chat: ChatItem } | { reason: string });

/** One pass over a source. */
export interface SourceReading {
  /** Items in groups, as they come off the wire. */
  items: AsyncIterable<SourceItem[]>;
  /** Where a later pass goes on so that it meets nothing of what `items` has yielded, and everything else. */
  cursor(): Promise<string>;
  /** How much of what there is has been read, as its source counts it; null as long as that is not known. */
  extent?(): { readBytes: number; totalBytes: number } | null;
}

/** Reads one kind of source from where the last pass ended. */
export interface SourceReader {
  /** Items after `cursor`; null reads from the start. */
  read(source: SourceDefinition, cursor: string | null, signal: AbortSignal): SourceReading;
}

/** What a recipe needs to train. */
export interface RenderedJob extends RunsIn {
  entrypoint: string;
  /** Null for the account's default. */
  compute: ComputeShape | null;
}

/** What a recipe needs to serve one model version. */
export interface RenderedService extends RunsIn {
  importPath: string;
  args: Record<string, unknown>;
  /** Null for the account's default. */
  compute: ComputeShape | null;
  /** What requests name as `model`. */
  modelName: string;
}

/** How models are trained and served. */
export interface RecipeCatalog {
  /** Checks what a pipeline chooses and fills in defaults. Throws InvalidInput that names an unknown recipe or each bad field. */
  check(chosen: ChosenRecipe): ChosenRecipe;
  /** Of what was checked. Entrypoint: deterministic in that and `specUri`. Throws InvalidInput for an unknown recipe. */
  renderJob(chosen: ChosenRecipe, specUri: string): Promise<RenderedJob>;
  /** Of what was checked, maybe by an earlier release. Throws InvalidInput for an unknown recipe. */
  renderService(chosen: ChosenRecipe, modelUri: string): Promise<RenderedService>;
}

/** A metric pack that can be chosen. */
export interface KnownMetricPack {
  kind: MetricPackKind;
  /** Null for one that is part of Tuneloop. */
  file: string | null;
}

/** The metric packs that there are. */
export interface MetricCatalog {
  /** Checks packs, options and what the policy rests on. Throws InvalidInput that names the field, before anything is paid for. */
  check(definition: ChoosingDefinition): Promise<void>;
  /** Settles what is `auto` by the expected answers of the test set; packs of one's own are pinned by hash. */
  resolve(definition: ChoosingDefinition, expected: readonly string[]): Promise<ResolvedChoices>;
  /** Packs ready to score. Throws InvalidInput when the file of one is not the one that was chosen. */
  open(choices: readonly MetricChoice[], context: MetricContext): Promise<MetricPack[]>;
  /** All of them. Throws InvalidInput for a file that is no pack. */
  list(): Promise<KnownMetricPack[]>;
}

/** Gates of rollouts that are not part of Tuneloop. */
export interface GateCatalog {
  /** Checks gates and their options. Throws InvalidInput that names what is wrong. */
  check(choices: GatePolicy["own"]): Promise<void>;
  /** What each of them says. Throws InvalidInput for one that is not there, throws, or answers no verdict. */
  judge(choices: GatePolicy["own"], observations: readonly Observation[]): Promise<GateVerdict[]>;
}

/** Record counts in SQL tables, for reports elsewhere. Both make the table when it is not there. */
export interface CountsTable {
  /** Versions of a dataset that the table has rows of, in order. */
  versions(target: CountsTarget, dataset: string): Promise<number[]>;
  /** Inserts rows, or puts them in place of those of the same dataset, version and source. All or none. */
  merge(target: CountsTarget, rows: readonly CountsRow[]): Promise<void>;
}

/** Makes documents for people of a cycle's report. Pure: the same report gives the same document. */
export interface ReportRenderer {
  /** One HTML file that stands alone. */
  html(report: Report): Promise<string>;
  markdown(report: Report): string;
}

/** Everything the activities use. */
export interface Ports {
  /** Tuneloop's own bucket and prefix. */
  store: ObjectStore;
  compute: Compute;
  endpoint: ModelEndpoint;
  recipes: RecipeCatalog;
  metrics: MetricCatalog;
  gates: GateCatalog;
  sources: Record<SourceDefinition["kind"], SourceReader>;
  /** Reads one chat-format JSONL object anywhere in S3. Throws NotFound. */
  readChatFile(uri: string, signal: AbortSignal): AsyncIterable<SourceItem[]>;
  counts: CountsTable;
  alerts: AlertSink;
  /** Address of Temporal's web UI, for links; null for none. */
  temporalUi: string | null;
  reports: ReportRenderer;
  workflows: WorkflowLookup;
  /** The value of a variable that a definition names as a secret. Throws InvalidInput that names it, when it is not set. */
  secret(name: string): string;
  /** The program that runs, for the record of what it decides. */
  code: CodeVersion;
  /** Keys the hash that stands for an author; without one, authors are dropped. */
  authorKey: string | null;
}

/** One alert on its way to one sink. */
export interface AlertDelivery<S extends AlertChoice = AlertChoice> {
  /** The same for each attempt, and no other delivery's. */
  id: string;
  alert: Alert;
  sink: S;
  signal: AbortSignal;
}

/**
 * Tells people. The same delivery again tells nobody twice as far as the sink can know. Fails with InvalidInput that names
 * the variable whose secret is missing or wrong; no failure holds a secret.
 */
export interface AlertSink<S extends AlertChoice = AlertChoice> {
  send(delivery: AlertDelivery<S>): Promise<void>;
}

/** How a workflow stands, for those who wait for one they did not start in this run. */
export interface WorkflowOutcome {
  status: "running" | "completed" | "failed" | "cancelled" | "terminated" | "not-found";
  /** Result of a completed workflow, message of a failed one. */
  result?: unknown;
  error?: string;
}

/** Workflows from outside: whether a lock's holder still lives, how an awaited one ended, and who hears of progress. */
export interface WorkflowLookup {
  /** Tells a workflow how far the reading of sources is. Throws when it has ended. */
  tellProgress(workflowId: string, progress: Record<string, SourceProgress>): Promise<void>;
  /** Tells a workflow how far the asking of its model is. Throws when it has ended. */
  tellAsking(workflowId: string, progress: AskingProgress): Promise<void>;
  /** Without `runId`, the newest run of the id. */
  outcome(workflowId: string, runId?: string): Promise<WorkflowOutcome>;
}
