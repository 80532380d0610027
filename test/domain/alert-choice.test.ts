import { describe, expect, it } from "vitest";
import { sinkName, updatesInPlace } from "../../src/domain/alert-choice.ts";
import { alertChoiceSchema, type AlertChoice } from "../../src/domain/alert-choice-schema.ts";

const bot: AlertChoice = { kind: "slack", tokenSecret: "SLACK_TOKEN", channel: "C0123456789" };
const incoming: AlertChoice = { kind: "slack", webhookSecret: "SLACK_WEBHOOK_URL" };
const webhook: AlertChoice = {
  kind: "webhook",
  url: "https://ops.example/hooks/7?key=hidden",
  signingSecret: "HOOK_KEY",
};

describe("alertChoiceSchema", () => {
  it.each([{ kind: "log" }, bot, { ...bot, apiUrl: "http://127.0.0.1:9/api" }, incoming, webhook])(
    "takes %j",
    (choice) => {
      expect(alertChoiceSchema.parse(choice)).toEqual(choice);
    },
  );

  it.each([
    [{}, "must be of kind log, slack or webhook"],
    ["log", "must be of kind log, slack or webhook"],
    [{ kind: "mail" }, "must be of kind log, slack or webhook"],
    [{ kind: "slack" }, /tokenSecret/],
    [{ kind: "slack", tokenSecret: "SLACK_TOKEN" }, /channel/],
    [{ ...bot, ...incoming }, /webhookSecret/],
    [{ kind: "slack", webhookSecret: "https://hooks.slack.com/services/x" }, /name of an environment variable/],
    [{ kind: "slack", webhookSecret: "AWS_SECRET_ACCESS_KEY" }, /variable of Tuneloop itself/],
    [{ ...webhook, url: "ftp://ops.example" }, /https/],
    [{ ...webhook, url: "https://me:word@ops.example" }, /name or password/],
    [{ kind: "log", level: "warn" }, /level/],
  ])("says what is wrong with %j", (choice, problem) => {
    const issue = alertChoiceSchema.safeParse(choice).error?.issues[0];
    const said = `${issue?.path.join(".") ?? ""}: ${issue?.message ?? ""}`;
    expect(said).toMatch(problem);
  });
});

describe("sinkName", () => {
  it.each([
    [{ kind: "log" } as const, "log"],
    [bot, "Slack channel C0123456789"],
    [incoming, "Slack webhook SLACK_WEBHOOK_URL"],
    [webhook, "webhook https://ops.example"],
  ])("calls %j by a name without secrets", (choice, name) => {
    expect(sinkName(choice)).toBe(name);
  });
});

describe("updatesInPlace", () => {
  it("holds of a bot's thread alone", () => {
    expect([{ kind: "log" } as const, bot, incoming, webhook].map(updatesInPlace)).toEqual([false, true, false, false]);
  });
});
