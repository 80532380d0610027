import { tmpdir } from "node:os";
import { join } from "node:path";
import { defineConfig } from "vitest/config";

const repository = new URL("..", import.meta.url).pathname;

/** Three projects: `unit` needs no server, `workflows` a Temporal dev server, `e2e` the whole local stack. */
export default defineConfig({
  root: repository,
  test: {
    // Most tests wait for servers and processes more than they compute, so also on two cores three files go at once.
    maxWorkers: 3,
    // They share processes: to load the same modules for each would take as long as many of the tests.
    isolate: false,
    // Tests start hundreds of processes of the same programs: these are compiled once.
    env: { NODE_COMPILE_CACHE: join(tmpdir(), "tuneloop-compile-cache") },
    projects: [
      {
        extends: true,
        test: {
          name: "unit",
          include: ["test/{domain,anyscale,activities,adapters,emulator,recipes,report,temporal,cli,dev}/**/*.test.ts"],
          testTimeout: 30_000,
        },
      },
      {
        extends: true,
        test: {
          name: "workflows",
          globalSetup: ["test/support/global-servers.ts", "test/support/global-temporal.ts"],
          include: ["test/{workflows,replay}/**/*.test.ts"],
          testTimeout: 120_000,
          hookTimeout: 600_000,
        },
      },
      {
        extends: true,
        test: {
          name: "e2e",
          globalSetup: "test/support/global-servers.ts",
          include: ["test/e2e/**/*.test.ts"],
          testTimeout: 180_000,
          hookTimeout: 600_000,
        },
      },
    ],
  },
});
