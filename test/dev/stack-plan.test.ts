import { rmSync } from "node:fs";
import { delimiter, resolve } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { planStack } from "../../src/dev/stack-plan.ts";
import { aDirectory } from "../support/emulator.ts";

const stateDirectory = aDirectory({});
afterAll(() => rmSync(stateDirectory, { recursive: true }));

/** The environment that commands are given to reach a stack which is started in this one. */
async function environmentOf(environment: NodeJS.ProcessEnv): Promise<Record<string, string>> {
  const ports = { temporal: 0, temporalUi: 0, s3: 0, emulator: 0 };
  const options = { stateDirectory, services: ["s3" as const], ports, environment, report: () => {} };
  return (await planStack(options)).environment;
}

describe("planStack", () => {
  it("tells commands in other directories what its worker knows and may reach", async () => {
    const TUNELOOP_SOURCES = ["readers", "/opt/readers"].join(delimiter);
    const [TUNELOOP_METRICS, TUNELOOP_ALLOW_HOSTS] = ["metrics", "reviews.internal:8443"];
    expect(await environmentOf({ TUNELOOP_SOURCES, TUNELOOP_METRICS, TUNELOOP_ALLOW_HOSTS })).toMatchObject({
      TUNELOOP_SOURCES: [resolve("readers"), "/opt/readers"].join(delimiter),
      TUNELOOP_METRICS: resolve("metrics"),
      TUNELOOP_ALLOW_HOSTS,
    });
  });

  it("says nothing of what is not set", async () => {
    expect(Object.keys(await environmentOf({ TUNELOOP_SOURCES: "" })).toSorted()).toEqual([
      "AWS_ACCESS_KEY_ID",
      "AWS_ENDPOINT_URL",
      "AWS_REGION",
      "AWS_SECRET_ACCESS_KEY",
      "TUNELOOP_S3_URI",
    ]);
  });
});
