import { readFileSync } from "node:fs";
import { afterEach, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { createSafeHttp } from "../../../src/adapters/safe-http.ts";
import { createSourceReaders } from "../../../src/adapters/sources/index.ts";
import { pipelineSchema } from "../../../src/domain/pipeline-schema.ts";
import { sourceSchema } from "../../../src/domain/source-schema.ts";
import type { SourceItem } from "../../../src/ports.ts";
import { MemoryObjectStore } from "../../support/memory-store.ts";
import type { ServiceFake } from "../../support/service-fake.ts";
import { slackToken, startSlackFake } from "../../support/slack-fake.ts";
import { startZendeskFake, zendeskAccess } from "../../support/zendesk-fake.ts";

const fakes: ServiceFake[] = [];
afterEach(async () => {
  for (const fake of fakes.splice(0)) await fake.stop();
});

function file(name: string): string {
  return readFileSync(new URL(`../../../${name}`, import.meta.url), "utf8");
}

describe("createSourceReaders", () => {
  it("reads the sources of the example as chat records", async () => {
    const [slack, zendesk] = [await startSlackFake(), await startZendeskFake()];
    fakes.push(slack, zendesk);
    const text = file("examples/sources/support.yaml")
      .replace("http://127.0.0.1:4501", slack.url)
      .replace("http://127.0.0.1:4502", zendesk.url);
    const store = new MemoryObjectStore();
    const readers = createSourceReaders({
      own: store,
      open: () => store,
      readerFolders: [],
      http: createSafeHttp({ allowHosts: [slack.host, zendesk.host] }),
      secret: (name) => (name === "SLACK_TOKEN" ? slackToken : zendeskAccess.apiToken),
      now: () => new Date(),
    });
    const brought: Record<string, SourceItem[]> = {};
    for (const source of pipelineSchema.parse(parse(text)).sources) {
      const reading = readers[source.kind].read(source, null, new AbortController().signal);
      const items: SourceItem[] = [];
      for await (const group of reading.items) items.push(...group);
      brought[source.id] = items;
      await expect(reading.cursor()).resolves.toMatch(/^\{/);
    }
    expect(brought["help-channel"]).toMatchObject([{ chat: { messages: [{ role: "user" }, { role: "assistant" }] } }]);
    expect(brought["tickets"]).toMatchObject([{ chat: { group: "4101" } }, { chat: { group: "4103" } }]);
  });
});

describe("sourceSchema", () => {
  const examples = [...file("docs/sources.md").matchAll(/```yaml\n(- id: [^]*?)```/g)].map(([, text]) => text ?? "");

  it.each(examples.map((text) => [/kind: (\S+)/.exec(text)?.[1], text]))("takes the documented %s", (kind, text) => {
    const sources = parse(text ?? "");
    for (const source of sources) expect(sourceSchema.parse(source)).toMatchObject({ kind });
  });

  it.each([
    ["the name of a channel", "slack", { channels: ["#help"] }, /id of a channel/],
    ["a channel twice", "slack", { channels: ["C1234", "C1234"] }, /twice/],
    ["a token for its name", "slack", { tokenSecret: "xoxb-1" }, /not the secret itself/],
    ["a variable of Tuneloop itself", "slack", { tokenSecret: "AWS_SECRET_ACCESS_KEY" }, /may not be named here/],
    ["an unknown field", "slack", { chanels: [] }, /chanels/],
    ["an unknown state", "zendesk", { statuses: ["done"] }, /statuses/],
    ["a name without an owner", "github", { repository: "widgets" }, /owner\/name/],
    ["a name that leaves its place", "github", { repository: "acme/.." }, /owner\/name/],
    ["a channel as a number", "discord", { channels: [1457300000000000000] }, /channels/],
    ["something else than a SELECT", "postgres", { query: "DELETE FROM votes" }, /one SELECT/],
    [
      "a mapping without an answer",
      "slack",
      { map: { messages: [{ role: "user", text: "{text}" }] } },
      /nothing to learn/,
    ],
  ])("refuses %s", (_, kind, overrides, message) => {
    const example = examples.map((text) => parse(text)[0]).find((source) => source.kind === kind);
    const parsed = sourceSchema.safeParse({ ...example, ...overrides });
    expect(parsed.error?.message ?? "it was taken").toMatch(message);
  });
});
