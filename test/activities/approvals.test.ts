import { beforeEach, describe, expect, it } from "vitest";
import { createApprovalActivities } from "../../activities/approvals.ts";
import { approvalRecordSchema } from "../../src/domain/approval-schema.ts";
import { expectFailure, inActivity } from "../support/activity.ts";
import { MemoryObjectStore } from "../support/memory-store.ts";

const key = "decisions/games-2.approval.json";
const decision = { key: "decisions/games-2.json", sha256: "d0".repeat(32) };
const other = { ...decision, sha256: "0d".repeat(32) };
const at = "2026-01-01T00:00:00.000Z";
const given = {
  pipeline: "games",
  cycle: "games-2",
  answer: "approved",
  by: "ana",
  reason: "looks right",
  at,
} as const;

let store: MemoryObjectStore;
let activities: ReturnType<typeof createApprovalActivities>;
beforeEach(() => {
  store = new MemoryObjectStore();
  activities = createApprovalActivities({ store });
});

const record = (of = decision, overrides: object = {}) =>
  inActivity(() => activities.recordApproval({ ...given, outcome: "promote", ...overrides, decision: of }));
const read = (of = decision) => inActivity(() => activities.readApproval({ cycle: "games-2", decision: of }));

describe("recordApproval", () => {
  it("writes down who answered what of which record, and nothing else of that", async () => {
    const noisy = { ...decision, outcome: "promote", reasons: ["a long story"] };
    const written = await record(noisy);
    expect(written).toEqual({ format: 1, ...given, outcome: "promote", decision });
    expect(approvalRecordSchema.parse(JSON.parse(store.text(key)))).toEqual(written);
  });

  it("answers the first answer to every later one, and writes over nothing", async () => {
    const first = await record();
    const text = store.text(key);
    expect(await record(decision, { answer: "rejected", by: "bob", outcome: "keep" })).toEqual(first);
    expect(store.text(key)).toBe(text);
  });

  it("has its own answer when the answer to its write is lost", async () => {
    store.hook = ({ method, when }) => {
      if (method === "put" && when === "after") throw new Error("socket hang up");
    };
    await expect(record()).rejects.toThrow("socket hang up");
    store.hook = () => {};
    expect(await record()).toMatchObject({ answer: "approved", by: "ana" });
  });

  it("refuses an answer where another record has had one", async () => {
    await record(other);
    expect(await expectFailure(() => record(), "InvalidInput")).toContain("answers for another record than");
  });
});

describe("readApproval", () => {
  it("finds the answer that there is, and none where there is none", async () => {
    expect(await read()).toBeNull();
    const written = await record();
    expect(await read()).toEqual(written);
  });

  it("refuses the answer to another record, and one that is damaged", async () => {
    await record(other);
    await expectFailure(() => read(), "InvalidInput");
    store.write(key, "{");
    await expectFailure(() => read(), "InvalidData");
  });
});
