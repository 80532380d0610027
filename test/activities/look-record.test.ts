import { beforeEach, describe, expect, it } from "vitest";
import { addLook, LookReader, readLooks } from "../../activities/look-record.ts";
import { judgeGates } from "../../src/domain/gates.ts";
import { looksSchema, type Looks } from "../../src/domain/looks-schema.ts";
import { objectKeys } from "../../src/domain/object-keys.ts";
import { observationSchema, rolloutPolicySchema, type Observation } from "../../src/domain/rollout-schema.ts";
import { expectFailure } from "../support/activity.ts";
import { MemoryObjectStore } from "../support/memory-store.ts";

let store: MemoryObjectStore;
beforeEach(() => {
  store = new MemoryObjectStore();
});

const rollout = { pipeline: "games", model: "games-2", runId: "run-1" };
const newest = objectKeys.looks("games", "games-2", "run-1");
const part = (number: number): string => objectKeys.looksPart("games", "games-2", "run-1", number);
const rules = rolloutPolicySchema.parse({});

/** The n-th look, told by the number of its questions. */
function numbered(number: number): Observation {
  const answer = { latencyMs: 100 + (number % 7), score: 1 };
  return {
    at: `look ${number}`,
    challengerPercent: 50,
    probes: Array.from({ length: 8 }, (_, index) => ({
      id: `r${number}-${index}`,
      challenger: answer,
      champion: answer,
    })),
    feedback: { challenger: [], champion: [] },
    feedbackUpTo: null,
  };
}

const add = async (number: number): Promise<Looks> =>
  addLook(store, rollout, await readLooks(store, rollout), { observation: numbered(number), wait: 0, rules });
async function addAll(count: number, from = 1): Promise<void> {
  for (let number = from; number < from + count; number++) await add(number);
}
const kept = (): Looks => looksSchema.parse(JSON.parse(store.text(newest)));
const linesOf = (number: number): Observation[] =>
  store
    .text(part(number))
    .trimEnd()
    .split("\n")
    .map((line) => observationSchema.parse(JSON.parse(line)));

describe("addLook", () => {
  it("puts each hundred looks away in a part that is written once, and knows what all of them said", async () => {
    await addAll(250);
    expect(linesOf(1).map(({ at }) => at)).toEqual(Array.from({ length: 100 }, (_, index) => `look ${index + 1}`));
    expect(linesOf(2).at(-1)?.at).toBe("look 200");
    expect(kept()).toMatchObject({ counts: [250], parts: 2 });
    expect(kept().newest.map(({ at }) => at)).toEqual(Array.from({ length: 50 }, (_, index) => `look ${index + 201}`));
    expect(judgeGates(kept().evidence, rules)[0]?.reason).toContain("0 of 2000 probe questions got no answer");
    expect(store.calls.filter(({ method, key }) => method === "put" && key !== newest)).toEqual([
      { method: "put", key: part(1) },
      { method: "put", key: part(2) },
    ]);
  });

  it("reads and writes no more at the five hundredth look than at the hundredth", async () => {
    await addAll(100);
    const early = store.text(newest).length;
    await addAll(400, 101);
    store.calls.length = 0;
    expect(store.text(newest).length).toBeLessThan(early * 1.1);
    await add(501);
    await add(502);
    expect(store.calls).toEqual([
      { method: "get", key: newest },
      { method: "put", key: part(5) },
      { method: "put", key: newest },
      { method: "get", key: newest },
      { method: "put", key: newest },
    ]);
  });

  it("loses and doubles nothing when the worker is lost between the part and the rest", async () => {
    await addAll(100);
    store.hook = ({ method, key, when }) => {
      if (method === "put" && key === part(1) && when === "after") throw new Error("lost");
    };
    await expect(add(101)).rejects.toThrow("lost");
    store.hook = () => {};
    await add(101);
    expect(kept()).toMatchObject({ counts: [101], parts: 1, newest: [{ at: "look 101" }] });
    expect(linesOf(1)).toHaveLength(100);
  });

  it.each([0, 5])("adds one of two looks that were made at once after %i others", async (before) => {
    await addAll(before);
    const read = await readLooks(store, rollout);
    await add(before + 1);
    const late = { observation: numbered(99), wait: 0, rules };
    await expectFailure(() => addLook(store, rollout, read, late), "Conflict");
    expect(kept().newest.at(-1)?.at).toBe(`look ${before + 1}`);
    expect(kept().counts).toEqual([before + 1]);
  });
});

describe("LookReader", () => {
  it("shows the newest looks over the bounds of parts, and reads each part once", async () => {
    await addAll(250);
    const reader = new LookReader(store);
    const shown = async (most: number): Promise<string[]> =>
      (await reader.newest(rollout, kept(), most)).map(({ at }) => at);
    store.calls.length = 0;
    expect(await shown(120)).toEqual(Array.from({ length: 120 }, (_, index) => `look ${index + 131}`));
    expect(await shown(1000)).toHaveLength(250);
    expect(await shown(1000)).toHaveLength(250);
    expect(store.calls).toEqual([
      { method: "get", key: part(2) },
      { method: "get", key: part(1) },
    ]);
  });

  it("needs no part for what the newest looks show", async () => {
    await addAll(130);
    store.calls.length = 0;
    expect(await new LookReader(store).newest(rollout, kept(), 20)).toHaveLength(20);
    expect(store.calls).toEqual([]);
  });

  it("names a part that is gone", async () => {
    await addAll(101);
    store.objects.delete(part(1));
    const reader = new LookReader(store);
    expect(await expectFailure(() => reader.newest(rollout, kept(), 200), "NotFound")).toContain(part(1));
  });
});
