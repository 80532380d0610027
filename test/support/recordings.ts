/** Recorded sessions of the official client: played back to ours by a local server, and what the two sent compared. */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { dirname, join } from "node:path";
import { unzipSync } from "fflate";
import { AnyscaleClient } from "../../src/anyscale/client.ts";
import { aDirectory } from "./emulator.ts";

const TRACES = new URL("../conformance/traces/", import.meta.url);

/** Where the recordings say that the server was. */
const RECORDED_HOST = "http://anyscale.local";

/** What stands for the token in the recordings. */
const RECORDED_TOKEN = "<ANYSCALE_CLI_TOKEN>";

/** The token of a stage's client. */
export const STAGE_TOKEN = "aph0_played-back";

/** A request as recorded: a body is JSON, `{"$zip": [names]}`, `{"$text": "..."}` or null. */
export interface SentRequest {
  method: string;
  path: string;
  query: Record<string, string | string[]>;
  headers: Record<string, string>;
  body: unknown;
}

interface Step {
  request: SentRequest;
  response: { status: number; body: unknown };
}

/** One session of the official Python SDK or CLI. */
export interface Recording {
  /** File name without its ending. */
  name: string;
  steps: readonly Step[];
}

/** The same intent, carried out by our client. */
export interface Scenario {
  /** What this process has looked up before, from the answers of any recording; its requests are not compared. */
  before?: (stage: Stage) => Promise<unknown>;
  run: (stage: Stage) => Promise<unknown>;
  /** `Retry-After` of every recorded 429 and 503, which the recordings do not hold. */
  retryAfterSeconds?: number;
}

/** Where a scenario is played: a client whose server answers as recorded. */
export interface Stage {
  client: AnyscaleClient;
  /** URL of the server. */
  host: string;
  /** The recorded session. */
  recording: Recording;
  /** A local directory of this name with these files, as the official client had it in its working directory. */
  directory: (name: string, files: Record<string, string>) => string;
}

/** Every recording, by name. */
export function allRecordings(): Recording[] {
  const files = readdirSync(TRACES).filter((file) => file.endsWith(".json"));
  return files.sort().map((file) => {
    const { steps } = JSON.parse(readFileSync(new URL(file, TRACES), "utf8")) as { steps: Step[] };
    return { name: file.replace(/\.json$/, ""), steps };
  });
}

/**
 * Plays a scenario against the answers of a recording and answers what our client sent. A request gets the next recorded
 * answer of its method, path and page, of its query if there is one, the last one again when all are used up; a request that is not in the
 * recording gets the answer of another one or the item of a listing, else 400.
 */
export async function play(
  recording: Recording,
  scenario: Scenario,
  others: readonly Recording[],
): Promise<SentRequest[]> {
  const directory = aDirectory();
  const played = new Set<Step>();
  let steps: readonly Step[] = [];
  let sent: SentRequest[] = [];
  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    const seen = await requestOf(request, directory);
    sent.push(seen);
    const step =
      nextStep(steps, seen, played) ??
      nextStep(allSteps(others), seen, new Set()) ??
      listedStep([recording, ...others], seen);
    respond(response, step, request.headers.host ?? "", scenario.retryAfterSeconds);
  };
  const server = createServer((request, response) => void answer(request, response));
  const host = await listening(server);
  try {
    const stage: Stage = {
      client: new AnyscaleClient({ host, token: STAGE_TOKEN }),
      host,
      recording,
      directory: (name, files) => {
        for (const [file, text] of Object.entries(files)) {
          mkdirSync(dirname(join(directory, name, file)), { recursive: true });
          writeFileSync(join(directory, name, file), text);
        }
        return join(directory, name);
      },
    };
    await scenario.before?.(stage);
    steps = recording.steps;
    sent = [];
    await scenario.run(stage);
    return sent;
  } finally {
    server.closeAllConnections();
    server.close();
    rmSync(directory, { recursive: true });
  }
}

