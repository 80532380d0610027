import { describe, expect, it } from "vitest";
import { givenSubsets, subsetsOf } from "../../src/domain/subsets.ts";
import { aTestRecord } from "../support/answers.ts";

describe("subsetsOf", () => {
  const record = aTestRecord({
    id: "a",
    expected: "x",
    author: "9f",
    group: "g1",
    labels: { platform: "ps5", rank: 3 },
  });

  it.each([
    [[], ["test"]],
    [
      ["source", "labels.platform"],
      ["test", "source=slack", "labels.platform=ps5"],
    ],
    [
      ["author", "group", "labels.rank"],
      ["test", "author=9f", "group=g1", "labels.rank=3"],
    ],
    [["labels.nothing", "labels.constructor"], ["test"]],
  ])("of a record by %j are %j", (slices, subsets) => {
    expect(subsetsOf(record, slices)).toEqual(subsets);
  });

  it("of an old skill are that alone", () => {
    expect(subsetsOf({ ...record, set: "retention" }, ["source"])).toEqual(["retention"]);
  });

  it("leave out fields that a record does not have", () => {
    expect(subsetsOf({ ...record, source: null, author: null }, ["source", "author"])).toEqual(["test"]);
  });
});

describe("givenSubsets", () => {
  const counts = new Map([
    ["test", 1000],
    ["labels.p=a", 500],
    ["labels.p=b", 20],
    ["labels.p=c", 19],
    ["labels.p=d", 1],
    ["labels.platform=a", 3],
  ]);

  it("have at least 20 records, and the number of the others is said", () => {
    expect(givenSubsets(counts, ["labels.p", "labels.platform", "source"])).toEqual({
      subsets: ["test", "labels.p=a", "labels.p=b"],
      leftOut: { "labels.p": 2, "labels.platform": 1 },
    });
  });

  it("have fewer where a decision rests on them", () => {
    const { subsets, leftOut } = givenSubsets(counts, ["labels.p"], ["labels.p=d", "labels.p=z"]);
    expect(subsets).toEqual(["test", "labels.p=a", "labels.p=b", "labels.p=d"]);
    expect(leftOut).toEqual({ "labels.p": 1 });
  });

  it("are those of at most 50 values of a field, the most frequent ones", () => {
    const many = new Map(Array.from({ length: 60 }, (_, index) => [`source=${index}`, 100 + index] as const));
    const { subsets, leftOut } = givenSubsets(many, ["source"]);
    expect(subsets).toHaveLength(50);
    expect([subsets[0], subsets.at(-1)]).toEqual(["source=59", "source=10"]);
    expect(leftOut).toEqual({ source: 10 });
  });
});
