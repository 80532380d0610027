/** What a pipeline knows of its sources, and what people hear of it. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { TypedFailure } from "../../src/domain/failures.ts";
import { progressSignal } from "../../workflows/reading-messages.ts";
import { aPipelineDefinition, aSource, anUpdateDatasetInput } from "../support/builders.ts";
import { startPipeline, type TestPipeline } from "../support/pipelines.ts";
import { startTestTemporal, type TestTemporal } from "../support/temporal.ts";
import { Door, type World } from "../support/world.ts";

let temporal: TestTemporal;
let world: World;
let pipeline: TestPipeline;

beforeAll(async () => {
  temporal = await startTestTemporal(import.meta.filename);
});
beforeEach(async () => {
  world = temporal.newWorld();
  Object.assign(world.sources, { slack: 10, zendesk: 10 });
  const sources = [aSource("slack"), aSource("zendesk")];
  pipeline = await startPipeline(temporal, aPipelineDefinition({ name: world.name, sources }));
  await pipeline.state();
});
afterEach(() => temporal.endAll());
afterAll(() => temporal.stop());

/** Lets a source fail, or none. */
function breakSource(broken: string | null): void {
  world.when("ingest", async ({ source }, usual) => {
    if (source.id === broken) throw new TypedFailure("Refused", "invalid_auth");
    return usual();
  });
}

/** Tells the pipeline of news and waits until it has read its sources. */
async function readSources(news: string): Promise<void> {
  const { updatesStarted } = await pipeline.state();
  await pipeline.tellNews(news);
  await pipeline.until((state) => expect([state.updatesStarted, state.update]).toEqual([updatesStarted + 1, null]));
}

const alerts = () => world.alerts.map(({ severity, title }) => `${severity}: ${title}`);

describe("a source that fails", () => {
  it("is told once, shown until it is well, and told again when it fails again", async () => {
    breakSource("zendesk");
    const warning = `warning: ${world.name}: a source could not be read: zendesk`;
    await readSources("a");
    await vi.waitFor(() => expect(alerts()).toEqual([warning]), 30_000);
    expect(world.alerts[0]?.text[0]).toBe("zendesk: Refused: invalid_auth");
    expect((await pipeline.state()).failedSources).toEqual({ zendesk: "Refused: invalid_auth" });
    await readSources("b");
    breakSource(null);
    await readSources("c");
    expect((await pipeline.state()).failedSources).toEqual({});
    breakSource("zendesk");
    await readSources("d");
    await vi.waitFor(() => expect(alerts()).toEqual([warning, warning]), 30_000);
    await temporal.record(pipeline.handle, "source-failed");
  });

  it("is told and shown too when somebody else made the version without it", async () => {
    breakSource("slack");
    const input = anUpdateDatasetInput({ dataset: world.name, sources: [aSource("slack"), aSource("zendesk")] });
    await (await temporal.start("updateDataset", `update/${world.name}`, input)).result();
    await pipeline.until(({ failedSources }) => expect(failedSources).toEqual({ slack: "Refused: invalid_auth" }));
    await vi.waitFor(() => expect(alerts()).toEqual([expect.stringMatching(/could not be read: slack$/)]), 30_000);
  });
});

describe("a source that has more than it could deliver in time", () => {
  it("is read on at once", async () => {
    let passes = 0;
    world.when("ingest", async (_, usual) => ({ ...(await usual()), isComplete: ++passes > 2 }));
    await pipeline.tellNews("a");
    const { updateWanted } = await pipeline.until(({ updatesStarted, update }) => {
      expect([updatesStarted, update]).toEqual([2, null]);
    });
    expect(updateWanted).toBe(false);
    await temporal.record(pipeline.handle, "read-on");
  });
});

describe("an update that takes long", () => {
  it("shows in the pipeline's state how far it is, source by source", async () => {
    const door = new Door();
    world.when("ingest", async ({ source }, usual) => {
      if (source.id === "slack") await door.pass();
      return usual();
    });
    await pipeline.tellNews("a");
    await door.reached;
    const update = temporal.client.workflow.getHandle(`pipeline/${world.name}/update-1`);
    const slack = { received: 500, perSecond: 25, etaSeconds: 90 };
    const { reading, status } = await pipeline.until(async (state) => {
      // As its worker does, every now and then.
      if (state.reading === null) await update.signal(progressSignal, { slack });
      expect(state.reading).not.toBeNull();
    });
    expect(reading).toMatchObject({ sources: 2, read: 1, perSource: { slack } });
    expect(status).toBe(`Reading the sources (${update.workflowId}): 1 of 2 sources read; 510 items.`);
    door.open();
    await pipeline.until((state) => expect([state.update, state.reading]).toEqual([null, null]));
    await temporal.record(update, "told-its-pipeline");
  });
});
