import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createAlertSinks } from "../../src/adapters/alert-sinks.ts";
import { createSafeHttp } from "../../src/adapters/safe-http.ts";
import type { Alert } from "../../src/domain/alert-schema.ts";
import { TypedFailure } from "../../src/domain/failures.ts";
import { failureOf } from "../support/activity.ts";
import { anAlert } from "../support/builders.ts";
import { MemoryObjectStore } from "../support/memory-store.ts";
import { chatChannel, chatToken, startSlackChatFake, type SlackChatFake } from "../support/slack-chat-fake.ts";

let slack: SlackChatFake;
let store: MemoryObjectStore;
let clock: Date;
beforeEach(async () => {
  slack = await startSlackChatFake();
  store = new MemoryObjectStore();
  clock = new Date("2026-01-31T12:00:00Z");
});
afterEach(() => slack.stop());

const silent = { info() {}, warn() {}, error() {} };
const { signal } = new AbortController();

function send(alert: Alert, options: { id?: string; token?: string; channel?: string; hosts?: string[] } = {}) {
  const sinks = createAlertSinks({
    log: silent,
    http: createSafeHttp({ allowHosts: options.hosts ?? [slack.host] }),
    secret: () => options.token ?? chatToken,
    store,
    now: () => clock,
  });
  const sink = {
    kind: "slack" as const,
    tokenSecret: "SLACK_TOKEN",
    channel: options.channel ?? chatChannel,
    apiUrl: `${slack.url}/api`,
  };
  return sinks.send({ id: options.id ?? `msg_${alert.kind}`, alert, sink, signal });
}

const at = (second: number): string => new Date(Date.UTC(2026, 0, 31, 12, 0, second)).toISOString();
const aPhase = (phase: string, second: number): Alert =>
  anAlert({ kind: "phase", title: `games-12: ${phase}`, text: [], facts: [], next: [], links: [], at: at(second) });
const theEnd = anAlert({ at: at(9) });
const titles = (): string[] => slack.messages.map(({ text }) => text.split("\n")[0] ?? "");
const calls = (): string[] => slack.requests.map(({ path }) => path.replace("/api/", ""));

