/** `tuneloop emulator` alone, as a program: for tests that kill it. */
import { emulatorCommand } from "../../src/cli/emulator.ts";

await emulatorCommand().parseAsync(process.argv.slice(2), { from: "user" });
