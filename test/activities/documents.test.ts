import { describe, expect, it } from "vitest";
import { z } from "zod";
import { parseLine, readDocument } from "../../activities/documents.ts";
import { failureOf } from "../support/activity.ts";
import { MemoryObjectStore } from "../support/memory-store.ts";

const schema = z.object({ role: z.enum(["user"]), messages: z.array(z.string()) });
const damaged: [string, string][] = [
  ['{"messages": ["secret"', "not JSON"],
  ["secret", "not JSON"],
  ['{"role": "user", "messages": [["secret"]]}', "messages.0: Invalid input: expected string, received array"],
  ['{"role": "secret", "messages": []}', 'role: Invalid input: expected "user"'],
];

/** How code fails, as history keeps it: messages and stacks of the failure and all its causes. */
async function recordOf(run: () => Promise<unknown>): Promise<{ message: string; type: unknown; all: string }> {
  const failure = await failureOf(run);
  const all: string[] = [];
  for (let error: unknown = failure; error instanceof Error; error = error.cause) all.push(String(error.stack));
  return { message: failure.message, type: failure.type, all: all.join("\n") };
}

describe("parseLine", () => {
  it("answers what the line says", () => {
    expect(parseLine(schema, '{"role": "user", "messages": ["x"]}', { key: "k", number: 1 })).toEqual({
      role: "user",
      messages: ["x"],
    });
  });

  it.each(damaged)("names the place of %j, and leaves what it says out of history", async (line, problem) => {
    const failed = await recordOf(async () => parseLine(schema, line, { key: "testsets/x.jsonl", number: 7 }));
    expect(failed).toMatchObject({ type: "InvalidData", message: `testsets/x.jsonl#7: ${problem}` });
    expect(failed.all).not.toContain("secret");
  });
});

describe("readDocument", () => {
  it.each(damaged)("names the object that is %j, and leaves what it says out of history", async (text, problem) => {
    const store = new MemoryObjectStore();
    store.write("registry/games.json", text);
    const failed = await recordOf(() => readDocument(store, "registry/games.json", schema));
    expect(failed).toMatchObject({ type: "InvalidData", message: `registry/games.json: ${problem}` });
    expect(failed.all).not.toContain("secret");
  });
});
