import { rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { describePlan, describeResult } from "../../src/cli/janitor.ts";
import { buildProgram } from "../../src/cli/program.ts";
import { UsageError } from "../../src/cli/usage-error.ts";
import type { Orphan } from "../../src/domain/janitor-schema.ts";
import { aDirectory } from "../support/emulator.ts";

const directory = aDirectory({
  "pager.yaml": "alerts: [{ kind: pager }]\n",
  "nobody.yaml": "name: games\n",
});
afterAll(() => rmSync(directory, { recursive: true }));

const call = async (...args: string[]): Promise<void> => {
  const program = await buildProgram(["janitor"]);
  program.commands[0]?.commands.forEach((command) => command.configureOutput({ writeErr: () => {} }));
  await program.parseAsync(["node", "tuneloop", "janitor", ...args]);
};
const job: Orphan = {
  kind: "job",
  id: "prodjob_1",
  name: "retrain-games-2",
  pipeline: "games",
  model: "games-2",
  since: "2026-01-01T00:00:00.000Z",
  owner: { workflowId: "retrain/games/2/fine-tune", status: "terminated" },
};

describe("janitor schedule", () => {
  it.each([
    ["pager.yaml", /must be of kind log, slack or webhook/],
    ["nobody.yaml", /alerts/],
    ["missing.yaml", /missing\.yaml/],
  ])("refuses %s as people to tell before it connects to anything", async (file, said) => {
    await expect(call("schedule", "--alerts", join(directory, file))).rejects.toThrow(said);
    await expect(call("schedule", "--alerts", join(directory, file))).rejects.toBeInstanceOf(UsageError);
  });

  it.each(["soon", "0", "1e9"])("refuses %s as seconds", async (seconds) => {
    await expect(call("schedule", "--every", seconds)).rejects.toThrow("must be seconds, from 1 to 2592000");
  });
});

describe("describePlan", () => {
  it("says how often, after how long, and who is told, without what an address may hide", () => {
    const alerts = [
      { kind: "log" as const },
      { kind: "webhook" as const, url: "https://ops.example/hook?token=hidden", signingSecret: "HOOK_KEY" },
    ];
    expect(describePlan({ everySeconds: 600, graceSeconds: 900, alerts })).toBe(
      "The janitor looks every 600 s (schedule tuneloop-janitor), ends what has belonged to nobody for 900 s, and tells: the people of the pipeline, log, webhook https://ops.example.\n",
    );
  });
});

describe("describeResult", () => {
  const nothing = { dryRun: false, orphans: [], unended: [], unreadable: [] };

  it("says that there is nothing", () => {
    expect(describeResult(nothing)).toMatch(/^There is nothing to end: /);
  });

  it("says what was ended, or would be, and what could not", () => {
    const refused = { pipeline: "chess", what: "job b (prodjob_2)", reason: "Refused: 403", passes: 1 };
    const damaged = { pipeline: "go", what: "the service of go", reason: "registry/go.json: is damaged", passes: 1 };
    const why = "job retrain-games-2 (prodjob_1): its workflow retrain/games/2/fine-tune is terminated";
    const result = { ...nothing, orphans: [job], unended: [refused], unreadable: [damaged] };
    expect(describeResult(result).split("\n")).toEqual([
      `Ended ${why}`,
      "Could not end job b (prodjob_2): Refused: 403",
      "Could not look at the service of go: registry/go.json: is damaged",
      "",
    ]);
    expect(describeResult({ ...nothing, dryRun: true, orphans: [job] })).toBe(`Would end ${why}\n`);
  });

  it.each([
    [10, "is terminated (10 % of the traffic)\n"],
    [0, "is terminated\n"],
  ])("says of a version whether users meet it: %i %%", (percent, end) => {
    const owner = { workflowId: "retrain/games/2", status: "terminated" as const };
    const of = {
      pipeline: "games",
      service: "pipeline-games",
      version: "games-2",
      champion: "games-1",
      percent,
      owner,
    };
    const said = describeResult({ ...nothing, dryRun: true, orphans: [{ kind: "version", ...of }] });
    expect(said).toBe(`Would end games-2 beside the champion of pipeline-games: its cycle retrain/games/2 ${end}`);
  });
});
