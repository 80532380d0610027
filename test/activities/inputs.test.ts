import { describe, expect, it } from "vitest";
import { assertSmall } from "../../activities/failures.ts";
import { createInputActivities } from "../../activities/inputs.ts";
import type { InputActivities } from "../../activities/interfaces.ts";
import { createGateCatalog } from "../../src/adapters/own-gates.ts";
import { createMetricCatalog } from "../../src/adapters/metrics/catalog.ts";
import { TypedFailure } from "../../src/domain/failures.ts";
import { expectFailure, inActivity } from "../support/activity.ts";
import { anAlert } from "../support/builders.ts";
import { fakeRecipes } from "../support/fake-ports.ts";

const activities = createInputActivities({
  recipes: fakeRecipes,
  metrics: createMetricCatalog([]),
  gates: createGateCatalog([]),
});
const source = { id: "discord", kind: "s3-jsonl", uri: "s3://bucket/discord/" };
const recipe = { name: "embedded" };
const testSet = { key: "testsets/games/x.jsonl", sha256: "x", records: 10 };
const pipeline = { name: "games", sources: [source], recipe };

/** The least that each check takes. */
const least: Record<keyof InputActivities, object> = {
  checkUpdateDataset: { dataset: "games", sources: [source] },
  checkIngestSources: { dataset: "games", sources: [source] },
  checkIngestSource: { dataset: "games", source },
  checkPipeline: pipeline,
  checkRetrain: { pipeline },
  checkFineTune: { pipeline: "games", model: "games-12", datasetVersion: 12, recipe },
  checkEvaluateModel: { pipeline: "games", model: "games-12", testSet, vocabulary: "v" },
  checkRollOut: { pipeline: "games", model: "games-12.2", target: "silent", reason: "r", recipe, testSet },
  checkJanitor: {},
  checkRollBack: { pipeline, reason: "complaints" },
  checkAlertPeople: { alert: anAlert(), sinks: [{ kind: "log" }] },
};
const checks: (keyof InputActivities)[] = [
  "checkUpdateDataset",
  "checkIngestSources",
  "checkIngestSource",
  "checkPipeline",
  "checkRetrain",
  "checkFineTune",
  "checkEvaluateModel",
  "checkRollOut",
  "checkRollBack",
  "checkAlertPeople",
];

/** Sources are checked and not answered: there may be thousands. */
function withoutSources(given: { sources?: unknown; pipeline?: unknown }): object {
  const { sources: _, pipeline, ...input } = given;
  if (typeof pipeline !== "object" || pipeline === null) return pipeline === undefined ? input : { ...input, pipeline };
  return { ...input, pipeline: withoutSources(pipeline) };
}