describe("createSlackBotAlertSink", () => {
  it("keeps one thread per cycle: its first message goes from phase to phase to the end, and the reply says why", async () => {
    await send(aPhase("train", 1), { id: "a" });
    await send(aPhase("evaluate", 2), { id: "b" });
    await send(theEnd, { id: "c" });
    expect(titles()).toEqual([`✅ ${theEnd.title}`, `✅ ${theEnd.title}`]);
    const [first, reply] = slack.messages;
    expect(first?.edits).toBe(2);
    expect(reply).toMatchObject({ thread_ts: first?.ts, reply_broadcast: false });
    expect(JSON.stringify(reply?.blocks)).toContain("tuneloop explain games-12");
    expect(slack.requests.every(({ headers }) => headers["authorization"] === `Bearer ${chatToken}`)).toBe(true);
  });

  it.each(["failed", "approval-wanted"] as const)("shows the reply of %s in the channel too", async (kind) => {
    await send(anAlert({ kind, severity: kind === "failed" ? "error" : "warning" }));
    expect(slack.messages.map(({ reply_broadcast }) => reply_broadcast)).toEqual([undefined, true]);
  });

  it("posts one message for what is about no cycle", async () => {
    await send(anAlert({ kind: "update-failed", cycle: null }));
    expect(slack.messages).toHaveLength(1);
    expect(JSON.stringify(slack.messages[0]?.blocks)).toContain("tuneloop explain games-12");
  });

  it("updates by the id that Slack answers when the channel is given by name", async () => {
    await send(aPhase("train", 1), { channel: "#models" });
    await send(theEnd, { channel: "#models" });
    expect(slack.messages).toHaveLength(2);
  });

  it("posts nothing twice when a delivery is repeated, by this worker or another", async () => {
    for (let attempt = 0; attempt < 3; attempt++) await send(theEnd, { id: "same" });
    expect(slack.messages).toHaveLength(2);
  });

  it("does not go back to a phase that is told late", async () => {
    await send(theEnd);
    await send(aPhase("evaluate", 2));
    expect(titles()[0]).toBe(`✅ ${theEnd.title}`);
    expect(calls()).toEqual(["chat.postMessage", "chat.postMessage"]);
  });

  it("begins the thread anew when somebody has deleted its first message", async () => {
    await send(aPhase("train", 1));
    slack.messages.length = 0;
    await send(theEnd);
    expect(titles()).toEqual([`✅ ${theEnd.title}`, `✅ ${theEnd.title}`]);
  });

  it("tries at once again what Slack has refused", async () => {
    slack.fail({ status: 429, headers: { "retry-after": "7" }, body: { ok: false, error: "ratelimited" } });
    await expect(send(theEnd)).rejects.toMatchObject({ type: "RateLimited", retryAfterMs: 7000 });
    await send(theEnd);
    expect(slack.messages).toHaveLength(2);
  });

  it("keeps off a message that another attempt is posting, and takes it over when that one was lost", async () => {
    slack.scopes.add("channels:history");
    // The worker dies between Slack's answer and the bucket's.
    store.hook = ({ method, when }) => {
      if (method === "put" && when === "before" && slack.messages.length > 0) throw new Error("killed");
    };
    await expect(send(theEnd)).rejects.toThrow("killed");
    store.hook = () => {};
    await expect(send(theEnd)).rejects.toMatchObject({ type: "Conflict", retryAfterMs: 60_000 });
    clock = new Date(clock.getTime() + 60_000);
    await send(theEnd);
    expect(slack.messages).toHaveLength(2);
    expect(calls()).toContain("conversations.history");
  });

  it.each([
    { how: "once where it may look for the message", scopes: ["channels:history"], messages: 2 },
    { how: "rather twice than never where it may not look", scopes: [], messages: 3 },
  ])("tells people $how, when an answer was lost", async ({ scopes, messages }) => {
    for (const scope of scopes) slack.scopes.add(scope);
    slack.afterPost(() => new Response("<h1>502</h1>", { status: 502 }));
    await expect(send(theEnd)).rejects.toMatchObject({ type: "Unavailable" });
    slack.afterPost(null);
    await send(theEnd);
    expect(slack.messages).toHaveLength(messages);
  });

  it("does not post twice when two attempts run at a time", async () => {
    const both = await Promise.allSettled([send(theEnd, { id: "same" }), send(theEnd, { id: "same" })]);
    expect(both.filter(({ status }) => status === "fulfilled").length).toBeGreaterThan(0);
    clock = new Date(clock.getTime() + 60_000);
    await send(theEnd, { id: "same" });
    expect(slack.messages).toHaveLength(2);
  });

  it.each([
    ["a wrong token", { token: "xoxb-wrong" }, "Refused", /invalid_auth.*SLACK_TOKEN/],
    ["a token that is no header", { token: "xoxb two\nwords" }, "InvalidInput", /^SLACK_TOKEN must be one word/],
    ["a channel that is not there", { channel: "C404" }, "NotFound", /channel_not_found.*C404.*id/],
    ["an address that may not be reached", { hosts: [] }, "Refused", /https/],
  ] as const)("fails for good with %s, and says what to do", async (_, options, type, message) => {
    const error = await send(theEnd, { ...options, hosts: "hosts" in options ? [...options.hosts] : undefined }).catch(
      (reason: unknown) => reason,
    );
    expect(error).toBeInstanceOf(TypedFailure);
    expect(error).toMatchObject({ type, message: expect.stringMatching(message) });
  });

  it.each([
    ["a page with status 500", { status: 500, body: "<html>oops</html>" }],
    ["a page with status 200", { status: 200, body: "<html>log in</html>" }],
    ["its own internal error", { status: 200, body: { ok: false, error: "internal_error" } }],
    ["a broken connection", { status: 0, hangUp: true }],
  ])("is to be tried again when Slack answers with %s", async (_, fault) => {
    slack.fail(fault);
    await expect(send(theEnd)).rejects.toMatchObject({ type: "Unavailable" });
  });

  it("never lets the token into a failure or the bucket", async () => {
    const faults = [
      { status: 500, body: { error: `bad token ${chatToken}` } },
      { status: 403, body: { ok: false, error: `bad ${chatToken}` } },
      { status: 200, body: { ok: false, error: `bad_${chatToken}` } },
      { status: 200, body: `<p>${chatToken}</p>` },
      { status: 0, hangUp: true },
    ];
    for (const fault of faults) {
      slack.fail({ ...fault, path: /chat\.postMessage/ });
      const failure = await failureOf(() => send(theEnd));
      for (let error: unknown = failure; error instanceof Error; error = error.cause)
        expect(`${error.message} ${error.stack} ${JSON.stringify(error)}`).not.toContain("canary");
    }
    await send(theEnd);
    expect([...store.objects.values()].map(({ body }) => body.toString()).join()).not.toContain("canary");
  });
});
