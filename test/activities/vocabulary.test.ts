import { describe, expect, it } from "vitest";
import { objectKeys } from "../../src/domain/object-keys.ts";
import { exampleListSchema, type TestSet } from "../../src/domain/evaluation-schema.ts";
import type { Split } from "../../src/domain/pipeline-schema.ts";
import { expectFailure, inActivity } from "../support/activity.ts";
import { aBatch, commit, datasetActivities, readManifest } from "../support/datasets.ts";
import { aChat, aSourceItem, fakeSource, sha256 } from "../support/fake-ports.ts";
import { aTestRecord } from "../support/builders.ts";
import { MemoryObjectStore } from "../support/memory-store.ts";

/** A store with one version, whose answers are these. */
async function storeWith(answers: string[], split: Split = { valid: 0, test: 0 }): Promise<MemoryObjectStore> {
  const store = new MemoryObjectStore();
  const items = answers.map((answer, index) => aSourceItem(`${index}`, aChat(`question ${index}`, answer)));
  await commit(store, [(await aBatch(store, items, { split })).batch]);
  return store;
}
/** A test set of these questions; of one that nobody asks by default. */
function testSetOf(store: MemoryObjectStore, questions = ["never asked"]): TestSet {
  const lines = questions.map((content, index) => {
    return `${JSON.stringify(aTestRecord(`t${index}`, { question: [{ role: "user", content }] }))}\n`;
  });
  const body = lines.join("");
  const key = objectKeys.testSet("games", sha256(body));
  store.write(key, body);
  return { key, sha256: sha256(body), records: questions.length };
}
const learn = (store: MemoryObjectStore) => () =>
  datasetActivities(store, fakeSource([])).readTraining({
    dataset: "games",
    version: 1,
    testSet: testSetOf(store),
    ...noExamples,
  });
const noExamples = { fewShot: 0, seed: 42 };
const key = objectKeys.vocabulary("games", 1);

describe("readTraining", () => {
  it("writes every name of the training answers once, in order, and learns nothing from other answers", async () => {
    const store = await storeWith([
      "request(name[x])",
      "inform(name[x], genre[y])",
      "I do not know.",
      "inform(name[z\u2028\u2029])",
    ]);
    expect(await inActivity(learn(store))).toEqual({ vocabulary: key, leaked: 0, examples: null });
    expect(JSON.parse(store.text(key))).toEqual({
      functions: ["inform", "request"],
      attributeTypes: ["genre", "name"],
    });
  });

  it("counts the training records that ask a question of the test set", async () => {
    const store = await storeWith(["inform(name[x])", "inform(name[y])", "inform(name[z])"]);
    const testSet = testSetOf(store, ["question 0", "question 2", "question 7"]);
    const activities = datasetActivities(store, fakeSource([]));
    const read = () => activities.readTraining({ dataset: "games", version: 1, testSet, ...noExamples });
    expect(await inActivity(read)).toEqual({ vocabulary: key, leaked: 2, examples: null });
  });

  it("does not look at test and validation records", async () => {
    const names = Array.from({ length: 200 }, (_, index) => `fn_${index}(name[x])`);
    const store = await storeWith(names, { valid: 0.2, test: 0.2 });
    await inActivity(learn(store));
    const { functions } = JSON.parse(store.text(key));
    expect(functions).toHaveLength(readManifest(store, 1).records.train);
    expect(functions.length).toBeLessThan(200);
  });

  it("answers the same on a repeat, which reads every training record again and finds one that is damaged", async () => {
    const store = await storeWith(["inform(name[x])"]);
    await inActivity(learn(store));
    const before = new Map(store.objects);
    expect(await inActivity(learn(store))).toEqual({ vocabulary: key, leaked: 0, examples: null });
    expect([...store.objects].map(([name, { etag }]) => [name, etag])).toEqual(
      [...before].map(([name, { etag }]) => [name, etag]),
    );
    store.write(readManifest(store, 1).parts[0]?.key ?? "", "damaged");
    await expectFailure(learn(store), "CorruptObject");
  });

  it("fails and writes nothing when a part or the version is not what it was", async () => {
    const store = await storeWith(["inform(name[x])"]);
    store.write(readManifest(store, 1).parts[0]?.key ?? "", "damaged");
    await expectFailure(learn(store), "CorruptObject");
    expect(store.objects.has(key)).toBe(false);
    await expectFailure(learn(new MemoryObjectStore()), "NotFound");
  });

  describe("with examples", () => {
    const answers = Array.from({ length: 30 }, (_, index) => `inform(name[${index}])`);
    const draw = async (store: MemoryObjectStore, seed: number, tested = ["never asked"], fewShot = 3) => {
      const testSet = testSetOf(store, tested);
      const activities = datasetActivities(store, fakeSource([]));
      const request = { dataset: "games", version: 1, testSet, fewShot, seed };
      const { examples } = await inActivity(() => activities.readTraining(request));
      if (examples === null) throw new Error("no examples");
      const drawn = exampleListSchema.parse(JSON.parse(store.text(examples.key)));
      return { examples, questions: drawn.map(({ question }) => question[0]?.content ?? "") };
    };

    it("draws the same by the same seed, whatever the order of the records, and others by another", async () => {
      const one = await draw(await storeWith(answers), 1);
      expect(one.examples).toMatchObject({ count: 3, key: objectKeys.examples("games", one.examples.sha256) });
      const store = new MemoryObjectStore();
      const items = answers.map((answer, index) => aSourceItem(`${index}`, aChat(`question ${index}`, answer)));
      await commit(store, [(await aBatch(store, items.toReversed(), { split: { valid: 0, test: 0 } })).batch]);
      expect(await draw(store, 1)).toEqual(one);
      expect((await draw(store, 2)).questions).not.toEqual(one.questions);
    });

    it("shows no question of the test set, and as many as there are where there are too few", async () => {
      const store = await storeWith(answers.slice(0, 4));
      const { examples, questions } = await draw(store, 1, ["question 1", "question 3"], 32);
      expect(questions.toSorted()).toEqual(["question 0", "question 2"]);
      expect(examples.count).toBe(2);
    });

    it("takes them from the training split only", async () => {
      const store = await storeWith(answers, { valid: 0.3, test: 0.3 });
      const { questions } = await draw(store, 1, undefined, 32);
      expect(questions).toHaveLength(readManifest(store, 1).records.train);
    });
  });
});
