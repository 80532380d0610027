import { describe, expect, it } from "vitest";
import { createReportActivities } from "../../activities/reports.ts";
import { createMetricCatalog } from "../../src/adapters/metrics/catalog.ts";
import { emptyReport } from "../../src/domain/cycle.ts";
import { TypedFailure } from "../../src/domain/failures.ts";
import { objectKeys } from "../../src/domain/object-keys.ts";
import type { TestRecord } from "../../src/domain/evaluation-schema.ts";
import { reportSchema, type CycleReport, type Report } from "../../src/domain/report-schema.ts";
import { createReportRenderer } from "../../src/report/index.ts";
import { failureOf, inActivity } from "../support/activity.ts";
import { labelled, storeCycle } from "../support/decided-cycle.ts";
import { MemoryObjectStore } from "../support/memory-store.ts";

const right = ({ expected }: TestRecord): string => expected;
const wrong = ({ expected }: TestRecord): string => (expected === "happy" ? "sad" : "happy");
/** Wrong for so many of ten. */
const oftenWrong = (times: number) => (record: TestRecord, index: number) =>
  index % 10 < times ? wrong(record) : right(record);

const activities = (store: MemoryObjectStore) =>
  createReportActivities({
    store,
    metrics: createMetricCatalog([]),
    reports: createReportRenderer(),
    temporalUi: "http://127.0.0.1:8233",
  });

async function written(store: MemoryObjectStore, cycle: CycleReport): Promise<Report> {
  await inActivity(() => activities(store).writeReport(cycle));
  return reportSchema.parse(JSON.parse(store.text(`reports/${cycle.cycle}/report.json`)));
}

