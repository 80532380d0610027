import { newId, now } from "./ids.ts";
import { type ServiceEvent, type ServiceRecord, serviceState, type VersionRecord } from "./service-records.ts";

/** How many of the newest events of a service are kept. */
const KEPT = 200;

/** What {@link note} is told: the API's word for it, and a sentence. */
export interface Note {
  type: string;
  message: string;
  level?: ServiceEvent["level"];
  version?: VersionRecord;
}

/** Adds an event to a service's record. */
export function note(service: ServiceRecord, { type, message, level = "INFO", version }: Note): void {
  service.events.unshift({
    id: newId("svcevt"),
    at: now(),
    type,
    state: serviceState(service),
    level,
    message,
    versionId: version?.id ?? null,
    version: version?.version ?? null,
  });
  service.events.splice(KEPT);
}

/** Adds an event when the service's state is another one than that of its newest event. */
export function noteState(service: ServiceRecord): void {
  const state = serviceState(service);
  if (service.events[0]?.state === state) return;
  const sick = [service.update, service.primary, service.canary, ...service.others].find(
    (version) => version?.state === "UNHEALTHY",
  );
  if (state === "UNHEALTHY" && sick) {
    note(service, { type: state, level: "ERROR", message: `${sick.version}: ${sick.message}`, version: sick });
  } else {
    note(service, { type: state, message: `the service is ${state}` });
  }
}
