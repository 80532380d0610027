import { describe, expect, it } from "vitest";
import { createLogAlertSink } from "../../src/adapters/log-alert-sink.ts";

describe("createLogAlertSink", () => {
  it.each([
    ["info", "info"],
    ["warning", "warn"],
    ["error", "error"],
  ] as const)("writes an alert of severity %s as one line of level %s", async (severity, level) => {
    const lines: [string, object, string][] = [];
    const write = (name: string) => (fields: object, message: string) => void lines.push([name, fields, message]);
    const log = { info: write("info"), warn: write("warn"), error: write("error") };
    const alert = {
      severity,
      pipeline: "games",
      workflowId: "retrain/games/1",
      title: "It happened.",
      text: ["Because."],
    };
    await createLogAlertSink(log).send(alert);
    const fields = { alert: true, pipeline: "games", workflowId: "retrain/games/1", text: ["Because."] };
    expect(lines).toEqual([[level, fields, "It happened."]]);
  });
});
