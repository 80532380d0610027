/** What workflows leave behind that were terminated instead of cancelled, and who ends it. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { serviceName } from "../../src/domain/ids.ts";
import { waitFor } from "../../src/dev/wait.ts";
import { janitorScheduleId } from "../../src/temporal/janitor-schedule.ts";
import { workflowIds } from "../../workflows/names.ts";
import {
  aPipeline,
  askService,
  createdJobs,
  feed,
  giveTestSet,
  jobProcess,
  pendingActivity,
  readRegistry,
  sampleLines,
  startLoop,
  type Loop,
} from "../support/loop.ts";

let loop: Loop;

beforeAll(async () => {
  loop = await startLoop();
  await giveTestSet(loop);
});

afterAll(() => loop.stop());

const terminate = async (workflowId: string): Promise<void> => {
  const reason = ["--reason", "somebody was in a hurry"];
  expect(await loop.temporal("workflow", "terminate", "--workflow-id", workflowId, ...reason)).toMatchObject({
    code: 0,
  });
};
const run = (...args: string[]) => loop.tuneloop("janitor", "run", "--grace", "1", ...args);

describe("the janitor", () => {
  it("ends a job whose workflow was terminated, after it was only said in a dry run", async () => {
    const name = "left";
    const { cycle } = await feed(loop, aPipeline(loop, { name }), 1, sampleLines({ seed: 1, count: 60 }));
    (await jobProcess(loop, name, 1)).hold();
    const training = workflowIds.child(cycle.workflowId, "fine-tune");
    await pendingActivity(loop, training, "awaitJob");
    await terminate(training);
    await expect(cycle.result()).rejects.toThrow();
    const id = (await createdJobs(loop, name, 1))[0] ?? "";
    const state = async (): Promise<string> => (await loop.emulator.client.jobs.get(id)).state.current_state;

    const said = await waitFor(
      async () => {
        const dry = await run("--dry-run");
        if (!dry.stdout.includes(id)) throw new Error(dry.stdout + dry.stderr);
        return dry.stdout;
      },
      { timeoutMs: 30_000 },
    );
    expect(said).toContain(`(${id}): its workflow ${training} is terminated`);
    expect(await state()).toBe("RUNNING");
    expect(await run()).toMatchObject({ code: 0, stdout: expect.stringContaining(id) });
    await waitFor(
      async () => {
        if ((await state()) !== "TERMINATED") throw new Error(await state());
      },
      { timeoutMs: 30_000 },
    );
    expect(await run()).toMatchObject({ code: 0, stdout: expect.stringMatching(/^There is nothing to end: /) });
  });

  it("takes down a challenger whose cycle was terminated, and leaves the champion alone", async () => {
    const name = "stray";
    const asking = { floor: 0, guards: [], approval: { deadlineSeconds: 3600 } };
    const first = aPipeline(loop, { name });
    await (await feed(loop, first, 1, sampleLines({ seed: 1, count: 60 }))).cycle.result();
    const second = aPipeline(loop, { name, decide: asking });
    const { cycle } = await feed(loop, second, 2, sampleLines({ seed: 2, count: 240 }));
    await waitFor(
      async () => {
        const { searchAttributes } = await cycle.describe();
        const stage = searchAttributes["TuneloopStage"]?.[0];
        if (stage !== "approve") throw new Error(`it is at ${String(stage)}`);
      },
      { timeoutMs: 60_000 },
    );
    await terminate(cycle.workflowId);
    const service = () => loop.emulator.client.services.find(serviceName(name));
    expect((await service())?.canary_version?.version).toBe("stray-2");
    await waitFor(
      async () => {
        await run();
        if ((await service())?.canary_version) throw new Error("it is still up");
      },
      { timeoutMs: 60_000 },
    );
    expect(await askService(loop, name)).toBe("stray-1");
    expect(await readRegistry(loop, name)).toMatchObject({ champion: "stray-1", challenger: null });
  });

  it("is started by a schedule that a worker makes, and that people can change and pause", async () => {
    const handle = loop.client.schedule.getHandle(janitorScheduleId);
    expect((await handle.describe()).spec.intervals).toMatchObject([{ every: 120_000 }]);
    expect(await loop.tuneloop("janitor", "pause", "--reason", "migration")).toMatchObject({ code: 0 });
    expect((await handle.describe()).state).toMatchObject({ paused: true, note: "migration" });
    expect(await loop.tuneloop("janitor", "schedule", "--every", "600")).toMatchObject({ code: 0 });
    const { spec, state } = await handle.describe();
    expect([spec.intervals, state.paused]).toMatchObject([[{ every: 600_000 }], false]);
    expect(await loop.tuneloop("janitor", "schedule", "--every", "soon")).toMatchObject({ code: 2 });
  });
});
