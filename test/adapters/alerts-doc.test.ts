import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { createWebhookAlertSink } from "../../src/adapters/webhook-alert-sink.ts";
import { createSafeHttp } from "../../src/adapters/safe-http.ts";
import { alertsSchema } from "../../src/domain/alert-choice-schema.ts";
import { alertKindSchema, alertSchema } from "../../src/domain/alert-schema.ts";
import { severityOf } from "../../src/domain/alert.ts";
import { anAlert } from "../support/builders.ts";
import { serveFake } from "../support/service-fake.ts";

const text = readFileSync(new URL("../../docs/alerts.md", import.meta.url), "utf8");
const directory = mkdtempSync(join(tmpdir(), "tuneloop-doc-"));
afterAll(() => rmSync(directory, { recursive: true }));

/** The first block of a language. */
function block(language: string): string {
  const found = new RegExp(`^\`\`\`${language}\n(.+?)^\`\`\``, "ms").exec(text)?.[1];
  if (found === undefined) throw new Error(`docs/alerts.md has no block of ${language}`);
  return found;
}

describe("docs/alerts.md", () => {
  it("verifies what is sent, and nothing else, with its lines of JavaScript", async () => {
    const file = join(directory, "verify.mjs");
    writeFileSync(file, block("js"));
    const { isGenuine } = (await import(file)) as {
      isGenuine: (headers: Record<string, string>, body: string, secret: string, nowMs?: number) => boolean;
    };
    const bodies: string[] = [];
    const server = await serveFake((app) =>
      app.post("/", async (context) => context.text(String(bodies.push(await context.req.text())))),
    );
    const secret = `whsec_${Buffer.alloc(32, 7).toString("base64")}`;
    const http = () => createSafeHttp({ allowHosts: [server.host] })(null);
    const sink = { kind: "webhook" as const, url: server.url, signingSecret: "KEY" };
    const { signal } = new AbortController();
    const outside = { http, secret: () => secret, now: () => new Date() };
    await createWebhookAlertSink(outside).send({ id: "msg_1", alert: anAlert(), sink, signal });
    await server.stop();
    const [headers, body] = [server.requests[0]?.headers ?? {}, bodies[0] ?? ""];
    expect(isGenuine(headers, body, secret)).toBe(true);
    expect(isGenuine({ ...headers, "webhook-signature": `v1,bad ${headers["webhook-signature"]}` }, body, secret)).toBe(
      true,
    );
    expect(isGenuine(headers, body.replace("games", "gamez"), secret)).toBe(false);
    expect(isGenuine({ ...headers, "webhook-id": "msg_2" }, body, secret)).toBe(false);
    expect(isGenuine(headers, body, secret.replace("B", "C"))).toBe(false);
    expect(isGenuine(headers, body, secret, Date.now() + 3_600_000)).toBe(false);
    expect(isGenuine({}, body, secret)).toBe(false);
  });

  it("shows a body that is one, and sinks that can be chosen", () => {
    const { type, data } = JSON.parse(block("json"));
    expect(alertSchema.strict().parse(data)).toEqual(data);
    expect(type).toBe(`alert.${data.kind}`);
    expect(alertsSchema.parse(parse(block("yaml")).alerts)).toHaveLength(4);
  });

  it.each(alertKindSchema.options)("says of %s when it is sent and how much it matters", (kind) => {
    expect(text).toMatch(new RegExp(`^\\| \`${kind}\` +\\| ${severityOf(kind)} +\\| .{20,}\\|$`, "m"));
  });
});
