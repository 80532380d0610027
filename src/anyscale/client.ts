import { JobQueues } from "./job-queues.ts";
import { Jobs } from "./jobs.ts";
import { type User, userSchema } from "./lookups-wire.ts";
import { Lookups } from "./lookups.ts";
import { Services } from "./services.ts";
import { type CallOptions, Transport, type TransportOptions } from "./transport.ts";
import { Usage } from "./usage.ts";
import { resultOf } from "./wire.ts";

/**
 * Typed client of the Anyscale Jobs and Services API, usable alone:
 *
 *     const anyscale = new AnyscaleClient({ host: "https://console.anyscale.com", token });
 *     const job = await anyscale.jobs.submit({
 *       name: "train-12",
 *       entrypoint: "python train.py",
 *       workingDirectory: "./train",
 *       requirements: ["trl==0.24"],
 *       computeConfig: {
 *         headNode: { instanceType: "m5.2xlarge" },
 *         workerNodes: [{ instanceType: "g5.12xlarge", minNodes: 1, maxNodes: 1, marketType: "PREFER_SPOT" }],
 *       },
 *       timeoutSeconds: 3600,
 *     });
 *     for await (const line of anyscale.jobs.logs(job.id, { follow: true })) process.stdout.write(`${line}\n`);
 *     await anyscale.jobs.waitForSuccess(job.id);
 *     const costUsd = await anyscale.usage.costOfJob(job.id, { from: "2026-01-01", to: "2026-01-02" });
 *
 * A call is one attempt with a timeout and an optional `AbortSignal`; retries are the caller's, but for the methods that wait or
 * read logs. Failures are the classes of `errors.ts`, told apart by `kind`. Names are looked up and kept as `Lookups` says. The
 * constructor throws `InvalidRequestError` for a host, token or timeout that cannot be right; nothing is sent to it before a call.
 */
export class AnyscaleClient {
  readonly jobs: Jobs;
  readonly jobQueues: JobQueues;
  readonly services: Services;
  /** Ids of clouds, projects, compute configs and images by name. */
  readonly lookups: Lookups;
  readonly usage: Usage;
  readonly #transport: Transport;

  constructor(options: TransportOptions) {
    this.#transport = new Transport(options);
    this.lookups = new Lookups(this.#transport);
    this.jobs = new Jobs(this.#transport, this.lookups);
    this.jobQueues = new JobQueues(this.#transport);
    this.services = new Services(this.#transport, this.lookups);
    this.usage = new Usage(this.#transport);
  }

  /** The owner of the token: the cheapest way to check host and token. */
  async user(options: CallOptions = {}): Promise<User> {
    const call = { method: "GET" as const, path: "/api/v2/userinfo/", reply: resultOf(userSchema) };
    return (await this.#transport.call({ ...call, ...options })).result;
  }
}