describe("createInputActivities", () => {
  it.each(checks)(
    "%s takes the least there can be, fills in defaults, and takes its own result unchanged",
    async (check) => {
      const parsed = await activities[check](least[check]);
      expect(parsed).toMatchObject(withoutSources(least[check]));
      expect(await activities[check]({ ...least[check], ...parsed })).toEqual(parsed);
      expect(JSON.parse(JSON.stringify(parsed))).toEqual(parsed);
    },
  );

  it.each(checks)("%s names a field that is missing, one that is unknown, and what is no object", async (check) => {
    for (const [field] of Object.entries(least[check])) {
      const without = Object.fromEntries(Object.entries(least[check]).filter(([name]) => name !== field));
      expect(await expectFailure(() => activities[check](without), "InvalidInput")).toMatch(new RegExp(`^${field}: `));
    }
    const more = { ...least[check], suprise: 1 };
    expect(await expectFailure(() => activities[check](more), "InvalidInput")).toContain('"suprise"');
    for (const input of [undefined, null, "games", []]) {
      await expectFailure(() => activities[check](input), "InvalidInput");
    }
  });

  it.each([
    ["checkFineTune", { model: "games" }, "model: must be a model version such as games-12"],
    ["checkFineTune", { datasetVersion: 0 }, "datasetVersion: "],
    ["checkRollOut", { target: "gone" }, "target: "],
    ["checkRollOut", { policy: { steps: [10, 50] } }, "policy.steps: the last step must be 100"],
    ["checkUpdateDataset", { sources: [] }, "sources: name at least one source"],
    ["checkUpdateDataset", { sources: [source, source] }, "sources.1.id: source discord is named twice"],
    ["checkUpdateDataset", { only: [] }, "only: name at least one source, or leave it out"],
    ["checkUpdateDataset", { only: ["twitch"] }, "only.0: there is no source twitch in sources"],
    ["checkUpdateDataset", { cursors: { twitch: null } }, "cursors.twitch: this source is not read"],
    ["checkUpdateDataset", { cursors: { discord: 7 } }, "cursors.discord: "],
    ["checkUpdateDataset", { quorum: { sources: 2 } }, "quorum.sources: 2 are needed, and there are only 1"],
    ["checkUpdateDataset", { quorum: { records: -1 } }, "quorum.records: "],
    ["checkUpdateDataset", { deadlines: { readSeconds: 0 } }, "deadlines.readSeconds: "],
    ["checkPipeline", { dataset: { quorum: { sources: 2 } } }, "dataset.quorum.sources: 2 are needed"],
    ["checkIngestSource", { source: { ...source, uri: "http://x" } }, "source.uri: must be s3://bucket/prefix"],
    ["checkPipeline", { decide: { alpha: 0.5 } }, "decide.alpha: "],
  ] as const)("%s of %j says: %s", async (check, change, problem) => {
    expect(await expectFailure(() => activities[check]({ ...least[check], ...change }), "InvalidInput")).toContain(
      problem,
    );
  });

  describe("with many sources", () => {
    const many = (count: number, uriLength = 100) =>
      Array.from({ length: count }, (_, index) => ({
        ...source,
        id: `source-${index}`,
        uri: `s3://bucket/source-${index}/`.padEnd(uriLength, "x"),
      }));

    it("take 5,000, and answer what fits into history", async () => {
      const sources = many(5000);
      await inActivity(async () => {
        assertSmall(await activities.checkPipeline({ ...pipeline, sources }));
        assertSmall(await activities.checkRetrain({ pipeline: { ...pipeline, sources } }));
        assertSmall(await activities.checkUpdateDataset({ dataset: "games", sources }));
        assertSmall(await activities.checkIngestSources({ dataset: "games", sources: sources.slice(0, 100) }));
      });
    });

    it("refuse 5,001", async () => {
      const tooMany = () => activities.checkPipeline({ ...pipeline, sources: many(5001) });
      expect(await expectFailure(tooMany, "InvalidInput")).toBe("sources: at most 5,000 sources");
    });

    it("refuse what Temporal would not take, saying how much it is", async () => {
      const tooLong = () => activities.checkUpdateDataset({ dataset: "games", sources: many(4000, 400) });
      expect(await expectFailure(tooLong, "InvalidInput")).toMatch(
        /^sources: all together 1\d{6} characters of JSON, and 1000000 are the most/,
      );
    });
  });

  it("asks the recipe about its hyperparameters wherever one is chosen", async () => {
    const seeded = { recipe: { hyperparameters: { seed: 42 } } };
    expect(await activities.checkPipeline(least.checkPipeline)).toMatchObject(seeded);
    expect(await activities.checkRetrain(least.checkRetrain)).toMatchObject({ pipeline: seeded });
    expect(await activities.checkFineTune(least.checkFineTune)).toMatchObject(seeded);
    const refusing = createInputActivities({
      metrics: createMetricCatalog([]),
      gates: createGateCatalog([]),
      recipes: {
        ...fakeRecipes,
        check: () => {
          throw new TypedFailure("InvalidInput", "hyperparameters.seed: must be a number");
        },
      },
    });
    for (const check of ["checkPipeline", "checkRetrain", "checkFineTune"] as const) {
      expect(await expectFailure(() => refusing[check](least[check]), "InvalidInput")).toContain(
        "hyperparameters.seed",
      );
    }
  });
});
