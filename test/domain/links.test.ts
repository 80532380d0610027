import { describe, expect, it } from "vitest";
import { workflowPage } from "../../src/domain/links.ts";

describe("workflowPage", () => {
  const of = { namespace: "default", workflowId: "retrain/games/12" };
  const page = "https://temporal.example/namespaces/default/workflows/retrain%2Fgames%2F12";

  it("leads to a run in Temporal's web UI, with the id as one part of the path", () => {
    expect(workflowPage("https://temporal.example", { ...of, runId: "0199-a" })).toBe(`${page}/0199-a/history`);
  });

  it("leads to the newest run when none is named", () => {
    expect(workflowPage("https://temporal.example", of)).toBe(page);
  });

  it("is null without the UI's address", () => {
    expect(workflowPage(null, { ...of, runId: "0199-a" })).toBeNull();
  });
});
