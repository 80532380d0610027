import { Jobs } from "./jobs.ts";
import { Lookups } from "./lookups.ts";
import { Services } from "./services.ts";
import { type CallOptions, Transport, type TransportOptions } from "./transport.ts";
import { type User, userSchema } from "./lookups-wire.ts";
import { resultOf } from "./wire.ts";

/**
 * Typed client of the Anyscale Jobs and Services API, usable alone:
 *
 *     const anyscale = new AnyscaleClient({ host: "https://console.anyscale.com", token });
 *     const [job] = await anyscale.jobs.find("games-12");
 *
 * Every call is one attempt with a timeout and an optional `AbortSignal`; retries are the caller's. Failures are the
 * classes of `errors.ts`, told apart by `kind`. The constructor throws `InvalidRequestError` for a host or token that
 * cannot be right.
 */
export class AnyscaleClient {
  readonly jobs: Jobs;
  readonly services: Services;
  readonly #transport: Transport;

  constructor(options: TransportOptions) {
    this.#transport = new Transport(options);
    const lookups = new Lookups(this.#transport);
    this.jobs = new Jobs(this.#transport, lookups);
    this.services = new Services(this.#transport, lookups);
  }

  /** The owner of the token: the cheapest way to check host and token. */
  async user(options: CallOptions = {}): Promise<User> {
    const call = { method: "GET" as const, path: "/api/v2/userinfo/", reply: resultOf(userSchema) };
    return (await this.#transport.call({ ...call, ...options })).result;
  }
}
