/** Runs the `tuneloop` command line of this process. Exit codes: 0 done, 1 failed, 2 wrong usage. */
import { CommanderError } from "commander";
import { buildProgram } from "./program.ts";
import { reasonOf } from "../dev/reason.ts";
import { UsageError } from "./usage-error.ts";

try {
  const args = process.argv.slice(2);
  await (await buildProgram(args)).parseAsync(args, { from: "user" });
} catch (error) {
  if (error instanceof CommanderError) {
    // Asking for help or the version counts as an error of code 0; the text has been written.
    process.exitCode = error.exitCode === 0 ? 0 : 2;
  } else {
    process.stderr.write(`${reasonOf(error)}\n`);
    process.exitCode = error instanceof UsageError ? 2 : 1;
  }
}