describe("writeReport", () => {
  it("writes JSON, Markdown and a page, and the same on a repeat", async () => {
    const store = new MemoryObjectStore();
    const cycle = await storeCycle(store, {
      records: labelled(300),
      answers: { champion: oftenWrong(4), challenger: oftenWrong(1) },
    });
    const answer = await inActivity(() => activities(store).writeReport(cycle));
    expect(answer).toEqual({
      key: "reports/games-3/index.html",
      uri: store.uri("reports/games-3/index.html"),
    });
    expect(store.text("reports/games-3/index.html")).toMatch(/^<!doctype html>/);
    expect(store.text("reports/games-3/report.md")).toMatch(/^# games: cycle games-3/);
    const objects = new Map([...store.objects].map(([key, { etag }]) => [key, etag]));
    await inActivity(() => activities(store).writeReport(cycle));
    expect(new Map([...store.objects].map(([key, { etag }]) => [key, etag]))).toEqual(objects);
  });

  it("names the checkpoint that answers for the challenger", async () => {
    const store = new MemoryObjectStore();
    const cycle = await storeCycle(store, { records: labelled(60), answers: { challenger: oftenWrong(1) } });
    const candidates = [
      { checkpoint: "step-4", value: 0.9, evaluation: "a" },
      { checkpoint: "final", value: 0.8, evaluation: "b" },
    ];
    const choice = { format: 1, checkpoint: "step-4", metric: "accuracy", candidates };
    store.write(objectKeys.checkpointChoice("games", "games-3"), JSON.stringify(choice));
    const { training } = await written(store, cycle);
    expect(training?.chosen).toEqual({ name: "step-4", step: null, metric: "accuracy", value: 0.9, candidates: 2 });
    const said =
      "Checkpoint step-4 answers for games-3: 90.0 % by accuracy on the validation split, the best of 2 models.";
    expect(store.text("reports/games-3/report.md")).toContain(said);
    expect(store.text("reports/games-3/index.html").replaceAll("\u00a0", " ")).toContain(said);
  });

  it("gathers all that the bucket knows of the cycle", async () => {
    const store = new MemoryObjectStore();
    const answers = { base: wrong, champion: oftenWrong(4), challenger: oftenWrong(1) };
    const report = await written(store, await storeCycle(store, { records: labelled(300), answers }));

    expect(report.headline[1]).toMatch(
      /games-3 scores 88\.9 % and games-2 55\.6 % on the same 270 questions: \+33\.3 points, and with 95 % confidence/,
    );
    const [primary, guard] = report.metrics;
    expect(primary).toMatchObject({
      metric: "accuracy",
      subset: "test",
      role: "primary",
      threshold: 0.01,
      total: 270,
      arms: { base: { value: 0 }, champion: { value: 150 / 270 }, challenger: { value: 240 / 270 } },
      changed: { gained: 90, lost: 0 },
    });
    expect(primary?.arms.base?.interval?.lower).toBeCloseTo(0, 10);
    expect(guard).toMatchObject({
      metric: "macro_f1",
      role: "guard",
      threshold: -0.05,
      difference: { confidence: 0.9 },
    });
    const subsets = new Set(report.metrics.map(({ subset }) => subset));
    expect([...subsets]).toEqual(["test", "retention", "source=twitch", "source=discord"]);
    expect(report.beyondChance?.looked).toBe(report.metrics.filter(({ difference }) => difference !== null).length);
    expect(report.tables.map(({ arm }) => arm)).toEqual(expect.arrayContaining(["champion", "challenger"]));
    expect(report.changes).toMatchObject({ better: 90, worse: 0, instructions: { text: "Name the mood." } });
    expect(report.changes?.shown[0]).toMatchObject({
      direction: "better",
      metrics: { accuracy: "better" },
      question: [{ role: "user" }],
    });
    expect(report.training).toMatchObject({ recipe: "embedded", task: "labels", chosen: null });
    expect(report.training?.loss.length).toBeLessThanOrEqual(500);
    expect(report.training?.loss.at(-1)).toEqual({ step: 1200, loss: 1 / 1200 });
    expect(report.data).toMatchObject({
      sources: [
        { source: "zendesk", failure: "Refused: no" },
        { source: "discord", received: 130, accepted: 124, duplicates: 5, quarantined: 1 },
      ],
      quarantine: [{ reason: "not JSON", items: 1, example: "discord.jsonl#3" }],
      quarantineUnknown: 0,
    });
    expect(report.lineage.map(({ what }) => what)).toEqual([
      "dataset version",
      "test set",
      "training job",
      "model version",
      "evaluation",
      "evaluation",
      "evaluation",
      "decision",
    ]);
    expect(report.links.workflow).toMatch(
      /^http:\/\/127\.0\.0\.1:8233\/namespaces\/.+\/workflows\/retrain%2Fgames%2F3/,
    );
    expect(report.unknown).toEqual([]);
  });

  it("carries the learning curve on from cycle to cycle, on one test set", async () => {
    const store = new MemoryObjectStore();
    const records = labelled(60);
    for (const [cycle, times] of [
      [1, 5],
      [2, 3],
    ] as const) {
      await written(
        store,
        await storeCycle(store, { records, cycle, answers: { champion: right, challenger: oftenWrong(times) } }),
      );
    }
    const third = await storeCycle(store, { records, answers: { champion: right, challenger: oftenWrong(1) } });
    const { learningCurve } = await written(store, third);
    expect(learningCurve.map(({ cycle, trainedRecords }) => [cycle, trainedRecords])).toEqual([
      ["games-1", 1000],
      ["games-2", 2000],
      ["games-3", 3000],
    ]);
    const other = await storeCycle(store, {
      records: labelled(61),
      cycle: 4,
      answers: { champion: right, challenger: right },
    });
    expect((await written(store, other)).learningCurve.map(({ cycle }) => cycle)).toEqual(["games-4"]);
  });

  it("reports what is known of a cycle that failed before anything was trained", async () => {
    const store = new MemoryObjectStore();
    const cycle = emptyReport({
      cycle: "games-1",
      pipeline: "games",
      workflowId: "retrain/games/1",
      startedAt: "2026-01-01T00:00:00Z",
      datasetVersion: "games@1",
      recordsPerSource: { discord: 3 },
      champion: null,
    });
    const report = await written(store, { ...cycle, failure: "InvalidData: too few records" });
    expect(report.headline[0]).toBe("The cycle failed; there is no champion yet.");
    expect(report.unknown).toEqual([
      { what: "the dataset version", reason: expect.stringContaining("no such object") },
    ]);
    expect(report).toMatchObject({ metrics: [], changes: null, data: null, training: null });
    expect(store.text("reports/games-1/index.html")).toContain("InvalidData: too few records");
  });

  it("has a report of a first champion, with nobody to compare it with", async () => {
    const store = new MemoryObjectStore();
    const cycle = await storeCycle(store, { records: labelled(300), answers: { challenger: oftenWrong(1) } });
    const report = await written(store, { ...cycle, champion: null });
    expect(report.headline[1]).toMatch(
      /games-3 scores 88\.9 % on 270 questions, .+; a first champion needs more than 40\.0 %\.$/,
    );
    expect(report.changes).toBeNull();
    expect(report.metrics[0]?.difference).toBeNull();
  });

  it("counts a question without an answer as wrong, and says what the answered ones come to", async () => {
    const store = new MemoryObjectStore();
    const silent = (record: TestRecord, index: number) => (index % 10 === 0 ? null : right(record));
    const cycle = await storeCycle(store, { records: labelled(300), answers: { champion: right, challenger: silent } });
    const report = await written(store, cycle);
    expect(report.metrics[0]?.arms.challenger).toMatchObject({ value: 240 / 270, ofAnswered: 1 });
    expect(report.arms.map(({ name, asked, failed }) => [name, asked, failed])).toEqual([
      ["champion", 300, 0],
      ["challenger", 300, 30],
    ]);
    expect(report.changes?.shown[0]?.challenger).toEqual({ answer: null, error: "timeout" });
    expect(store.text("reports/games-3/index.html")).toContain("Of the answered questions alone: challenger 100.0 %.");
  });

  it("says what is damaged and goes on without it", async () => {
    const store = new MemoryObjectStore();
    const cycle = await storeCycle(store, { records: labelled(60), answers: { champion: right, challenger: right } });
    await store.put("models/games/games-3/model.json", "{");
    for (const key of store.objects.keys()) if (key.startsWith("evaluations/")) store.objects.delete(key);
    const report = await written(store, cycle);
    expect(report.unknown.map(({ what }) => what)).toEqual(["the trained model", "the answers"]);
    expect(report.data?.sources).toHaveLength(2);
  });

  it("waits for an outage to pass, and in the end goes on without what cannot be read", async () => {
    const store = new MemoryObjectStore();
    const cycle = await storeCycle(store, { records: labelled(60), answers: { champion: right, challenger: right } });
    store.hook = ({ method, key }) => {
      if (method === "get" && key.endsWith("model.json")) throw new TypedFailure("Unavailable", "S3 is down");
    };
    const failure = await failureOf(() => activities(store).writeReport(cycle), { attempt: 1 });
    expect(failure.type).toBe("Unavailable");
    await inActivity(() => activities(store).writeReport(cycle), { attempt: 5 });
    const report = reportSchema.parse(JSON.parse(store.text("reports/games-3/report.json")));
    expect(report.unknown.map(({ what }) => what)).toEqual(["the trained model", "hashes"]);
  });

  it("stays small and quick with 10,000 records and answers of a megabyte", async () => {
    const store = new MemoryObjectStore();
    const long = "<b>&\"'".repeat(170_000);
    const cycle = await storeCycle(store, {
      records: labelled(10_000),
      pack: { pack: "exact-match", primary: "exact_match" },
      answers: {
        champion: right,
        challenger: (record, index) => (index % 1000 === 0 ? long : oftenWrong(5)(record, index)),
      },
    });
    const report = await written(store, cycle);
    expect(report.changes?.worse).toBe(5000);
    expect(report.changes?.shown.length).toBeGreaterThan(100);
    expect(Buffer.byteLength(store.text("reports/games-3/index.html"))).toBeLessThan(2_000_000);
    expect(Buffer.byteLength(store.text("reports/games-3/report.json"))).toBeLessThan(2_000_000);
  });
});