/** Where the official client and ours differ in a session. */
export interface Difference {
  /**
   * `omitted`: the official client made the call, ours did not. `added`: the other way round. `order`: both made it, ours
   * earlier or later. `changed`: one field of the call differs.
   */
  kind: "omitted" | "added" | "order" | "changed";
  /** Method and path, with `{id}` for every id. */
  call: string;
  /** `header X`, `query x` or `body a.b`; of a change only. */
  field?: string;
  official?: unknown;
  ours?: unknown;
}

/** All differences of two sessions. Calls are paired by method and path, and by query where that tells them apart. */
export function differences(recording: Recording, sent: readonly SentRequest[]): Difference[] {
  const official = recording.steps.map(({ request }) => request);
  const paired = new Set<number>();
  const found: Difference[] = [];
  let last = -1;
  for (const ours of sent) {
    const same = official.flatMap((one, index) => (!paired.has(index) && isSameCall(one, ours) ? [index] : []));
    const index = same.find((one) => isEqual(official[one]?.query, ours.query)) ?? same[0];
    const partner = index === undefined ? undefined : official[index];
    if (index === undefined || partner === undefined) {
      found.push({ kind: "added", call: callOf(ours) });
      continue;
    }
    paired.add(index);
    if (index < last) found.push({ kind: "order", call: callOf(ours) });
    last = Math.max(last, index);
    found.push(...changesOf(partner, ours));
  }
  const omitted = official.filter((_, index) => !paired.has(index));
  return [...found, ...omitted.map((one): Difference => ({ kind: "omitted", call: callOf(one) }))];
}

/** Headers that a server may look at; the rest belongs to the HTTP library. */
const HEADERS = [
  "Accept",
  "Authorization",
  "Content-Type",
  "Cookie",
  "traceparent",
  "User-Agent",
  "X-Anyscale-Client",
  "X-Anyscale-Client-Version",
  "X-Anyscale-Version",
];

function changesOf(official: SentRequest, ours: SentRequest): Difference[] {
  const call = callOf(official);
  const left = fieldsOf(official);
  const right = fieldsOf(ours);
  return [...new Set([...left.keys(), ...right.keys()])]
    .filter((field) => !isEqual(left.get(field), right.get(field)))
    .map((field) => ({ kind: "changed", call, field, official: left.get(field), ours: right.get(field) }));
}

/** Every comparable field of a request: headers, query, and the leaves of the body. */
function fieldsOf({ headers, query, body }: SentRequest): Map<string, unknown> {
  const fields = new Map<string, unknown>();
  for (const name of HEADERS) {
    const value = Object.entries(headers).find(([key]) => key.toLowerCase() === name.toLowerCase())?.[1];
    if (value !== undefined) fields.set(`header ${name}`, value);
  }
  for (const [name, value] of Object.entries(query)) fields.set(`query ${name}`, value);
  // Entries of an archive lie in the order in which the file system lists them.
  if (isZip(body)) fields.set("body $zip", body.$zip.toSorted());
  else addLeaves(fields, "body", body);
  return fields;
}

function isZip(body: unknown): body is { $zip: string[] } {
  return typeof body === "object" && body !== null && "$zip" in body;
}

function addLeaves(fields: Map<string, unknown>, path: string, value: unknown): void {
  const isEmpty = typeof value !== "object" || value === null || Object.keys(value).length === 0;
  if (isEmpty) {
    if (value !== null) fields.set(path, value);
    return;
  }
  const join = path === "body" ? "body " : `${path}.`;
  for (const [key, part] of Object.entries(value)) addLeaves(fields, `${join}${key}`, part);
}

function callOf({ method, path }: SentRequest): string {
  const ids = /\b(usr|org|cld|prj|cpt|apt|bld|prodjob|job|ses|service2|srvver|raysubmit)_(?=[a-z]*\d)[a-z0-9]+\b/g;
  return `${method} ${path.replaceAll(ids, "{id}").replaceAll(/pkg_[0-9a-f]{32}/g, "{pkg}")}`;
}

