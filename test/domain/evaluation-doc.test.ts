import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { maxReplyBytes } from "../../src/adapters/http-model-endpoint.ts";
import { evaluateSchema } from "../../src/domain/evaluate-schema.ts";
import { predictionSchema } from "../../src/domain/evaluation-schema.ts";
import { pipelineSchema } from "../../src/domain/pipeline-schema.ts";

const text = readFileSync(new URL("../../docs/evaluation.md", import.meta.url), "utf8");
const block = (name: string): string => new RegExp(`^\`\`\`${name}\n(.*?)^\`\`\`$`, "ms").exec(text)?.[1] ?? "";

describe("docs/evaluation.md", () => {
  it("shows a definition that is one", () => {
    const sources = [{ id: "discord", kind: "s3-jsonl", uri: "s3://bucket/discord/" }];
    const definition = { name: "games", sources, recipe: { name: "embedded" }, ...parse(block("yaml definition")) };
    expect(pipelineSchema.parse(definition).evaluate.base?.model).toBe("qwen2.5-7b-instruct");
  });

  it("shows predictions as they are stored", () => {
    const lines = block("json").trimEnd().split("\n");
    expect(lines).toHaveLength(2);
    for (const line of lines) predictionSchema.strict().parse(JSON.parse(line));
  });

  it("names the limits that are there", () => {
    const { concurrency, requestsPerSecond, timeoutSeconds } = evaluateSchema.parse({});
    const limits = Object.fromEntries(
      [...text.matchAll(/^\| `?([\w ]+?)`? +\| ([^|]+?) +\|/gm)].map(([, name, value]) => [name, value]),
    );
    expect(limits).toMatchObject({
      concurrency: String(concurrency),
      requestsPerSecond: requestsPerSecond === null ? "none" : String(requestsPerSecond),
      timeoutSeconds: String(timeoutSeconds),
      "length of a reply": `${maxReplyBytes / 1024} KiB`,
    });
  });
});
