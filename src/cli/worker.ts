/** `tuneloop worker`: runs workflows and activities until a signal ends it. */
import { Command } from "commander";
import { pino } from "pino";
import { createPorts } from "../temporal/ports.ts";
import { loadConfig, loadSourceConfig } from "../config.ts";
import { withStackEnvironment } from "../dev/stack-file.ts";
import { connect, createWorkflowLookup } from "../temporal/client.ts";
import { ensureJanitor } from "../temporal/janitor-schedule.ts";
import { installLogger, startWorker } from "../temporal/worker.ts";

/**
 * The `worker` command. Reads everything from the environment, prints `{"ready":true}` to standard output when it polls
 * and logs JSON lines to standard error. SIGTERM and SIGINT let it finish what it has begun; exit code 1 when it breaks.
 */
export function workerCommand(): Command {
  return new Command("worker")
    .description("run workflows and activities against the Temporal, S3 and Anyscale named in the environment")
    .action(async () => {
      const environment = withStackEnvironment(process.env, {});
      const config = loadConfig(environment);
      const log = pino({ level: config.logLevel }, pino.destination({ dest: 2, sync: true }));
      installLogger(log, config.logLevel);
      const client = await connect(environment);
      const ports = createPorts(config, {
        log,
        workflows: createWorkflowLookup(client),
        sources: loadSourceConfig(environment),
      });
      const worker = await startWorker(ports, environment);
      await ensureJanitor(client);
      for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => worker.shutdown());
      process.stdout.write(`${JSON.stringify({ ready: true })}\n`);
      await worker.ended;
      await client.connection.close();
    });
}
