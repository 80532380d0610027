import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { runCommand, TUNELOOP, type CommandResult } from "../support/command.ts";
import { serveFake, type ServiceFake } from "../support/service-fake.ts";
import { chatChannel, chatToken, startSlackChatFake, type SlackChatFake } from "../support/slack-chat-fake.ts";

let slack: SlackChatFake;
let hook: ServiceFake;
let directory: string;
beforeAll(async () => {
  slack = await startSlackChatFake();
  hook = await serveFake((app) => app.post("/*", (context) => context.text("ok")));
});
afterAll(() => Promise.all([slack.stop(), hook.stop()]));
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "tuneloop-alert-"));
  slack.messages.length = 0;
});
afterEach(() => rm(directory, { recursive: true }));

const definition = (): string => `name: games
alerts:
  - kind: log
  - { kind: slack, tokenSecret: SLACK_TOKEN, channel: ${chatChannel}, apiUrl: "${slack.url}/api" }
  - { kind: webhook, url: "${hook.url}/hooks/games", signingSecret: HOOK_KEY }
`;

async function tryAlerts(text = definition(), ...args: string[]): Promise<CommandResult> {
  const file = join(directory, "games.yaml");
  await writeFile(file, text);
  const environment = {
    PATH: process.env["PATH"],
    TUNELOOP_ALLOW_HOSTS: `${slack.host},${hook.host}`,
    SLACK_TOKEN: chatToken,
    HOOK_KEY: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    TEMPORAL_ADDRESS: "127.0.0.1:1",
  };
  return runCommand(process.execPath, [TUNELOOP, "alert", "test", "-f", file, ...args], { environment });
}

describe("alert test", () => {
  it("sends through each sink and says that people were told", async () => {
    const { code, stdout, stderr } = await tryAlerts();
    expect(stdout).toBe(`1. log: told\n2. Slack channel ${chatChannel}: told\n3. webhook ${hook.url}: told\n`);
    expect(code).toBe(0);
    expect(stderr).toContain("games: a test alert");
    expect(slack.messages.map(({ text }) => text.split("\n")[0])).toEqual(["✅ games: a test alert"]);
    expect(hook.requests.at(-1)?.headers["webhook-signature"]).toMatch(/^v1,/);
  });

  it("sends through one alone, each time anew, and answers JSON", async () => {
    for (let time = 1; time <= 2; time++) {
      const { code, stdout } = await tryAlerts(definition(), "--sink", "2", "--json");
      expect(JSON.parse(stdout)).toEqual({
        sinks: [{ number: 2, sink: `Slack channel ${chatChannel}`, failure: null }],
      });
      expect(code).toBe(0);
    }
    expect(slack.messages).toHaveLength(2);
  });

  it("says what a sink refuses, never its secret, and tells the others", async () => {
    const { code, stdout, stderr } = await tryAlerts(definition().replace(chatChannel, "C404"));
    expect(stdout).toMatch(
      /^1\. log: told\n2\. Slack channel C404: NotFound: Slack answers channel_not_found .*\n3\. .*: told\n$/,
    );
    expect(code).toBe(1);
    expect(stdout + stderr).not.toContain("canary");
  });

  it.each([
    ["a sink that is not there", definition, ["--sink", "4"], "there is no sink 4: alerts has 3"],
    ["a sink that is no number", definition, ["--sink", "x"], "must be a whole number from 1"],
    [
      "a bad sink",
      () => "name: games\nalerts: [{ kind: mail }]\n",
      [],
      "games.yaml:2: alerts.0: must be of kind log, slack or webhook",
    ],
  ])("exits with 2 and says what to mend when given %s", async (_, text, args, message) => {
    const { code, stderr } = await tryAlerts(text(), ...args);
    expect(stderr).toContain(message);
    expect(code).toBe(2);
  });
});
