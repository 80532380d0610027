import type { WorkflowHandle } from "@temporalio/client";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { TypedFailure } from "../../src/domain/failures.ts";
import { readingQuery } from "../../workflows/reading-messages.ts";
import type { ingestSources } from "../../workflows/ingest-sources.ts";
import type { updateDataset } from "../../workflows/update-dataset.ts";
import { aSource } from "../support/builders.ts";
import { failureOf, startTestTemporal, type TestTemporal } from "../support/temporal.ts";
import { Door, type World } from "../support/world.ts";

let temporal: TestTemporal;
let world: World;

beforeAll(async () => {
  temporal = await startTestTemporal(import.meta.filename);
});
beforeEach(() => {
  world = temporal.newWorld();
  // Each brings little, so that it takes no task of its own.
  world.when("ingestSmall", async ({ source, cursor }) => {
    const from = Number(cursor ?? 0);
    const batch = `batches/${source.id}/${from}-${from + 1}`;
    return { source: source.id, batch, received: 1, quarantined: 0, isComplete: true };
  });
});
afterAll(() => temporal.stop());

const sources = (count: number) => Array.from({ length: count }, (_, index) => aSource(`s${index + 1}`));
const eventsOf = async (handle: WorkflowHandle): Promise<number> => (await handle.fetchHistory()).events?.length ?? 0;

describe("ingestSources", () => {
  const start = (given: object): Promise<WorkflowHandle<typeof ingestSources>> =>
    temporal.start("ingestSources", `group/${world.name}`, { dataset: world.name, ...given });

  it("reads its sources from the newest cursors and leaves a list of what they brought", async () => {
    world.versions.push({ records: 7, added: 7, cursors: { s2: "7" }, batches: [] });
    const handle = await start({ sources: sources(3), cursors: { s3: "5" } });
    expect(await handle.result()).toEqual({
      key: "gathered/0",
      read: 3,
      failed: 0,
      received: 3,
      failedSources: {},
      unfinished: [],
    });
    expect(world.gathered).toEqual([
      { batches: ["batches/s1/0-1", "batches/s2/7-8", "batches/s3/5-6"], failedSources: {} },
    ]);
    expect(await handle.query(readingQuery)).toMatchObject({ sources: 3, read: 3 });
    await temporal.record(handle, "read");
  });

  it("counts and lists what failed, and does not fail itself", async () => {
    world.when("ingest", async () => {
      throw new TypedFailure("Refused", "no");
    });
    world.when("ingestSmall", async () => null);
    const result = await (await start({ sources: sources(25) })).result();
    expect(result).toMatchObject({ read: 0, failed: 25, received: 0 });
    expect(Object.keys(result.failedSources)).toHaveLength(20);
    expect(Object.keys(world.gathered[0]?.failedSources ?? {})).toHaveLength(25);
  });

  it.each([
    ["nothing", undefined, "InvalidInput: Invalid input: expected object, received undefined"],
    ["no source", { sources: [] }, "InvalidInput: sources: name at least one source"],
  ])("fails at once and names the field when given %s", async (_, given, message) => {
    const whole = given && { dataset: world.name, ...given };
    expect(await failureOf(await temporal.start("ingestSources", `group/${world.name}`, whole))).toBe(message);
  });
});

describe("updateDataset with many sources", () => {
  const start = (given: object): Promise<WorkflowHandle<typeof updateDataset>> =>
    temporal.start("updateDataset", `update/${world.name}`, { dataset: world.name, ...given });

  it("reads them by the hundred, in few events of its own, and commits one version of all", async () => {
    const handle = await start({ sources: sources(205), cursors: { s1: null, s205: "9" } });
    expect(await handle.result()).toMatchObject({ version: 1, added: 205, failed: 0, failedSources: {} });
    expect(await handle.query(readingQuery)).toMatchObject({ sources: 205, read: 205, received: 205 });
    const [commit] = world.requests("commitVersion");
    expect(commit?.batches).toEqual([]);
    expect(commit?.gathered.toSorted()).toEqual(["gathered/0", "gathered/1", "gathered/2"]);
    expect(new Set(world.gathered.map(({ batches }) => batches.length))).toEqual(new Set([100, 5]));
    expect(world.gathered.flatMap(({ batches }) => batches)).toContain("batches/s205/9-10");
    expect(await eventsOf(handle)).toBeLessThan(60);
    await temporal.record(handle, "in-groups");
  });

  it("goes on without sources that fail, and says which they are", async () => {
    world.when("ingest", async () => {
      throw new TypedFailure("Refused", "no");
    });
    const usual = world.behaviours.ingestSmall;
    world.when("ingestSmall", async (request) =>
      ["s7", "s203"].includes(request.source.id) ? null : ((await usual?.(request, async () => null)) ?? null),
    );
    expect(await (await start({ sources: sources(205) })).result()).toMatchObject({
      version: 1,
      added: 203,
      failed: 2,
      failedSources: { s7: "Refused: no", s203: "Refused: no" },
    });
  });

  it("counts a whole group as failed that cannot be listed, with the reason", async () => {
    world.when("gatherBatches", async (request, usual) => {
      if (request.batches.length === 5) throw new TypedFailure("Refused", "access denied");
      return usual();
    });
    const result = await (await start({ sources: sources(205) })).result();
    expect(result).toMatchObject({ version: 1, added: 200, failed: 5 });
    expect(result.failedSources["s201"]).toBe("Refused: access denied");
  });

  it("ends at once when it is cancelled, whatever its sources do, and commits nothing", async () => {
    const door = new Door();
    world.when("ingestSmall", async () => null);
    world.when("ingest", async (_, usual) => {
      await door.pass();
      return usual();
    });
    const handle = await start({ sources: sources(201) });
    await door.reached;
    await handle.cancel();
    expect(await failureOf(handle)).toBe("cancelled");
    await temporal.untilCancelRequested({ workflowId: `${handle.workflowId}/sources/3` });
    await temporal.untilCancelRequested({ workflowId: `${handle.workflowId}/sources/3/s201` });
    door.open();
    expect(world.versions).toEqual([]);
  });
});
