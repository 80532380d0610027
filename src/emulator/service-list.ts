import { CLOUD_ID, creator } from "./catalog.ts";
import { Refusal } from "./refusal.ts";
import { type ServiceRecord, serviceState } from "./service-records.ts";
import type { Tags } from "./tags.ts";

/** The query of a list of services: one value of a key, or all of one that may be repeated. */
export interface ServiceQuery {
  one(key: string): string | undefined;
  all(key: string): string[];
}

const SORTS: Record<string, (service: ServiceRecord) => string> = {
  STATUS: serviceState,
  NAME: ({ name }) => name,
  CREATED_AT: ({ createdAt }) => createdAt,
  LAST_DEPLOYED_AT: ({ deployedAt }) => deployedAt,
};

/**
 * The services that a query asks for, archived ones only when it asks for them. Without an order those that are not ended
 * come first, then what was deployed last. Throws `Refusal` (422) for an order that is none.
 */
export function selectServices(services: ServiceRecord[], query: ServiceQuery, tags: Tags): ServiceRecord[] {
  const actual: Record<string, (service: ServiceRecord) => string> = {
    name: ({ name }) => name,
    project_id: ({ projectId }) => projectId,
    cloud_id: () => CLOUD_ID,
    creator_id: () => creator.id,
  };
  const states = query.all("state_filter");
  const tagFilters = query.all("tag_filter");
  const archived = query.one("archive_status") ?? "NOT_ARCHIVED";
  return services
    .filter((service) => Object.entries(actual).every(([key, of]) => [undefined, of(service)].includes(query.one(key))))
    .filter(({ archivedAt }) => archived === "ALL" || (archived === "ARCHIVED") === (archivedAt !== null))
    .filter((service) => states.length === 0 || states.includes(serviceState(service)))
    .filter(({ id }) => tags.match(id, tagFilters))
    .sort(order(query));
}

function order(query: ServiceQuery): (a: ServiceRecord, b: ServiceRecord) => number {
  const field = query.one("sort_field");
  if (field === undefined) {
    return (a, b) =>
      Number(a.endedAt !== null) - Number(b.endedAt !== null) ||
      compare(b.deployedAt, a.deployedAt) ||
      compare(a.name, b.name);
  }
  const key = SORTS[field];
  if (key === undefined) throw new Refusal(422, `sort_field "${field}" is none of ${Object.keys(SORTS).join(", ")}`);
  const sign = query.one("sort_order") === "DESC" ? -1 : 1;
  return (a, b) => sign * (compare(key(a), key(b)) || compare(a.id, b.id));
}

function compare(a: string, b: string): number {
  return a === b ? 0 : a < b ? -1 : 1;
}
