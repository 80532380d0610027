import { gunzipSync } from "fflate";
import { UnexpectedReplyError } from "./errors.ts";
import { outcomeOf } from "./job-wait.ts";
import { logPageSchema, type JobRun, type ProductionJob } from "./jobs-wire.ts";
import { type LogReading, LogStream } from "./log-stream.ts";
import { pause, poll } from "./poll.ts";
import { apiPath, type CallOptions, type Transport } from "./transport.ts";
import { resultOf } from "./wire.ts";

/** Most pages that a log is followed through for its tail; more is a server that never ends. */
const MAX_PAGES = 1000;

/** How to read the log of a job. */
export interface JobLogOptions extends LogReading {
  /** Id of one run (attempt) of the job, see `runs`. Default: every run, the oldest first. */
  run?: string;
  /** Whether to go on until the job has ended and nothing is new. Default false: what is there now. */
  follow?: boolean;
}

/** What is asked of the job whose log is read. */
export interface LoggedJob {
  get: (options: CallOptions) => Promise<ProductionJob>;
  runs: (options: CallOptions) => Promise<JobRun[]>;
}

/** Lines of a job's runs, one after the other. */
export async function* jobLog(transport: Transport, job: LoggedJob, options: JobLogOptions): AsyncGenerator<string> {
  const { run, follow = false, pollMs = 2_000, retryMs = 120_000, signal } = options;
  const ask = async <T>(what: string, call: (options: CallOptions) => Promise<T>): Promise<T> =>
    await poll(what, async (callOptions) => ({ answer: await call(callOptions) }), {
      timeoutMs: retryMs,
      pollMs,
      signal,
    });
  const runIds = async () =>
    run === undefined ? (await ask("the runs of the job", job.runs)).map(({ id }) => id) : [run];
  const streamOf = (id: string) => new LogStream(transport, logPath(id), { pollMs, retryMs, signal });
  if (!follow) {
    // The search of runs does not tell a job that is unknown from one without runs.
    if (run === undefined) await ask("the state of the job", job.get);
    for (const id of await runIds()) yield* wholeLog(streamOf(id));
    return;
  }
  const known = new Set<string>();
  const pending: LogStream[] = [];
  for (;;) {
    // Looked at before the log: what is written after this look is read in the next round.
    const { state, last_job_run_id: newest } = await ask("the state of the job", job.get);
    const isSuperseded = run !== undefined && newest != null && newest !== run && known.has(run);
    const hasEnded = outcomeOf(state.current_state) !== null || isSuperseded;
    if (newest != null && !known.has(run ?? newest)) {
      // The search may not know yet of the run that the job names.
      for (const id of new Set([...(await runIds()), run ?? newest])) {
        if (!known.has(id)) pending.push(streamOf(id));
        known.add(id);
      }
    }
    let isQuiet = true;
    for (let stream = pending[0]; stream !== undefined; stream = pending[0]) {
      for await (const line of stream.fresh()) {
        isQuiet = false;
        yield line;
      }
      // A run has ended when a later one has begun.
      if (pending.length === 1) break;
      yield* stream.rest();
      pending.shift();
    }
    if (hasEnded && isQuiet) break;
    await pause(pollMs, signal);
  }
  for (const stream of pending) yield* stream.rest();
}

/**
 * Last lines of one run, oldest first. Only the pieces that hold these lines are downloaded, and held in memory.
 */
export async function logTail(
  transport: Transport,
  runId: string,
  { maxLines }: { maxLines: number },
  options: CallOptions,
): Promise<string[]> {
  const chunks = await logChunks(transport, runId, options);
  const pieces: Uint8Array[] = [];
  let lineBreaks = 0;
  // One line break more than lines, so that the first line kept is known to be whole.
  for (const chunk of chunks.toReversed()) {
    const bytes = await transport.download(chunk.url, chunk.bearerToken, options);
    const plain = bytes[0] === 0x1f && bytes[1] === 0x8b ? gunzipSync(bytes) : bytes;
    pieces.unshift(plain);
    lineBreaks += plain.reduce((count, byte) => (byte === 0x0a ? count + 1 : count), 0);
    if (lineBreaks > maxLines) break;
  }
  // Decoded as a whole: a character may lie across two pieces.
  const lines = Buffer.concat(pieces).toString("utf8").split(/\r?\n/);
  if (lines.at(-1) === "") lines.pop();
  return maxLines > 0 ? lines.slice(-maxLines) : [];
}

async function* wholeLog(stream: LogStream): AsyncGenerator<string> {
  yield* stream.fresh();
  yield* stream.rest();
}

async function logChunks(transport: Transport, runId: string, options: CallOptions) {
  const reply = resultOf(logPageSchema);
  const chunks: { url: string; bearerToken: string | null }[] = [];
  let token: string | undefined;
  for (let page = 0; page < MAX_PAGES; page++) {
    const query = { page_size: "1000", next_page_token: token };
    const { result } = await transport.call({ method: "GET", path: logPath(runId), query, reply, ...options });
    const bearerToken = result.bearer_token ?? null;
    chunks.push(...result.log_chunks.map(({ chunk_url: url }) => ({ url, bearerToken })));
    // Servers hand out a token to resume from with every page that has something: an empty page is the end.
    if (!result.next_page_token || result.log_chunks.length === 0) return chunks;
    token = result.next_page_token;
  }
  throw new UnexpectedReplyError(`the log of ${runId} did not end after ${MAX_PAGES} pages`);
}

function logPath(runId: string): string {
  return apiPath`/api/v2/logs/job_logs_download_v2/${runId}`;
}
