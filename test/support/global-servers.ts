/** Before any test: the server programs are there, found or fetched once, so that no test waits for a download or build. */
import { findBinary } from "../../src/dev/binaries.ts";
import { temporalCli, versitygw } from "../../src/dev/pinned-servers.ts";

/** Vitest's global setup. Throws, with what to install, when a server cannot be had. */
export default async function setup(): Promise<void> {
  for (const server of [temporalCli, versitygw]) {
    await findBinary(server, { environment: process.env, report: (line) => process.stderr.write(`${line}\n`) });
  }
}
