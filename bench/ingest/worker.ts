/** A worker as `tuneloop dev` and the image run it, which also says how much memory it has taken at most. */
import { pino } from "pino";
import { loadConfig, loadSourceConfig } from "../../src/config.ts";
import { withStackEnvironment } from "../../src/dev/stack-file.ts";
import { connect, createWorkflowLookup } from "../../src/temporal/client.ts";
import { createPorts } from "../../src/temporal/ports.ts";
import { installLogger, startWorker } from "../../src/temporal/worker.ts";

const environment = withStackEnvironment(process.env, {});
const log = pino({ level: "warn" }, pino.destination(2));
const client = await connect(environment);
const ports = createPorts(loadConfig(environment), {
  log,
  workflows: createWorkflowLookup(client),
  sources: loadSourceConfig(environment),
});
installLogger(log, "warn");
const worker = await startWorker(ports, environment);
process.on("message", () => process.send?.({ maxRssMb: process.resourceUsage().maxRSS / 1024 }));
process.on("SIGTERM", () => worker.shutdown());
process.send?.({ ready: true });
await worker.ended;
await client.connection.close();
process.disconnect();
