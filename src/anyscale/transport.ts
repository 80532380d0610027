import { z } from "zod";
import { errorOfStatus, InvalidRequestError, UnavailableError, UnexpectedReplyError } from "./errors.ts";
import { positiveMs } from "./poll.ts";
import { errorBodySchema } from "./wire.ts";

/** Longest server text that is copied into an error message, in characters. */
const MAX_DETAIL = 500;

/** How to reach the API. */
export interface TransportOptions {
  /** Base URL, such as `https://console.anyscale.com`; without user, password, query or fragment. */
  host: string;
  /** `sss_...` or `aph0_...`. */
  token: string;
  /** Longest time of one call, in milliseconds. Default 30,000. */
  timeoutMs?: number;
  /** Replaces the global `fetch`. */
  fetch?: (url: string, init: RequestInit) => Promise<Response>;
}

/** Options of a single call. */
export interface CallOptions {
  /** Cancels the call; its reason is thrown as it is. */
  signal?: AbortSignal;
}

/** One call of the API. Path segments that come from outside must have gone through {@link apiPath}. */
export interface ApiCall<T extends z.ZodType> extends CallOptions {
  method: "GET" | "POST" | "PUT" | "DELETE";
  path: string;
  /** A list repeats its key; what is undefined is left out. */
  query?: Record<string, string | readonly string[] | undefined>;
  body?: unknown;
  /** Shape of the answer. */
  reply: T;
}

/** A path with every inserted value encoded, so that an id can never name another resource. Throws `InvalidRequestError`. */
export function apiPath(parts: TemplateStringsArray, ...values: string[]): string {
  const encoded = values.map((value) => {
    if (value === "" || value === "." || value === "..") {
      throw new InvalidRequestError(`"${value}" is not an id; pass the id that the API answered`);
    }
    return encodeURIComponent(value);
  });
  return String.raw({ raw: parts }, ...encoded);
}

/** Carries calls to the API: authentication, one attempt each, timeout, errors by kind. */
export class Transport {
  readonly #host: string;
  readonly #token: string;
  readonly #timeoutMs: number;
  readonly #fetch: NonNullable<TransportOptions["fetch"]>;

  constructor(options: TransportOptions) {
    const host = URL.parse(options.host);
    if (host === null || !/^https?:$/.test(host.protocol)) {
      throw new InvalidRequestError(`host "${options.host}" is not an http(s) URL; check ANYSCALE_HOST`);
    }
    if (host.username + host.password + host.search + host.hash !== "") {
      throw new InvalidRequestError("host must have no user, password, query or fragment; check ANYSCALE_HOST");
    }
    // The same forms as in the official package: a token of another service is never sent out.
    if (!/^(sss_|a[A-Za-z0-9]*_)[\x21-\x3a\x3c-\x7e]+$/.test(options.token)) {
      throw new InvalidRequestError("the token must start with sss_ or aph0_; check ANYSCALE_CLI_TOKEN");
    }
    this.#host = options.host.replace(/\/+$/, "");
    this.#token = options.token;
    this.#timeoutMs = positiveMs("timeoutMs", options.timeoutMs ?? 30_000);
    this.#fetch = options.fetch ?? fetch;
  }

