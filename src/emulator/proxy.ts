import { timingSafeEqual } from "node:crypto";
import { Agent, type IncomingMessage, request as httpRequest, type ServerResponse } from "node:http";
import { pipeline } from "node:stream";
import type { Services } from "./services.ts";
import { versionsOf } from "./services.ts";
import type { ServiceRecord, Store, VersionRecord } from "./state.ts";

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
  readonly #store: Store<ServiceRecord>;
  readonly #services: Services;
  readonly #agent = new Agent({ keepAlive: true });

  constructor(store: Store<ServiceRecord>, services: Services) {
    this.#store = store;
    this.#services = services;
  }

  /** Takes a request below {@link SERVICE_PREFIX}. */
  handle(request: IncomingMessage, response: ServerResponse): void {
    const [, slug, rest = "/"] = /^\/s\/([^/?]+)(.*)$/s.exec(request.url ?? "") ?? [];
    const service = this.#store.all().find((candidate) => candidate.slug === slug);
    if (service === undefined) return refuse(response, 404, "there is no such service");
    if (service.useBearerToken && !hasToken(request, service.token)) {
      return refuse(response, 401, "this service needs its bearer token");
    }
    const label = request.headers["x-anyscale-version"];
    const version = choose(service, typeof label === "string" ? label : undefined);
    if (version === null) return refuse(response, 404, `this service has no version "${String(label)}"`);
    if (version.port === null || version.state !== "RUNNING") {
      return refuse(response, 503, `version ${version.version} does not run: ${version.message ?? version.state}`);
    }
    this.#forward(request, response, version, version.port, rest.startsWith("/") ? rest : `/${rest}`);
  }

  /** Lets go of kept connections. */
  close(): void {
    this.#agent.destroy();
  }

  #forward(
    request: IncomingMessage,
    response: ServerResponse,
    version: VersionRecord,
    port: number,
    path: string,
  ): void {
    const leave = this.#services.replicaOf(version)?.enter();
    response.once("close", () => leave?.());
    const options = { host: "127.0.0.1", port, path, method: request.method ?? "GET", agent: this.#agent };
    const upstream = httpRequest({ ...options, headers: passed(request.headers) }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, passed(answer.headers));
      // Either side may go away in the middle; the other one is cut off by the pipeline.
      pipeline(answer, response, () => undefined);
    });
    upstream.once("error", (error) => {
      if (response.headersSent) response.destroy();
      else refuse(response, 502, `version ${version.version} did not answer: ${error.message}`);
    });
    response.once("close", () => response.writableFinished || upstream.destroy());
    pipeline(request, upstream, () => undefined);
  }
}

/** The version that answers: what the label names (in any case), else one by chance and weight. Null: the label names none. */
export function choose(
  service: ServiceRecord,
  label: string | undefined,
  chance = Math.random(),
): VersionRecord | null {
  const { primary, canary } = service;
  if (label !== undefined) {
    const wanted = label.toLowerCase();
    if (wanted === "primary") return primary;
    if (wanted === "canary") return canary;
    return versionsOf(service).find(({ version }) => version.toLowerCase() === wanted) ?? null;
  }
  return canary !== null && chance * 100 < canary.weight ? canary : primary;
}

function hasToken(request: IncomingMessage, token: string): boolean {
  const given = Buffer.from(/^Bearer (.+)$/i.exec(request.headers.authorization ?? "")?.[1] ?? "");
  const expected = Buffer.from(token);
  return given.length === expected.length && timingSafeEqual(given, expected);
}

function passed(headers: IncomingMessage["headers"]): IncomingMessage["headers"] {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !DROPPED.has(name)));
}

function refuse(response: ServerResponse, status: number, detail: string): void {
  response.writeHead(status, { "Content-Type": "application/json", ...(status === 503 ? { "Retry-After": "1" } : {}) });
  response.end(JSON.stringify({ error: { detail } }));
}
