/**
 * A process that starts a stack and holds it until it is killed. Usage: node hold-stack.ts STATE SERVICE...
 * Prints one JSON line, what `StackHeld` says, when the stack is up.
 */
import { startStack } from "../../src/dev/stack.ts";
import { STACK_SERVICES } from "../../src/dev/stack-plan.ts";
import { cleanEnvironment } from "./stack.ts";

const [stateDirectory = "", ...names] = process.argv.slice(2);
const stack = await startStack({
  stateDirectory,
  services: STACK_SERVICES.filter((service) => names.includes(service)),
  ports: { temporal: 0, temporalUi: 0, s3: 0, emulator: 0 },
  environment: cleanEnvironment(),
  report: (line) => process.stderr.write(`${line}\n`),
});
process.stdout.write(`${JSON.stringify({ addresses: stack.addresses, pids: stack.pids() })}\n`);
