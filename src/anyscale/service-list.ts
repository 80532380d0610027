import { checkPageSize, listed } from "./paging.ts";
import { type Service, serviceSchema } from "./services-wire.ts";
import type { CallOptions, Transport } from "./transport.ts";

/** Most services of one page. */
const MAX_PAGE_SIZE = 50;

/** Where to look for a service. */
export interface ServiceScope {
  projectId?: string;
  cloudId?: string;
  /** Whether archived ones count. Default false. */
  archived?: boolean;
}

/** Which services to list, and in which order. Without a filter: every service that the token may see. */
export interface ServiceFilter extends ServiceScope {
  /** Exact name. */
  name?: string;
  /** Any of these states, such as `RUNNING`. */
  states?: readonly string[];
  creatorId?: string;
  /** Any of the values of each key. */
  tags?: Readonly<Record<string, readonly string[]>>;
  sortBy?: "STATUS" | "NAME" | "CREATED_AT" | "LAST_DEPLOYED_AT";
  sortOrder?: "ASC" | "DESC";
  /** Services per call, 1..50. Default 50. */
  pageSize?: number;
  /** Most services to answer. Default: all. */
  limit?: number;
}

/** Services that match, page by page as they are wanted. Throws `InvalidRequestError` for a page size that is none. */
export async function* listServices(
  transport: Transport,
  filter: ServiceFilter,
  options: CallOptions,
): AsyncGenerator<Service> {
  const { name, pageSize = MAX_PAGE_SIZE } = filter;
  checkPageSize(pageSize, MAX_PAGE_SIZE);
  const listing = { path: "/api/v2/services-v2/", query: queryOf(filter), item: serviceSchema, pageSize };
  for await (const service of listed(transport, listing, options)) {
    // The server's own filter may be loose.
    if (name === undefined || service.name === name) yield service;
  }
}

function queryOf({ archived = false, tags = {}, ...filter }: ServiceFilter) {
  return {
    project_id: filter.projectId,
    cloud_id: filter.cloudId,
    name: filter.name,
    state_filter: filter.states,
    creator_id: filter.creatorId,
    archive_status: archived ? "ALL" : "NOT_ARCHIVED",
    tag_filter: Object.entries(tags).flatMap(([key, values]) => values.map((value) => `${key}:${value}`)),
    sort_field: filter.sortBy,
    sort_order: filter.sortOrder,
  };
}
