import { setTimeout as sleep } from "node:timers/promises";
import { TypedFailure } from "../domain/failures.ts";
import { pauseAfterMs } from "./rate-limit.ts";

/** Waits that a service asks for and that are not worth another attempt of the activity, in milliseconds. */
const patienceMs = 60_000;

/** When requests of one source may go out: by its own cap, and by what each host has said last. */
export class RequestPace {
  readonly #intervalMs: number;
  readonly #notBefore = new Map<string, number>();
  #next = 0;

  /** @param requestsPerMinute null for no cap of one's own */
  constructor(requestsPerMinute: number | null) {
    this.#intervalMs = requestsPerMinute === null ? 0 : 60_000 / requestsPerMinute;
  }

  /** Resolves when a request to the host may go out. Throws `RateLimited` when that is long from now, and on `signal`. */
  async turn(host: string, signal: AbortSignal): Promise<void> {
    const now = Date.now();
    const asked = Math.max(0, (this.#notBefore.get(host) ?? 0) - now);
    if (asked > patienceMs) throw tooLong(host, asked);
    const at = Math.max(now + asked, this.#next);
    this.#next = at + this.#intervalMs;
    await pause(at - now, signal);
  }

  /** Remembers what an answer says of the requests that are left. */
  heard(host: string, headers: Record<string, string>): void {
    const pauseMs = pauseAfterMs(headers, Date.now());
    if (pauseMs > 0) this.#notBefore.set(host, Date.now() + pauseMs);
  }
}

/** How long a service may be waited for during one request, when it refuses and says for how long. */
export class Patience {
  #leftMs: number;
  #waits = 5;

  constructor(mostMs = patienceMs) {
    this.#leftMs = mostMs;
  }

  /** Waits as asked for, null for a wait that was not named. Throws `RateLimited` when that is too long or too often. */
  async wait(host: string, askedMs: number | null, signal: AbortSignal): Promise<void> {
    if (askedMs === null || askedMs > this.#leftMs || this.#waits === 0) throw tooLong(host, askedMs);
    this.#waits--;
    this.#leftMs -= askedMs;
    await pause(askedMs, signal);
  }
}

function tooLong(host: string, waitMs: number | null): TypedFailure {
  const when = waitMs === null ? "" : ` for ${Math.ceil(waitMs / 1000)} s`;
  return new TypedFailure(
    "RateLimited",
    `${host} asks for patience${when}`,
    waitMs === null ? {} : { retryAfterMs: Math.ceil(waitMs) },
  );
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  if (ms > 0) await sleep(ms, undefined, { signal });
}
