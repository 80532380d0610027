/** The only way to addresses that people name in definitions: it reaches public hosts and those the worker allows. */
import type { z } from "zod";

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
