/** On the VIGGO data set, which is not part of the project: skipped where it does not lie beside it. */
import { existsSync, readFileSync } from "node:fs";
import { describe, it } from "vitest";
import { pairOf } from "../../src/recipes/embedded/learn.ts";
import type { TextPair } from "../../src/recipes/embedded/learn.ts";
import { seededRandom, shuffledOrder } from "../../src/recipes/embedded/random.ts";
import { describeContests } from "../support/contest-tests.ts";

const data = new URL("../../../shared/data/viggo/", import.meta.url).pathname;

function read(file: string): TextPair[] {
  const lines = readFileSync(`${data}${file}.jsonl`, "utf8").trimEnd().split("\n");
  return lines.flatMap((line) => pairOf(JSON.parse(line).messages) ?? []);
}

if (existsSync(`${data}train.jsonl`) && existsSync(`${data}valid.jsonl`)) {
  describeContests({
    name: "VIGGO",
    primary: "accuracy_output_fn",
    train(seed, count) {
      const pairs = read("train");
      const order = shuffledOrder(pairs.length, seededRandom(seed)).slice(0, count);
      return Array.from(order, (at) => pairs[at] ?? { input: "", output: "" });
    },
    test: () => read("valid").slice(0, 400),
  });
} else {
  process.stderr.write("skipped: no VIGGO data beside the project, so models are compared on generated data only\n");
  describe.skip("decide on VIGGO", () => it("needs the data beside the project", () => {}));
}
