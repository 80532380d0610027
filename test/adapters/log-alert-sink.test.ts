import { describe, expect, it } from "vitest";
import { createLogAlertSink } from "../../src/adapters/log-alert-sink.ts";
import { anAlert } from "../support/builders.ts";

describe("createLogAlertSink", () => {
  it.each([
    ["info", "info"],
    ["warning", "warn"],
    ["error", "error"],
  ] as const)("writes an alert of severity %s as one line of level %s", async (severity, level) => {
    const lines: [string, object, string][] = [];
    const write = (name: string) => (fields: object, message: string) => void lines.push([name, fields, message]);
    const log = { info: write("info"), warn: write("warn"), error: write("error") };
    const { signal } = new AbortController();
    const alert = anAlert({ severity });
    await createLogAlertSink(log).send({ id: "msg_1", alert, sink: { kind: "log" }, signal });
    const { severity: _, title, ...fields } = alert;
    expect(lines).toEqual([[level, { alert: true, ...fields }, title]]);
  });
});
