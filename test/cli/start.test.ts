import { rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { buildProgram } from "../../src/cli/program.ts";
import { missingReaders, readDefinition } from "../../src/cli/start.ts";
import { createRecipeCatalog } from "../../src/recipes/catalog.ts";
import { loadRecipes } from "../../src/recipes/index.ts";
import { UsageError } from "../../src/cli/usage-error.ts";
import { runCommand, TUNELOOP } from "../support/command.ts";
import { aDirectory } from "../support/emulator.ts";
import { cleanEnvironment } from "../support/stack.ts";

const recipes = createRecipeCatalog(loadRecipes([]), null);
const directories: string[] = [];
afterAll(() => {
  for (const directory of directories) rmSync(directory, { recursive: true });
});
const file = (text: string): string => {
  const directory = aDirectory({ "games.yaml": text });
  directories.push(directory);
  return join(directory, "games.yaml");
};
const problemOf = (path: string): string => {
  try {
    readDefinition(path, recipes);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    return error.message.replaceAll(path, "games.yaml");
  }
  throw new Error("the definition was taken");
};
const least = `name: games
sources:
  - { id: discord, kind: s3-jsonl, uri: "s3://bucket/discord/" }
recipe: { name: embedded }
`;

describe("readDefinition", () => {
  it("reads YAML with nothing but what is needed, and fills in every default", () => {
    expect(readDefinition(file(least), recipes)).toEqual({
      name: "games",
      sources: [{ id: "discord", kind: "s3-jsonl", uri: "s3://bucket/discord/" }],
      dataset: {
        minNewRecords: 200,
        split: { valid: 0.05, test: 0.1 },
        testSet: null,
        quorum: { sources: 1, records: 0 },
        deadlines: { readSeconds: 3600, silentSeconds: 300 },
      },
      recipe: { name: "embedded", baseModel: null, hyperparameters: {} },
      compute: { cloud: null, config: null, maxRetries: 1, timeoutSeconds: 14_400, queueSeconds: 43_200 },
      evaluate: {
        metrics: "auto",
        base: null,
        fewShot: 0,
        sampleSize: null,
        seed: 42,
        concurrency: 128,
        requestsPerSecond: null,
        timeoutSeconds: 60,
        temperature: 0,
        maxTokens: null,
        slices: [],
        retentionSet: null,
        prices: null,
      },
      decide: {
        primary: "auto",
        minGain: 0.01,
        alpha: 0.05,
        floor: 0.4,
        guards: "auto",
        unanswered: { maxRatio: 0.05, outcome: "inconclusive" },
        approval: "none",
      },
      rollout: {
        mode: "manual",
        steps: [{ percent: 10 }, { percent: 50 }, { percent: 100 }],
        soakSeconds: 300,
        bakeSeconds: 3600,
        probeSeconds: 30,
        readySeconds: 7200,
        maxErrorRate: 0.02,
        gates: {
          alpha: 0.05,
          latency: { maxRatio: 2, slackMs: 100 },
          quality: { margin: 0.05 },
          feedback: { margin: 0, minExposure: 0 },
          own: [],
        },
        holdSeconds: 3600,
      },
      alerts: [{ kind: "log" }],
    });
  });

  it("reads JSON, which is the same definition", () => {
    const definition = readDefinition(file(least), recipes);
    expect(readDefinition(file(JSON.stringify(definition, null, 2)), recipes)).toEqual(definition);
  });

  it.each<[string, string, string]>([
    ["an unknown field", `${least}rollot: {}\n`, 'games.yaml:5: definition: Unrecognized key: "rollot"'],
    ["a field that is missing", "name: games\nrecipe: { name: embedded }\n", "games.yaml:1: sources: "],
    ["a wrong value", `${least}rollout:\n  steps: [50, 10, 100]\n`, "games.yaml:6: rollout.steps: steps must rise"],
    [
      "a wrong value deep inside",
      `${least}decide:\n  guards:\n    - metric: accuracy_attr_types\n      margin: -1\n`,
      "games.yaml:8: decide.guards.0.margin: ",
    ],
    ["a bad name", least.replace("games", "Games!"), "games.yaml:1: name: must be 1 to 40 of a-z, 0-9 and -"],
    [
      "a source named twice",
      least.replace("recipe", `  - { id: discord, kind: s3-jsonl, uri: "s3://b/x/" }\nrecipe`),
      "games.yaml:4: sources.1.id: source discord is named twice",
    ],
    ["an unknown kind of source", least.replace("s3-jsonl", "fax"), "games.yaml:3: sources.0.kind: "],
    [
      "splits that leave no training data",
      `${least}dataset: { split: { valid: 0.5, test: 0.5 } }\n`,
      "games.yaml:5: dataset.split: valid and test together must leave room",
    ],
    ["nothing", "", "games.yaml: definition: "],
    ["a comment only", "# games\n", "games.yaml: definition: "],
    ["a list", "- games\n", "games.yaml:1: definition: "],
    ["a word", "games\n", "games.yaml:1: definition: "],
  ])("names file, line and field of %s", (_, text, problem) => {
    expect(problemOf(file(text))).toContain(problem);
  });

  it("says every problem at once", () => {
    const problems = problemOf(file(`${least}compute: { maxRetries: -1, timeoutSeconds: 0 }\n`)).split("\n");
    expect(problems).toEqual([
      expect.stringContaining("games.yaml:5: compute.maxRetries: "),
      expect.stringContaining("games.yaml:5: compute.timeoutSeconds: "),
    ]);
  });

  const hundredMillion = ["b", "c", "d", "e", "f", "g", "h", "i"]
    .map((name, index) => `${name}: &${name} [${`*${"abcdefgh".charAt(index)},`.repeat(10)}]\n`)
    .join("");
  it.each([
    ["broken YAML", `${least}rollout: { steps: [`, /end with a \]/],
    ["a field that is there twice", `${least}name: music\n`, /unique.* line 5/i],
    ["two documents", `${least}---\n${least}`, /multiple documents/],
    ["an alias to nothing", `${least}compute: *none\n`, /alias.*none/],
    ["aliases that grow beyond all measure", `a: &a [x]\n${hundredMillion}`, /alias/],
  ])("refuses %s", (_, text, problem) => {
    const said = problemOf(file(text));
    expect(said).toMatch(/^games\.yaml: /);
    expect(said).toMatch(problem);
  });

  it("says that a file cannot be read", () => {
    expect(problemOf("/nonexistent/games.yaml")).toMatch(/^games\.yaml: cannot be read \(ENOENT/);
  });
});

describe("missingReaders", () => {
  const custom = `name: games
sources:
  - { id: forum, kind: custom, reader: forum }
  - { id: discord, kind: s3-jsonl, uri: "s3://bucket/discord/" }
recipe: { name: embedded }
`;

  it("says nothing when the file of each reader is there", () => {
    const folder = aDirectory({ "forum.mts": "" });
    directories.push(folder);
    expect(missingReaders(readDefinition(file(custom), recipes), ["/no/such/folder", folder])).toEqual([]);
  });

  it.each([
    ["no folder is known", [], "TUNELOOP_SOURCES is not set here"],
    ["it is in none of the folders", ["/no/such/folder"], "not in /no/such/folder"],
  ])("names a reader of which %s", (_, folders, where) => {
    expect(missingReaders(readDefinition(file(custom), recipes), folders)).toEqual([
      `source forum: reader: no file forum.ts or forum.js is seen from here (${where}): ` +
        "the worker needs it in a folder that its TUNELOOP_SOURCES names",
    ]);
  });
});

/** Runs a command in this process. */
async function tuneloop(...args: string[]): Promise<void> {
  await (await buildProgram(args)).parseAsync(args, { from: "user" });
}

describe("tuneloop start and state", () => {
  it("refuse what is wrong before they look for a server", async () => {
    const start = tuneloop("start", "-f", "/nonexistent/games.yaml");
    await expect(start).rejects.toBeInstanceOf(UsageError);
    const state = tuneloop("state", "Games!");
    await expect(state).rejects.toThrow("Games!: a name is 1 to 40 of a-z, 0-9 and -");
  });

  it("warn, and go on to the server, when the file of a reader is not seen from here", async () => {
    const definition = file(
      least.replace('kind: s3-jsonl, uri: "s3://bucket/discord/"', "kind: custom, reader: forum"),
    );
    const environment = { ...cleanEnvironment(), TEMPORAL_PROFILE: "none", TUNELOOP_SOURCES: "/no/such/folder" };
    const { code, stderr } = await runCommand(process.execPath, [TUNELOOP, "start", "-f", definition], { environment });
    expect(stderr).toMatch(/^warning: source discord: reader: no file forum\.ts .* is seen from here/);
    expect(stderr).toMatch(/profile.*none/i);
    expect(code).toBe(1);
  });
});
