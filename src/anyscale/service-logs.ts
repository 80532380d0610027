import { ConflictError, NotFoundError } from "./errors.ts";
import { type LogReading, LogStream } from "./log-stream.ts";
import { versionsOf } from "./service-wait.ts";
import { type Service, serviceJobSchema, type ServiceVersion } from "./services-wire.ts";
import { apiPath, type CallOptions, type Transport } from "./transport.ts";
import { resultOf } from "./wire.ts";

/** Whose controller log to read, and how. */
export interface ControllerLogReading extends LogReading {
  /** `primary`, `canary` or a version's name. Default `primary`. */
  version?: string;
  /** Project of the service; needed only where several projects have its name. */
  projectId?: string;
}

/** Lines of the log of Ray Serve's controller, as far as it goes now. */
export async function* readControllerLogs(
  transport: Transport,
  service: Service,
  { version = "primary", ...reading }: ControllerLogReading,
): AsyncGenerator<string> {
  const clusterId = await clusterOf(transport, service, versionCalled(service, version), { signal: reading.signal });
  const log = new LogStream(transport, apiPath`/api/v2/logs/serve_logs_download/${clusterId}`, reading);
  yield* log.fresh();
  yield* log.rest();
}

function versionCalled(service: Service, name: string): ServiceVersion {
  const found =
    name === "primary"
      ? service.primary_version
      : name === "canary"
        ? service.canary_version
        : versionsOf(service).find(({ version }) => version === name);
  if (found) return found;
  const there = versionsOf(service).map(({ version }) => version);
  throw new NotFoundError(`service "${service.name}" has no version "${name}"; it has ${there.join(", ") || "none"}`);
}

async function clusterOf(
  transport: Transport,
  service: Service,
  { version, production_job_ids: [jobId] }: ServiceVersion,
  options: CallOptions,
): Promise<string> {
  const notReady = new ConflictError(`version "${version}" of service "${service.name}" has no cluster yet; try again`);
  if (jobId === undefined) throw notReady;
  const path = apiPath`/api/v2/decorated_ha_jobs/${jobId}`;
  const { result } = await transport.call({ method: "GET", path, reply: resultOf(serviceJobSchema), ...options });
  if (!result.state.cluster) throw notReady;
  return result.state.cluster.id;
}
