/** The only way to addresses that people name in definitions: it reaches public hosts and those the worker allows. */
import type { z } from "zod";
import { TypedFailure, type FailureType } from "../domain/failures.ts";
import { createGuardedAgent, hostOf, resolveBySystem, type Resolve } from "./guarded-agent.ts";
import { exchange, placeOf, type Reach } from "./http-exchange.ts";
import { waitAskedMs } from "./rate-limit.ts";
import { Patience, RequestPace } from "./request-pace.ts";

/** One request. */
export interface HttpRequest {
  /** https; http for hosts that are allowed by name. */
  url: string;
  /** Default GET. */
  method?: "GET" | "POST";
  /** Left out, but for `accept` and `user-agent`, when a redirect leads to another host. */
  headers?: Record<string, string>;
  /** Sent as it is; name its type in `content-type`. */
  body?: string;
  signal: AbortSignal;
  /** Most bytes of the answer, unpacked. Default 64 MiB. */
  maxBytes?: number;
  /** For the whole exchange, patience that the service asks for left out, in milliseconds. Default 60,000. */
  timeoutMs?: number;
  /** Most that is waited where the service asks for patience, in milliseconds. Default 60,000; 0 leaves all waiting to the caller. */
  patienceMs?: number;
}

/** An answer of status 200 to 299, or 304 to a conditional request. */
export interface HttpReply {
  status: number;
  /** The address that answered, after redirects. */
  url: string;
  /** By name in lower case; several of one name joined by commas. */
  headers: Record<string, string>;
  /** The answer's bytes, unpacked, in the pace they are read. Read it, or call `dispose`. */
  body: AsyncIterable<Uint8Array>;
  /** Gives the connection up. */
  dispose(): void;
}

/**
 * Requests that cannot be led astray: https only, names resolved once, private and special addresses refused, also after a
 * redirect (3 at most), bytes and time capped. Makes one attempt, but waits where the service asks for it (429 or 503 with
 * Retry-After, rate limits in headers) as long as that is short.
 *
 * Throws TypedFailure: `Refused` for addresses that may not be reached and for 400, 401, 403, 422 and the like; `NotFound`
 * for 404 and 410; `RateLimited` with `retryAfterMs` when the wait is long; `Unavailable` for everything that may pass.
 */
export interface SafeHttp {
  /** The answer as it comes in. */
  request(request: HttpRequest): Promise<HttpReply>;
  /** The answer as checked JSON. Throws `Unavailable` when it is not JSON, `InvalidData` naming the field when it is not as `schema` says. */
  json<T extends z.ZodType>(
    request: HttpRequest,
    schema: T,
  ): Promise<{ value: z.infer<T>; headers: Record<string, string> }>;
}

/** An answer that is a refusal or an error of the service. */
export class AnswerFailure extends TypedFailure {
  readonly status: number;
  /** By name in lower case. */
  readonly headers: Record<string, string>;
  /** What the service says of it in its JSON, cut to 200 characters and without anything that it was sent in headers. */
  readonly said: string;

  constructor(
    type: FailureType,
    message: string,
    answer: { status: number; headers: Record<string, string>; said: string },
  ) {
    super(type, message);
    this.status = answer.status;
    this.headers = answer.headers;
    this.said = answer.said;
  }
}

/** Settings of a worker. */
export interface SafeHttpOptions {
  /** `host:port` that may be reached although they are not public, also by http. */
  allowHosts: readonly string[];
  /** In place of the system's. */
  resolve?: Resolve;
}

/**
 * What makes the requests of one source: connections are shared by all sources, the pace is each one's own.
 *
 * @param requestsPerMinute null for as many as the service allows
 */
export type SafeHttpFor = (requestsPerMinute: number | null) => SafeHttp;

/** Most bytes of an error's answer that are looked at. */
const maxErrorBytes = 16 * 1024;

/** Opens no connection. */
export function createSafeHttp({ allowHosts, resolve = resolveBySystem }: SafeHttpOptions): SafeHttpFor {
  const allowed = new Set(allowHosts.map((host) => host.toLowerCase()));
  const isAllowed = (host: string): boolean => allowed.has(host);
  const reach = { agent: createGuardedAgent(isAllowed, resolve), isAllowed };
  return (requestsPerMinute) => {
    const pace = new RequestPace(requestsPerMinute);
    const request = (asked: HttpRequest): Promise<HttpReply> => patiently(reach, pace, asked);
    return { request, json: (asked, schema) => readJson(request, asked, schema) };
  };
}

