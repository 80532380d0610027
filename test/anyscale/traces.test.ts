import { beforeAll, describe, expect, it } from "vitest";
import { allRecordings, type Difference, differences, play } from "../support/recordings.ts";
import { covers, knownDifferences } from "./traces/differences.ts";
import { jobScenarios } from "./traces/job-scenarios.ts";
import { serviceScenarios } from "./traces/service-scenarios.ts";

const recordings = allRecordings();
const scenarios = { ...jobScenarios, ...serviceScenarios };
const found = new Map<string, Difference[]>();
const failed = new Map<string, unknown>();

describe("AnyscaleClient against the recorded official client", () => {
  beforeAll(async () => {
    for (const recording of recordings) {
      const scenario = scenarios[recording.name];
      if (scenario === undefined) continue;
      const sent = await play(recording, scenario, recordings).catch((error: unknown) => {
        failed.set(recording.name, error);
        return null;
      });
      if (sent !== null) found.set(recording.name, differences(recording, sent));
    }
  }, 60_000);

  it.each(recordings.map(({ name }) => name))("sends what it sent in %s, but for the known differences", (name) => {
    if (failed.has(name)) throw failed.get(name);
    const unknown = found
      .get(name)
      ?.filter((difference) => !knownDifferences.some((row) => covers(row, name, difference)));
    expect(unknown).toEqual([]);
  });

  it("knows of no difference that has gone", () => {
    const seen = [...found].flatMap(([name, list]) => list.map((difference) => ({ name, difference })));
    const gone = knownDifferences.filter((row) => !seen.some((one) => covers(row, one.name, one.difference)));
    expect(gone).toEqual([]);
  });
});
