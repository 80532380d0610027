/** `npm run conformance`: Anyscale's official SDK and command line interface against an emulator of this checkout. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DEFAULT_TOKEN, startEmulator } from "../../src/emulator/server.ts";
import { checkCli } from "./cli.ts";
import { officialSdk, run } from "./official-sdk.ts";

const sdk = await officialSdk();
const stateDirectory = mkdtempSync(join(tmpdir(), "tuneloop-conformance-"));
const emulator = await startEmulator({ port: 0, stateDirectory });
try {
  const env = { ...process.env, ANYSCALE_HOST: emulator.url, ANYSCALE_CLI_TOKEN: DEFAULT_TOKEN };
  const script = new URL("conformance.py", import.meta.url).pathname;
  const limits = ["--timeout", "120", "--service-timeout", "120"];
  const { code } = await run([sdk.python, script, "--extended", ...limits], { env, show: true });
  const failed = await checkCli(sdk.cli, env);
  process.exitCode = code === 0 && failed === 0 ? 0 : 1;
} finally {
  await emulator.stop();
  rmSync(stateDirectory, { recursive: true, force: true });
}
