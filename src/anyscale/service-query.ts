import { ConflictError, InvalidRequestError } from "./errors.ts";
import type { Service } from "./services-wire.ts";
import type { Transport } from "./transport.ts";

/** A query to a service: the options of `fetch`, and which version shall answer. */
export interface ServiceQuery extends RequestInit {
  /** `primary`, `canary` (during a rollout) or a version's name; without it the weights decide. */
  pin?: string;
}

/** What a query needs of a service. */
export type QueriedService = Pick<Service, "name" | "base_url" | "auth_token">;

/**
 * Queries a service as `fetch` does: any status is an answer, its body can be streamed, and `init.signal` ends it.
 *
 * @param path below the service's URL, with its query: `/v1/chat/completions`
 * @throws `ConflictError` for a service without a URL, `InvalidRequestError` for a path or pin that cannot be sent,
 * `UnavailableError` where there is no answer, the reason of `init.signal`
 */
export async function queryService(
  transport: Transport,
  service: QueriedService,
  path: string,
  { pin, ...init }: ServiceQuery,
): Promise<Response> {
  if (!service.base_url) {
    throw new ConflictError(`service "${service.name}" has no URL yet; wait until it is RUNNING`);
  }
  const url = urlBelow(service.base_url, path);
  const headers = new Headers(init.headers);
  if (service.auth_token)
    headers.set("Authorization", `Bearer ${sendable("the token of the service", service.auth_token)}`);
  if (pin !== undefined) headers.set("X-Anyscale-Version", sendable("pin", pin));
  // A query of the URL may hold what the service's users keep to themselves.
  const name = `${init.method ?? "GET"} ${url.pathname} of service "${service.name}"`;
  return await transport.fetchService(name, url.href, { ...init, headers });
}

/** The URL of a path, which must not lead away from the service: its token goes there. */
function urlBelow(baseUrl: string, path: string): URL {
  const base = URL.parse(`${baseUrl.replace(/\/+$/, "")}/`);
  if (base === null) throw new InvalidRequestError("the URL of the service is none; look the service up again");
  const url = URL.parse(base.href + path.replace(/^\//, ""));
  if (url?.origin === base.origin && url.pathname.startsWith(base.pathname)) return url;
  throw new InvalidRequestError(
    `path "${path.replace(/\?.*$/s, "")}" leads away from the service; pass one below its URL`,
  );
}

/** A value that a header can hold. Others are not named: `fetch` would put them, and so the token, into its error. */
function sendable(what: string, value: string): string {
  if (/^[\x21-\x7e]+$/.test(value)) return value;
  throw new InvalidRequestError(`${what} is empty or has characters that no header can hold`);
}