  /** Makes one call and answers its parsed reply. Throws an `AnyscaleError`, or the reason of `signal`. */
  async call<T extends z.ZodType>(call: ApiCall<T>): Promise<z.infer<T>> {
    const query = searchOf(call.query ?? {});
    const name = `${call.method} ${call.path}`;
    const headers: Record<string, string> = {
      Accept: "application/json",
      // Also without a body, as the official client does.
      "Content-Type": "application/json",
      Cookie: `cli_token=${this.#token}`,
      "User-Agent": "tuneloop",
      "X-Anyscale-Client": "tuneloop",
    };
    const body = call.body === undefined ? {} : { body: JSON.stringify(call.body) };
    const { response, bytes } = await this.#fetchOnce(
      name,
      this.#host + call.path + query,
      { method: call.method, headers, redirect: "manual", ...body },
      call.signal,
    );
    const text = new TextDecoder().decode(bytes);
    const requestId = response.headers.get("x-trace-id");
    const facts = { status: response.status, requestId };
    if (!response.ok) {
      // A server may quote what it was sent.
      const detail = detailOf(text.replaceAll(this.#token, "[token]"));
      // A 404 that is not the API's own says that the route is unknown, not that the thing is gone.
      if (response.status === 404 && detail === null) {
        throw new UnexpectedReplyError(`${name} is unknown to this server; check the host`, facts);
      }
      throw errorOfStatus(name, detail ?? "", { ...facts, retryAfterMs: retryAfterMs(response.headers) });
    }
    const reply = call.reply.safeParse(parseJson(text));
    if (reply.success) return reply.data;
    const why = text.trimStart().startsWith("<") ? "it answered HTML" : z.prettifyError(reply.error);
    throw new UnexpectedReplyError(`${name} did not answer as the Anyscale API does: ${why}; check the host`, facts);
  }

  /** Downloads from a URL that the API handed out. The API token is not sent there. */
  async download(url: string, bearerToken: string | null, options: CallOptions): Promise<Uint8Array> {
    const headers: Record<string, string> = bearerToken === null ? {} : { Authorization: `Bearer ${bearerToken}` };
    return await this.#storage("GET", url, { headers }, this.#timeoutMs, options.signal);
  }

  /** Uploads to a URL that the API handed out, within 10 minutes. The API token is not sent there. */
  async upload(url: string, bytes: Uint8Array<ArrayBuffer>, options: CallOptions): Promise<void> {
    await this.#storage("PUT", url, { body: bytes }, 600_000, options.signal);
  }

  /**
   * Fetches from a service as the caller says: whatever status is an answer, its body is left to be read. The API token is
   * not sent there. Throws `UnavailableError` where there is no answer, or the reason of `init.signal`.
   *
   * @param name of the call, for messages; without anything secret
   */
  async fetchService(name: string, url: string, init: RequestInit): Promise<Response> {
    try {
      return await this.#fetch(url, init);
    } catch (cause) {
      init.signal?.throwIfAborted();
      throw new UnavailableError(`${name} could not reach the service; try again`, { cause });
    }
  }

  /**
   * Downloads from a URL that the API handed out, piece by piece; no piece may take longer than a call. The API token is
   * not sent there.
   */
  async *stream(
    url: string,
    bearerToken: string | null,
    options: CallOptions,
  ): AsyncGenerator<Uint8Array<ArrayBuffer>> {
    const headers: Record<string, string> = bearerToken === null ? {} : { Authorization: `Bearer ${bearerToken}` };
    const name = `GET ${withoutQuery(url)}`;
    const silence = new AbortController();
    const signal = options.signal ? AbortSignal.any([options.signal, silence.signal]) : silence.signal;
    const guarded = async <T>(step: () => Promise<T>): Promise<T> => {
      const timer = setTimeout(() => silence.abort(), this.#timeoutMs);
      try {
        return await step();
      } catch (cause) {
        options.signal?.throwIfAborted();
        const why = silence.signal.aborted ? `was silent for ${this.#timeoutMs} ms` : "broke off";
        throw new UnavailableError(`${name} ${why}; try again`, { cause });
      } finally {
        clearTimeout(timer);
      }
    };
    const response = await guarded(async () => await this.#fetch(url, { headers, signal }));
    const reader = response.body?.getReader();
    try {
      checkStorage("GET", name, response);
      if (reader === undefined) return;
      const next = async () => await guarded(async () => await reader.read());
      for (let piece = await next(); !piece.done; piece = await next()) yield piece.value;
    } finally {
      // Also when the caller has seen enough: the connection is not kept busy by what nobody reads.
      await reader?.cancel().catch(() => undefined);
    }
  }

  async #storage(method: "GET" | "PUT", url: string, init: RequestInit, timeoutMs: number, signal?: AbortSignal) {
    const name = `${method} ${withoutQuery(url)}`;
    const { response, bytes } = await this.#fetchOnce(name, url, { method, ...init }, signal, timeoutMs);
    checkStorage(method, name, response);
    return bytes;
  }

  async #fetchOnce(name: string, url: string, init: RequestInit, signal?: AbortSignal, timeoutMs = this.#timeoutMs) {
    const timeout = AbortSignal.timeout(timeoutMs);
    try {
      const response = await this.#fetch(url, {
        ...init,
        signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
      });
      return { response, bytes: new Uint8Array(await response.arrayBuffer()) };
    } catch (cause) {
      signal?.throwIfAborted();
      const why = timeout.aborted ? `gave no answer within ${timeoutMs} ms` : "could not reach the server";
      throw new UnavailableError(`${name} ${why}; check the host and try again`, { cause });
    }
  }
}

/** A URL that was handed out, for messages: its query holds the signature. */
function withoutQuery(url: string): string {
  return url.replace(/[?#].*$/s, "");
}

/**
 * Throws `UnavailableError` for an answer that is not the storage's success, whatever it says: another attempt of the whole
 * operation gets a fresh URL. Downloaded HTML is the page of something in between; to an upload
 * storages answer with that type and nothing in it.
 */
function checkStorage(method: "GET" | "PUT", name: string, { ok, status, headers }: Response): void {
  if (!ok) throw new UnavailableError(`${name} was refused by the storage; try again`, { status });
  if (method === "PUT" || !headers.get("content-type")?.startsWith("text/html")) return;
  throw new UnavailableError(`${name} answered a page of HTML; try again`, { status });
}

function searchOf(query: NonNullable<ApiCall<z.ZodType>["query"]>): string {
  const pairs = Object.entries(query).flatMap(([key, value]) => [value ?? []].flat().map((one) => [key, one]));
  return pairs.length === 0 ? "" : `?${new URLSearchParams(pairs)}`;
}

/** The value of a text, null of an empty one, undefined when it is not JSON. */
function parseJson(text: string): unknown {
  try {
    return text.trim() === "" ? null : JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The server's own words: `error.detail` if it is a text, else `error.message`; a list is a 422's. Null: not the API's. */
function detailOf(text: string): string | null {
  const body = errorBodySchema.safeParse(parseJson(text));
  if (!body.success) return null;
  const { detail, message } = body.data.error;
  const words =
    typeof detail === "string" && detail !== "" ? detail : (message ?? (detail ? JSON.stringify(detail) : ""));
  return words.slice(0, MAX_DETAIL);
}

/** `Retry-After` in milliseconds, from seconds or a date; null when it is absent or unreadable. */
function retryAfterMs(headers: Headers): number | null {
  const value = headers.get("retry-after");
  if (value === null || value.trim() === "") return null;
  const seconds = Number(value);
  const ms = Number.isNaN(seconds) ? Date.parse(value) - Date.now() : seconds * 1000;
  return Number.isNaN(ms) ? null : Math.max(0, ms);
}
