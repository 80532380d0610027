import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { aJob, startTestEmulator } from "../support/emulator.ts";

let emulator: Awaited<ReturnType<typeof startTestEmulator>>;
beforeAll(async () => {
  emulator = await startTestEmulator();
});
afterAll(async () => {
  await emulator.stop();
});

describe("JobQueues", () => {
  it("is made by the first job that names it, is found, changed, sealed and removed", async () => {
    const { jobs, jobQueues } = emulator.client;
    const jobQueue = { name: "training", mode: "PRIORITY", maxConcurrency: 1, idleTimeoutSeconds: 60 } as const;
    const first = await jobs.submit(aJob({ entrypoint: "sleep 60", jobQueue: { ...jobQueue, priority: 1 } }));
    const second = await jobs.submit(aJob({ jobQueue: { existing: "training", priority: 2 } }));
    const [queue, ...others] = await jobQueues.list({ name: "training" });
    expect([queue, others]).toMatchObject([
      { execution_mode: "PRIORITY", max_concurrency: 1, idle_timeout_sec: 60, current_job_queue_state: "ACTIVE" },
      [],
    ]);
    const id = queue?.id ?? "";
    const third = await jobs.submit(aJob({ jobQueue: { existing: { id }, priority: 3 } }));
    expect((await jobs.get(third.id)).job_queue_id).toBe(id);

    await jobs.setQueuePriority(third.id, 0);
    expect(await jobQueues.update(id, { maxConcurrency: 2 })).toMatchObject({
      max_concurrency: 2,
      idle_timeout_sec: 60,
    });
    // It is the third one's turn now: it was moved in front of the second one.
    expect(await jobs.wait(third.id, { pollMs: 10 })).toMatchObject({ outcome: "succeeded" });
    expect(await jobs.wait(second.id, { pollMs: 10 })).toMatchObject({ outcome: "succeeded" });

    await jobQueues.tags.add(id, { team: "ft" });
    expect(await jobQueues.tags.list(id)).toEqual({ team: "ft" });
    await jobQueues.archive(id);
    expect((await jobQueues.list()).map((one) => one.id)).not.toContain(id);
    expect((await jobQueues.get(id)).current_job_queue_state).toBe("SEALED");
    await jobQueues.terminate(id);
    expect(await jobs.wait(first.id, { pollMs: 10 })).toMatchObject({ outcome: "terminated" });
    await jobQueues.delete(id);
    await expect(jobQueues.get(id)).rejects.toMatchObject({ kind: "not-found" });
  });

  it.each([
    ["nothing", {}, "there is nothing to change"],
    ["no job at once", { maxConcurrency: 0 }, "maxConcurrency"],
    ["less than no time", { idleTimeoutSeconds: -1 }, "idleTimeoutSeconds"],
  ])("refuses to change %s", async (_case, change, why) => {
    await expect(emulator.client.jobQueues.update("jq_1", change)).rejects.toMatchObject({
      kind: "invalid",
      status: null,
      message: expect.stringContaining(why),
    });
  });
});
