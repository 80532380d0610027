import type { WorkflowHandle } from "@temporalio/client";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { TypedFailure } from "../../src/domain/failures.ts";
import type { updateDataset } from "../../workflows/update-dataset.ts";
import { aSource, anUpdateDatasetInput } from "../support/builders.ts";
import { failureOf, startTestTemporal, type TestTemporal } from "../support/temporal.ts";
import { Door, type World } from "../support/world.ts";

let temporal: TestTemporal;
let world: World;
let updates = 0;

beforeAll(async () => {
  temporal = await startTestTemporal(import.meta.filename);
});
beforeEach(() => {
  world = temporal.newWorld();
  Object.assign(world.sources, { slack: 70, zendesk: 30 });
});
afterAll(() => temporal.stop());

const input = () => anUpdateDatasetInput({ dataset: world.name, sources: [aSource("slack"), aSource("zendesk")] });
const start = (given: unknown): Promise<WorkflowHandle<typeof updateDataset>> =>
  temporal.start("updateDataset", `update/${world.name}/${++updates}`, given);

/** Ids of the workflows that an update sent its signal to, whether they run or not. */
async function told(handle: WorkflowHandle): Promise<(string | null | undefined)[]> {
  const { events } = await handle.fetchHistory();
  return (events ?? [])
    .map((event) => event.signalExternalWorkflowExecutionInitiatedEventAttributes?.workflowExecution?.workflowId)
    .filter((workflowId) => workflowId !== undefined);
}

function breakSource(broken: string): void {
  world.when("ingest", async ({ source }, usual) => {
    if (source.id === broken) throw new TypedFailure("Refused", `${broken} says no`);
    return usual();
  });
}

describe("updateDataset", () => {
  it("reads all sources and commits one version of what they brought", async () => {
    const handle = await start(input());
    expect(await handle.result()).toMatchObject({
      dataset: world.name,
      version: 1,
      records: 100,
      added: 100,
      perSource: { slack: { accepted: 70 }, zendesk: { accepted: 30 } },
      failedSources: {},
    });
    expect(world.requests("commitVersion")).toEqual([
      {
        dataset: world.name,
        parent: 0,
        batches: ["batches/slack/0-70", "batches/zendesk/0-30"],
        failedSources: {},
        gathered: [],
        leastRecords: 0,
      },
    ]);
    await temporal.record(handle, "committed");
  });

  it("reads on where the last version ended", async () => {
    await (await start(input())).result();
    world.sources["slack"] = 90;
    expect(await (await start(input())).result()).toMatchObject({ version: 2, records: 120, added: 20 });
    const cursors = world.requests("ingest").map(({ source, cursor }) => `${source.id} from ${cursor}`);
    expect(new Set(cursors.slice(2))).toEqual(new Set(["slack from 70", "zendesk from 30"]));
  });

  it("makes no version when no source has anything new, and tells of the newest once more", async () => {
    await (await start(input())).result();
    const handle = await start(input());
    expect(await handle.result()).toMatchObject({ version: null, records: 100, added: 0 });
    expect(await told(handle)).toEqual([`pipeline/${world.name}`]);
    expect(world.versions).toHaveLength(1);
    await temporal.record(handle, "nothing-new");
  });

  it("commits without a source that fails when enough others deliver, and reads that one again next time", async () => {
    breakSource("zendesk");
    const handle = await start(input());
    const failedSources = { zendesk: "Refused: zendesk says no" };
    expect(await handle.result()).toMatchObject({ version: 1, added: 70, failedSources });
    expect(world.requests("commitVersion")[0]).toMatchObject({ failedSources });
    delete world.behaviours.ingest;
    expect(await (await start(input())).result()).toMatchObject({ version: 2, added: 30, failedSources: {} });
    await temporal.record(handle, "source-failed");
  });

  it("commits nothing and says which sources failed when too few deliver", async () => {
    breakSource("zendesk");
    const handle = await start({ ...input(), quorum: { sources: 2 } });
    expect(await failureOf(handle)).toBe(
      "QuorumNotMet: 1 sources delivered, 2 are needed (zendesk: Refused: zendesk says no)",
    );
    expect(world.versions).toEqual([]);
    await temporal.record(handle, "quorum-not-met");
  });

  it("tells the pipeline of its name and those it is asked to tell, each once, though none of them runs", async () => {
    const notify = ["elsewhere", `pipeline/${world.name}`];
    const handle = await start({ ...input(), notify });
    expect(await handle.result()).toMatchObject({ version: 1 });
    expect(await told(handle)).toEqual([`pipeline/${world.name}`, "elsewhere"]);
  });

  it("merges the counts of a version into the table it is given, once the version is announced", async () => {
    const countsTable = { urlSecret: "COUNTS_URL", table: "reports.counts" };
    const handle = await start({ ...input(), countsTable });
    expect(await handle.result()).not.toHaveProperty("countsFailure");
    expect(world.requests("mergeCounts")).toEqual([{ dataset: world.name, version: 1, target: countsTable }]);
    expect(world.story().slice(-2)).toEqual(["commitVersion", "mergeCounts"]);
    await temporal.record(handle, "counted-elsewhere");
    await (await start({ ...input(), countsTable })).result();
    expect(world.requests("mergeCounts")).toHaveLength(1);
  });

  it("succeeds, and says so, when the table of counts cannot be written", async () => {
    world.when("mergeCounts", async () => {
      throw new TypedFailure("Refused", "table counts: permission denied");
    });
    const handle = await start({ ...input(), countsTable: { urlSecret: "COUNTS_URL", table: "counts" } });
    const countsFailure = "Refused: table counts: permission denied";
    expect(await handle.result()).toMatchObject({ version: 1, added: 100, countsFailure });
    expect(await told(handle)).toEqual([`pipeline/${world.name}`]);
  });

  it("stops reading and commits nothing when it is cancelled", async () => {
    const door = new Door();
    world.when("ingest", async ({ source }, usual) => {
      if (source.id === "slack") await door.pass();
      return usual();
    });
    const handle = await start(input());
    await door.reached;
    await handle.cancel();
    await temporal.untilCancelRequested({ workflowId: `${handle.workflowId}/slack` });
    door.open();
    expect(await failureOf(handle)).toBe("cancelled");
    expect(world.versions).toEqual([]);
    await temporal.record(handle, "cancelled");
  });

  it.each([
    ["nothing", undefined, "InvalidInput: Invalid input: expected object, received undefined"],
    ["no source", { sources: [] }, "InvalidInput: sources: name at least one source"],
    [
      "one source twice",
      { sources: [aSource("slack"), aSource("slack")] },
      "InvalidInput: sources.1.id: source slack is named twice",
    ],
    ["a quorum of 0", { quorum: { sources: 0 } }, "InvalidInput: quorum.sources: "],
    [
      "an address in place of a variable's name",
      { countsTable: { urlSecret: "postgresql://me:secret@host/db" } },
      "InvalidInput: countsTable.urlSecret: must be the name of an environment variable",
    ],
    ["a misspelt field", { sauces: [] }, 'InvalidInput: Unrecognized key: "sauces"'],
  ])("fails at once and names the field when given %s", async (_, wrong, message) => {
    expect(await failureOf(await start(wrong && { ...input(), ...wrong }))).toContain(message);
    expect(world.calls).toEqual([]);
  });
});
