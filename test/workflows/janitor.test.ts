import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { TypedFailure } from "../../src/domain/failures.ts";
import type { Orphan } from "../../src/domain/janitor-schema.ts";
import type { janitor } from "../../workflows/janitor.ts";
import { failureOf, startTestTemporal, type TestTemporal } from "../support/temporal.ts";
import type { World } from "../support/world.ts";

let temporal: TestTemporal;
let world: World;

beforeAll(async () => {
  temporal = await startTestTemporal(import.meta.filename);
});
beforeEach(() => {
  world = temporal.newWorld();
});
afterAll(() => temporal.stop());

const orphans: Orphan[] = ["job-1", "job-2"].map((id) => ({
  kind: "job",
  id,
  name: `train-${id}`,
  pipeline: "games",
  model: `games-${id.slice(-1)}`,
  why: "its workflow is terminated",
}));
const start = (input: object) => temporal.start<typeof janitor>("janitor", `janitor/${world.name}`, input);

describe("janitor", () => {
  it("ends what it finds, and tells people what", async () => {
    world.when("findOrphans", async () => ({ orphans, unreadable: [] }));
    const handle = await start({});
    expect(await handle.result()).toEqual({ dryRun: false, orphans, failed: [] });
    expect(world.requests("endOrphan")).toEqual(orphans);
    await vi.waitFor(() => expect(world.alerts.map(({ kind }) => kind)).toEqual(["reaped"]));
    expect(world.alerts[0]?.text).toContain("job train-job-1 (job-1): its workflow is terminated");
    await temporal.record(handle, "ended");
  });

  it("ends nothing in a dry run, and tells nobody but who asked", async () => {
    world.when("findOrphans", async () => ({ orphans, unreadable: [] }));
    const handle = await start({ dryRun: true });
    expect(await handle.result()).toEqual({ dryRun: true, orphans, failed: [] });
    expect(world.requests("endOrphan")).toEqual([]);
    expect(world.alerts).toEqual([]);
    await temporal.record(handle, "dry-run");
  });

  it("goes on with the others when one cannot be ended, and says which", async () => {
    world.when("findOrphans", async () => ({ orphans, unreadable: [] }));
    world.when("endOrphan", async (orphan, usual) => {
      if (orphan.kind === "job" && orphan.id === "job-1") throw new TypedFailure("Refused", "403");
      return usual();
    });
    const { failed } = await (await start({})).result();
    expect(failed).toEqual([
      "job train-job-1 (job-1): its workflow is terminated; it could not be ended: Refused: 403",
    ]);
    await vi.waitFor(() =>
      expect(world.alerts[0]?.title).toBe(
        "The janitor has ended one thing that nobody waited for, and could not end 1",
      ),
    );
  });

  it("does nothing where there is nothing", async () => {
    expect(await (await start({})).result()).toMatchObject({ orphans: [] });
    expect(world.alerts).toEqual([]);
  });

  it("fails at once and names the field that is wrong", async () => {
    expect(await failureOf(await start({ graceSeconds: -1 }))).toContain("InvalidInput: graceSeconds: ");
  });
});