function isSameCall(one: SentRequest, other: SentRequest): boolean {
  return one.method === other.method && one.path === other.path;
}

function isEqual(one: unknown, other: unknown): boolean {
  return JSON.stringify(sorted(one)) === JSON.stringify(sorted(other));
}

/** With the keys of objects in order, so that JSON tells equal values. */
function sorted(value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Successful steps, the latest first: how things were in the end. */
function allSteps(recordings: readonly Recording[]): Step[] {
  const steps = recordings.flatMap(({ steps }) => steps);
  return steps.filter(({ response }) => response.status < 300).toReversed();
}

function nextStep(steps: readonly Step[], request: SentRequest, played: Set<Step>): Step | undefined {
  const same = steps.filter((step) => isSameCall(step.request, request) && isSamePage(step.request, request));
  const left = same.filter((step) => !played.has(step));
  const step = left.find((one) => isEqual(one.request.query, request.query)) ?? left[0] ?? same.at(-1);
  if (step !== undefined) played.add(step);
  return step;
}

/** Another page has another answer, whatever else is equal. */
function isSamePage({ query: one }: SentRequest, { query: other }: SentRequest): boolean {
  return ["next_page_token", "paging_token"].every((name) => one[name] === other[name]);
}

/** Where the official client took a thing out of a listing, ours may ask for it by its id. */
function listedStep(recordings: readonly Recording[], request: SentRequest): Step | undefined {
  const id = request.path.split("/").at(-1);
  const bodies = recordings.flatMap(({ steps }) => steps.map(({ response }) => response.body));
  const items = bodies.flatMap((body) => (isListing(body) ? body.results : []));
  const result = items.find((item) => item.id === id);
  return request.method === "GET" && result ? { request, response: { status: 200, body: { result } } } : undefined;
}

function isListing(body: unknown): body is { results: { id?: string }[] } {
  return typeof body === "object" && body !== null && "results" in body && Array.isArray(body.results);
}

function respond(response: ServerResponse, step: Step | undefined, host: string, retryAfter?: number): void {
  if (step === undefined) {
    // No 5xx: a wait would go on through it.
    response.writeHead(400).end(JSON.stringify({ error: { detail: "no recording has an answer to this" } }));
    return;
  }
  const { status, body } = step.response;
  const again = retryAfter !== undefined && (status === 429 || status === 503);
  response.writeHead(status, again ? { "retry-after": String(retryAfter) } : {});
  const isText = typeof body === "object" && body !== null && "$text" in body;
  const text = isText ? String(body.$text) : body === null ? "" : JSON.stringify(body);
  response.end(text.replaceAll(RECORDED_HOST, `http://${host}`));
}

async function requestOf(request: IncomingMessage, directory: string): Promise<SentRequest> {
  const pieces: Buffer[] = [];
  for await (const piece of request) pieces.push(piece as Buffer);
  const url = new URL(request.url ?? "/", RECORDED_HOST);
  const query: SentRequest["query"] = {};
  for (const name of url.searchParams.keys()) {
    const values = url.searchParams.getAll(name);
    query[name] = values.length > 1 ? values : (values[0] ?? "");
  }
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(request.headers))
    headers[name] = String(value).replaceAll(STAGE_TOKEN, RECORDED_TOKEN);
  const method = request.method ?? "";
  return { method, path: url.pathname, query, headers, body: bodyOf(Buffer.concat(pieces), directory) };
}

function bodyOf(bytes: Buffer, directory: string): unknown {
  if (bytes.length === 0) return null;
  if (bytes.subarray(0, 2).toString() === "PK") return { $zip: Object.keys(unzipSync(bytes)) };
  // The official client was called in the directory that holds the local directories, by their bare names.
  return JSON.parse(bytes.toString().replaceAll(`${directory}/`, ""));
}

async function listening(server: Server): Promise<string> {
  server.listen(0, "127.0.0.1");
  await new Promise((done) => server.once("listening", done));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
