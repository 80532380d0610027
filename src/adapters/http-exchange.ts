/** One HTTP request and its answer, over connections that are guarded; redirects are followed and checked again. */
import { createGunzip } from "node:zlib";
import { pipeline, type Readable } from "node:stream";
import { request as send, type Agent } from "undici";
import { TypedFailure } from "../domain/failures.ts";
import { hostOf } from "./guarded-agent.ts";
import type { HttpReply, HttpRequest } from "./safe-http.ts";

/** Redirects followed for one request. */
const maxRedirects = 3;
/** For silence in the middle of an exchange, in milliseconds. */
const silenceMs = 30_000;
const defaultMaxBytes = 64 * 1024 * 1024;
const defaultTimeoutMs = 60_000;
/** What is told to a host that a redirect leads to; everything else may be a secret. */
const harmless = new Set(["accept", "user-agent"]);

/** The connections, and which hosts of the own network may be reached, as `host:port`. */
export interface Reach {
  agent: Agent;
  isAllowed: (host: string) => boolean;
}

/**
 * The answer, whatever its status. Throws `Refused` for an address that may not be reached and for redirects that are no
 * good, `Unavailable` when no answer comes, the signal's reason when it ends the request.
 */
export async function exchange(reach: Reach, asked: HttpRequest): Promise<HttpReply> {
  const { timeoutMs = defaultTimeoutMs } = asked;
  const timeout = AbortSignal.timeout(timeoutMs);
  const failed = failureOf(asked.signal, timeout, timeoutMs);
  const signal = AbortSignal.any([asked.signal, timeout]);
  let url = checkedUrl(reach, asked.url, true);
  let headers: Record<string, string> = {
    "user-agent": "tuneloop",
    "accept-encoding": "gzip",
    ...lowered(asked.headers),
  };
  for (let redirects = 0; ; redirects++) {
    const { method = "GET", body = null } = asked;
    const sent = {
      dispatcher: reach.agent,
      method,
      headers,
      body,
      signal,
      headersTimeout: silenceMs,
      bodyTimeout: silenceMs,
    };
    const reply = await send(url, sent).catch((error: unknown) => {
      throw failed(url, error);
    });
    const location = reply.headers["location"];
    if (![301, 302, 303, 307, 308].includes(reply.statusCode) || location === undefined)
      return toReply(reply, url, asked.maxBytes ?? defaultMaxBytes, failed);
    reply.body.on("error", () => {}).destroy();
    const next = redirected(reach, url, method, String(location));
    if (redirects === maxRedirects) throw refused(url, `answers with more than ${maxRedirects} redirects`);
    if (next.origin !== url.origin)
      headers = Object.fromEntries(Object.entries(headers).filter(([name]) => harmless.has(name)));
    url = next;
  }
}

/** Where a person can look at it: without the query, which may hold a secret. */
export function placeOf(url: URL): string {
  return `${url.protocol}//${url.host}${url.pathname}`;
}

/** @param mayBeAllowed whether a host that is not public may be reached if it is allowed by name */
function checkedUrl({ isAllowed }: Reach, text: string, mayBeAllowed: boolean): URL {
  if (!URL.canParse(text)) throw new TypedFailure("Refused", "an address that is none: write https://host/path");
  const url = new URL(text);
  if (url.username !== "" || url.password !== "") throw refused(url, "must not have a name or password in its address");
  const allowed = isAllowed(hostOf(url));
  if (allowed && !mayBeAllowed)
    throw refused(url, "is a host of the worker's own network, to which no other host may redirect");
  if (url.protocol !== "https:" && !(url.protocol === "http:" && allowed))
    throw refused(url, "must be https; http is for hosts that the worker's TUNELOOP_ALLOW_HOSTS names");
  return url;
}

function redirected(reach: Reach, from: URL, method: string, location: string): URL {
  if (method !== "GET") throw refused(from, "answers a POST with a redirect, which is not followed");
  if (!URL.canParse(location, from)) throw refused(from, "redirects to what is no address");
  return checkedUrl(reach, new URL(location, from).href, reach.isAllowed(hostOf(from)));
}

function refused(url: URL, why: string): TypedFailure {
  return new TypedFailure("Refused", `${placeOf(url)} ${why}`);
}

type Failed = (url: URL, error: unknown) => unknown;

/** Makes a typed failure of what went wrong; what ended the request on purpose stays what it is. */
function failureOf(asked: AbortSignal, timeout: AbortSignal, timeoutMs: number): Failed {
  return (url, error) => {
    if (asked.aborted) return asked.reason;
    if (error instanceof TypedFailure) return error;
    const place = placeOf(url);
    if (timeout.aborted)
      return new TypedFailure("Unavailable", `${place}: no whole answer within ${timeoutMs / 1000} s`, {
        cause: error,
      });
    // Of several addresses none of which answered, the message is empty.
    const why =
      error instanceof Error ? error.message || String(Reflect.get(error, "code") ?? error.name) : String(error);
    return new TypedFailure("Unavailable", `${place}: ${why}`, { cause: error });
  };
}

function toReply(reply: Awaited<ReturnType<typeof send>>, url: URL, maxBytes: number, failed: Failed): HttpReply {
  const headers = Object.fromEntries(
    Object.entries(reply.headers).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, Array.isArray(value) ? value.join(", ") : value]],
    ),
  );
  // A connection that breaks after the reply was given up is nobody's concern.
  reply.body.on("error", () => {});
  return {
    status: reply.statusCode,
    url: url.href,
    headers,
    body: capped(unpacked(reply.body, headers, url), maxBytes, url, failed),
    dispose: () => void reply.body.destroy(),
  };
}

function unpacked(body: Readable, headers: Record<string, string>, url: URL): Readable {
  const encoding = headers["content-encoding"]?.trim().toLowerCase() ?? "identity";
  if (encoding === "identity" || encoding === "") return body;
  if (encoding !== "gzip" && encoding !== "x-gzip") {
    body.destroy();
    throw new TypedFailure("InvalidData", `${placeOf(url)}: answers packed as ${encoding}, which was not asked for`);
  }
  return pipeline(body, createGunzip(), () => {});
}

async function* capped(body: Readable, maxBytes: number, url: URL, failed: Failed): AsyncGenerator<Uint8Array> {
  let bytes = 0;
  try {
    for await (const piece of body) {
      const buffer: Buffer = piece;
      bytes += buffer.length;
      if (bytes > maxBytes)
        throw new TypedFailure("InvalidData", `${placeOf(url)}: the answer is longer than ${maxBytes} bytes`);
      yield buffer;
    }
  } catch (error) {
    throw failed(url, error);
  } finally {
    body.destroy();
  }
}

function lowered(headers: Record<string, string> = {}): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}
