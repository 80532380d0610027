/** What an update does about its sources: which it reads, from where, for how long, and what is seen of that. */
import { Context, heartbeat } from "@temporalio/activity";
import type { WorkflowHandle } from "@temporalio/client";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { TypedFailure } from "../../src/domain/failures.ts";
import { progressSignal, readingQuery } from "../../workflows/reading-messages.ts";
import type { updateDataset } from "../../workflows/update-dataset.ts";
import { aSource, anUpdateDatasetInput } from "../support/builders.ts";
import { currentDetails, failureOf, startTestTemporal, type TestTemporal } from "../support/temporal.ts";
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
const start = (given: object = {}): Promise<WorkflowHandle<typeof updateDataset>> =>
  temporal.start("updateDataset", `update/${world.name}/${++updates}`, { ...input(), ...given });
const readings = () => world.requests("ingest").map(({ source, cursor }) => `${source.id} from ${cursor}`);

/** Keeps one source from ending until the door is opened. */
function hold(held: string): Door {
  const door = new Door();
  world.when("ingest", async ({ source }, usual) => {
    if (source.id === held) await door.pass();
    return usual();
  });
  return door;
}

describe("an update of some sources", () => {
  it("reads only those and leaves the others where they are, though the quorum asks for more", async () => {
    const handle = await start({ only: ["zendesk"], quorum: { sources: 2 } });
    expect(await handle.result()).toMatchObject({ version: 1, added: 30, failed: 0 });
    expect(await (await start()).result()).toMatchObject({ version: 2, added: 70 });
    expect(new Set(readings())).toEqual(new Set(["zendesk from null", "slack from null", "zendesk from 30"]));
    await temporal.record(handle, "some-sources");
  });

  it("reads from the cursors it is given, from the start for null, and goes on from there later", async () => {
    await (await start()).result();
    world.calls.length = 0;
    await (await start({ cursors: { slack: null, zendesk: "10" } })).result();
    await (await start()).result();
    expect(readings().slice(0, 2).toSorted()).toEqual(["slack from null", "zendesk from 10"]);
    expect(readings().slice(2).toSorted()).toEqual(["slack from 70", "zendesk from 30"]);
  });
});

describe("a quorum of records", () => {
  it("makes no version of fewer, and takes them all when there are enough", async () => {
    const handle = await start({ quorum: { records: 150 } });
    expect(await handle.result()).toMatchObject({ version: null, records: 0, added: 100 });
    expect(await currentDetails(handle)).toBe(`100 new records of ${world.name} wait until there are 150.`);
    await temporal.record(handle, "held-back");
    world.sources["slack"] = 120;
    expect(await (await start({ quorum: { records: 150 } })).result()).toMatchObject({ version: 1, added: 150 });
  });

  it("fails when sources failed, which may be why there are too few", async () => {
    world.when("ingest", async ({ source }, usual) => {
      if (source.id === "slack") throw new TypedFailure("Refused", "invalid_auth");
      return usual();
    });
    expect(await failureOf(await start({ quorum: { records: 50 } }))).toBe(
      "QuorumNotMet: 30 new records came, 50 are needed, and 1 sources failed (slack: Refused: invalid_auth)",
    );
    expect(world.versions).toEqual([]);
  });
});

describe("sources in their time", () => {
  const deadlines = { silentSeconds: 1, readSeconds: 1 };

  it("are not held up by one that never ends: it is given up, and read from its old cursor next time", async () => {
    const door = hold("slack");
    const handle = await start({ deadlines });
    expect(await handle.result()).toMatchObject({
      version: 1,
      added: 30,
      failed: 1,
      failedSources: { slack: expect.stringMatching(/^TooLate: |activity ScheduleToClose timeout/i) },
    });
    door.open();
    expect(await (await start()).result()).toMatchObject({ version: 2, added: 70 });
    expect(readings().filter((reading) => reading.startsWith("slack"))).toEqual(["slack from null", "slack from null"]);
  });

  it("can be given up by hand: the update goes on without one whose reading is cancelled", async () => {
    const begun = Promise.withResolvers<void>();
    world.when("ingest", async ({ source }, usual) => {
      if (source.id !== "slack") return usual();
      const beat = setInterval(() => heartbeat(), 100);
      begun.resolve();
      return Context.current().cancelled.finally(() => clearInterval(beat));
    });
    const handle = await start();
    await begun.promise;
    await temporal.client.workflow.getHandle(`${handle.workflowId}/slack`).cancel();
    expect(await handle.result()).toMatchObject({ version: 1, added: 30, failedSources: { slack: "cancelled" } });
  });

  it("deliver what they have when they are cut short, and are said to have more", async () => {
    world.when("ingest", async ({ source }, usual) => ({ ...(await usual()), isComplete: source.id !== "slack" }));
    const handle = await start();
    expect(await handle.result()).toMatchObject({ version: 1, added: 100, unfinished: ["slack"] });
    expect(await currentDetails(handle)).toBe(
      `${world.name}@1: 100 records added, 100 in all. More to come from slack.`,
    );
    await temporal.record(handle, "cut-short");
  });

  it("are not said to have more when no version is made: they would be read from the same place at once, and for ever", async () => {
    world.when("ingest", async (_, usual) => ({ ...(await usual()), isComplete: false }));
    const handle = await start({ quorum: { records: 150 } });
    expect(await handle.result()).toMatchObject({ version: null, added: 100, unfinished: [] });
  });
});

describe("the progress of an update", () => {
  it("is told as sources end and as their workers report, in the query and the current details", async () => {
    const door = hold("slack");
    const handle = await start();
    await door.reached;
    const slack = { received: 12_300, perSecond: 310, etaSeconds: 45 };
    await handle.signal(progressSignal, { slack, unknown: slack });
    await expect
      .poll(() => handle.query(readingQuery))
      .toEqual({ sources: 2, read: 1, failed: 0, received: 30, perSource: { slack }, failedSources: {} });
    expect(await currentDetails(handle)).toBe(
      "1 of 2 sources read; 12,330 items.\n\nslack: 12,300 items, 310/s, 45 s left.",
    );
    const reading = temporal.client.workflow.getHandle(`${handle.workflowId}/slack`);
    await reading.signal(progressSignal, { slack });
    await expect.poll(() => currentDetails(reading)).toBe("Reading **slack**: 12,300 items, 310/s, 45 s left.");
    door.open();
    expect(await handle.result()).toMatchObject({ added: 100 });
    expect(await handle.query(readingQuery)).toMatchObject({ read: 2, received: 100, perSource: {} });
    await temporal.record(handle, "progress");
    await temporal.record(reading, "progress");
  });

  it("is not troubled by what is no progress, nor by messages that nobody knows", async () => {
    const door = hold("slack");
    const handle = await start();
    await door.reached;
    for (const nonsense of [undefined, null, "fast", { slack: { received: -1 } }, { slack: [] }]) {
      await handle.signal("progress", nonsense);
      await temporal.client.workflow.getHandle(`${handle.workflowId}/slack`).signal("progress", nonsense);
    }
    await handle.signal("nonsense", { slack: 1 });
    await expect(handle.query("nonsense")).rejects.toThrow(/nonsense/);
    await expect(handle.executeUpdate("nonsense")).rejects.toMatchObject({
      cause: { message: expect.stringMatching(/nonsense/) },
    });
    door.open();
    expect(await handle.result()).toMatchObject({ version: 1, added: 100 });
  });
});