async function patiently(reach: Reach, pace: RequestPace, asked: HttpRequest): Promise<HttpReply> {
  const patience = new Patience(asked.patienceMs);
  for (;;) {
    const host = URL.canParse(asked.url) ? hostOf(new URL(asked.url)) : "";
    await pace.turn(host, asked.signal);
    const reply = await exchange(reach, asked);
    pace.heard(host, reply.headers);
    if ((reply.status >= 200 && reply.status < 300) || (reply.status === 304 && isConditional(asked))) return reply;
    const waitMs = waitAskedMs(reply.status, reply.headers, Date.now());
    if (waitMs === undefined) throw await failureOf(asked, reply);
    reply.dispose();
    await patience.wait(host, waitMs, asked.signal);
  }
}

function isConditional({ headers = {} }: HttpRequest): boolean {
  return Object.keys(headers).some((name) => /^if-(none-match|modified-since)$/i.test(name));
}

async function failureOf(asked: HttpRequest, reply: HttpReply): Promise<AnswerFailure> {
  const { status, headers } = reply;
  const said = without(asked, await wordsOf(reply).catch(() => ""));
  const message = `${placeOf(new URL(reply.url))} answers ${status}${said === "" ? "" : `: ${said}`}`;
  const help = status === 401 || status === 403 ? "; check the secret that the source names, and its rights" : "";
  return new AnswerFailure(typeOf(status), message + help, { status, headers, said });
}

function typeOf(status: number): FailureType {
  if (status === 404 || status === 410) return "NotFound";
  return status === 408 || status === 425 || status >= 500 ? "Unavailable" : "Refused";
}

/** What services say of an error in their JSON, or in a single word, for people. Nothing of other answers: those are pages. */
async function wordsOf(reply: HttpReply): Promise<string> {
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  for await (const piece of reply.body) {
    pieces.push(piece);
    bytes += piece.length;
    if (bytes > maxErrorBytes) break;
  }
  const text = Buffer.concat(pieces).toString("utf8");
  if (/^[a-z]+(_[a-z]+)+$/.test(text)) return text.slice(0, 200);
  const value: unknown = JSON.parse(text);
  if (typeof value !== "object" || value === null) return "";
  const fields = ["message", "error", "error_description", "description", "title", "detail"];
  const words = fields.map((field): unknown => Reflect.get(value, field)).filter((word) => typeof word === "string");
  return words
    .join(", ")
    .replace(/\p{Cc}+/gu, " ")
    .slice(0, 200);
}

/** A service may repeat what it was sent: no secret gets into an error. */
function without({ headers = {} }: HttpRequest, text: string): string {
  const secrets = Object.values(headers).flatMap((value) => [value, ...value.split(" ")]);
  return secrets.filter((secret) => secret.length >= 8).reduce((rest, secret) => rest.replaceAll(secret, "***"), text);
}

async function readJson<T extends z.ZodType>(
  request: SafeHttp["request"],
  asked: HttpRequest,
  schema: T,
): Promise<{ value: z.infer<T>; headers: Record<string, string> }> {
  const reply = await request({ ...asked, headers: { accept: "application/json", ...asked.headers } });
  const pieces: Uint8Array[] = [];
  for await (const piece of reply.body) pieces.push(piece);
  const place = placeOf(new URL(reply.url));
  const parsed = schema.safeParse(parseJson(Buffer.concat(pieces), place));
  if (parsed.success) return { value: parsed.data, headers: reply.headers };
  const issue = parsed.error.issues[0];
  const field = issue?.path.join(".");
  throw new TypedFailure(
    "InvalidData",
    `${place}: its answer is not as expected: ${field ? `${field}: ` : ""}${issue?.message ?? ""}`,
  );
}

function parseJson(bytes: Buffer, place: string): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (error) {
    throw new TypedFailure("Unavailable", `${place}: the answer is not JSON`, { cause: error });
  }
}
