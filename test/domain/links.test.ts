import { describe, expect, it } from "vitest";
import { workflowPage } from "../../src/domain/links.ts";

describe("workflowPage", () => {
  const run = { namespace: "default", workflowId: "retrain/games/12", runId: "0199-a" };

  it("leads to the run in Temporal's web UI, with the id as one part of the path", () => {
    const page = "https://temporal.example/namespaces/default/workflows/retrain%2Fgames%2F12/0199-a/history";
    expect(workflowPage("https://temporal.example", run)).toBe(page);
  });

  it("is null without the UI's address", () => {
    expect(workflowPage(null, run)).toBeNull();
  });
});
