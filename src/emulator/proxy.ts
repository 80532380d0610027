import { timingSafeEqual } from "node:crypto";
import {
  Agent,
  type ClientRequest,
  type IncomingMessage,
  request as httpRequest,
  type ServerResponse,
} from "node:http";
import type { Faults } from "./faults.ts";
import type { Replica } from "./replica.ts";
import { type ServiceRecord, type VersionRecord, versionsOf } from "./service-records.ts";
import type { Services } from "./services.ts";

/** Path prefix of every service's URL. */
export const SERVICE_PREFIX = "/s/";

/** Headers that belong to one connection, and the token, which is the proxy's business alone. */
const DROPPED = new Set([
  "authorization",
  "connection",
  "keep-alive",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

/** Answers queries of services: checks the token, chooses a version by label or weight, streams both ways. */
export class ServiceProxy {
  readonly #services: Services;
  readonly #faults: Faults;
  readonly #agent = new Agent({ keepAlive: true });

  constructor(services: Services, faults: Faults) {
    this.#services = services;
    this.#faults = faults;
  }

  /** Takes a request below {@link SERVICE_PREFIX}. */
  handle(request: IncomingMessage, response: ServerResponse): void {
    const [, slug = "", rest = ""] = /^\/s\/([^/?]+)(.*)$/s.exec(request.url ?? "") ?? [];
    const path = rest.startsWith("/") ? rest : `/${rest}`;
    const service = this.#services.bySlug(slug);
    if (service === undefined) return refuse(response, 404, "there is no such service");
    if (service.useBearerToken && !hasToken(request, service)) {
      return refuse(response, 401, "this service needs its bearer token");
    }
    const label = request.headers["x-anyscale-version"];
    const version = choose(service, typeof label === "string" ? label : undefined);
    if (version === null) return refuse(response, 404, `this service has no version "${String(label)}"`);
    const replica = this.#services.running(version)?.replicaFor(path);
    if (version.state === "RUNNING" && replica === undefined) {
      return refuse(response, 404, `no application of version ${version.version} serves ${path}`);
    }
    const port = version.state.startsWith("TERMINAT") ? null : replica?.record.port;
    if (replica === undefined || port === null || port === undefined) {
      return refuse(response, 503, `version ${version.version} does not run: ${version.message ?? version.state}`);
    }
    const forward = () => this.#forward(request, response, { version, replica, port, path });
    const facts = { name: service.name, version: version.version, weight: version.weight, path };
    const fault = this.#faults.take(["service-degrade"], facts);
    if (fault?.kind !== "service-degrade") return forward();
    const { status, delayMs = 0 } = fault;
    setTimeout(() => (status === undefined ? forward() : refuse(response, status, "fault as ordered")), delayMs);
  }

  /** Lets go of kept connections. */
  close(): void {
    this.#agent.destroy();
  }

  #forward(request: IncomingMessage, response: ServerResponse, to: Destination): void {
    const { version, replica, port, path } = to;
    const leave = replica.enter();
    const upstream = httpRequest(
      {
        host: "127.0.0.1",
        port,
        path,
        method: request.method ?? "GET",
        headers: requestHeaders(request),
        agent: this.#agent,
      },
      (answer) => {
        response.writeHead(answer.statusCode ?? 502, passed(answer.headers));
        answer.pipe(response);
        // An answer that breaks off must not look like one that ended.
        answer.once("error", () => response.destroy());
      },
    );
    upstream.once("error", (error) => {
      // An answer may be whole before its request is.
      if (response.writableEnded) return;
      if (response.headersSent) response.destroy();
      else refuse(response, 502, `version ${version.version} did not answer: ${error.message}`);
    });
    response.once("close", () => {
      leave();
      if (!response.writableFinished) upstream.destroy();
    });
    sendBody(request, upstream);
  }
}

/** Where a request goes. */
interface Destination {
  version: VersionRecord;
  replica: Replica;
  port: number;
  path: string;
}

/** The version that answers: what the label names (in any case), else one by chance and weight. Null: the label names none. */
export function choose(
  service: ServiceRecord,
  label: string | undefined,
  chance = Math.random(),
): VersionRecord | null {
  const { primary, canary } = service;
  const versions = versionsOf(service);
  if (label !== undefined) {
    const wanted = label.toLowerCase();
    if (wanted === "primary") return primary;
    if (wanted === "canary") return canary;
    return versions.find(({ version }) => version.toLowerCase() === wanted) ?? null;
  }
  let left = chance * 100;
  for (const version of versions) {
    left -= version.weight;
    if (left < 0) return version;
  }
  return primary;
}

function hasToken(request: IncomingMessage, { token, secondaryToken }: ServiceRecord): boolean {
  const given = Buffer.from(/^Bearer (.+)$/i.exec(request.headers.authorization ?? "")?.[1] ?? "");
  return [token, secondaryToken].some((valid) => {
    const expected = Buffer.from(valid ?? "");
    return expected.length > 0 && given.length === expected.length && timingSafeEqual(given, expected);
  });
}

/** A request without a body has no need of a stream. */
function sendBody(request: IncomingMessage, upstream: ClientRequest): void {
  const { "content-length": length, "transfer-encoding": encoding } = request.headers;
  if (encoding === undefined && (length === undefined || length === "0")) upstream.end();
  // Should the caller go away in the middle, its answer closes, and with it what is upstream.
  else request.pipe(upstream);
}

/** A body of unknown length stays one: Node would send it without any framing where it expects none, as with DELETE. */
function requestHeaders(request: IncomingMessage): IncomingMessage["headers"] {
  const headers = passed(request.headers);
  if (request.headers["transfer-encoding"] !== undefined) headers["transfer-encoding"] = "chunked";
  return headers;
}

function passed(headers: IncomingMessage["headers"]): IncomingMessage["headers"] {
  const kept: IncomingMessage["headers"] = {};
  const named = headers.connection?.toLowerCase().split(/\s*,\s*/) ?? [];
  for (const name in headers) if (!DROPPED.has(name) && !named.includes(name)) kept[name] = headers[name];
  return kept;
}

function refuse(response: ServerResponse, status: number, detail: string): void {
  response.writeHead(status, { "Content-Type": "application/json", ...(status === 503 ? { "Retry-After": "1" } : {}) });
  response.end(JSON.stringify({ error: { detail } }));
}
