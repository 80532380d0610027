import * as fc from "fast-check";
import { afterEach, describe, expect, it } from "vitest";
import { readZendesk } from "../../../src/adapters/sources/zendesk.ts";
import { compileMapping } from "../../../src/domain/mapping.ts";
import { zendeskSourceSchema, type ZendeskSource } from "../../../src/domain/zendesk-source-schema.ts";
import { failureOfPass, playHistory, readContext, readPass } from "../../support/source-reading.ts";
import { startZendeskFake, zendeskAccess, type ZendeskFake } from "../../support/zendesk-fake.ts";

let fake: ZendeskFake;
afterEach(() => fake.stop());

function aSource(overrides: Partial<ZendeskSource> = {}): ZendeskSource {
  const { email } = zendeskAccess;
  return zendeskSourceSchema.parse({
    id: "support",
    kind: "zendesk",
    url: fake.url,
    tokenSecret: "ZENDESK_TOKEN",
    email,
    ...overrides,
  });
}

function context(token = zendeskAccess.apiToken) {
  return readContext({ hosts: [fake.host], secrets: { ZENDESK_TOKEN: token }, now: () => new Date("2026-02-01") });
}

describe("readZendesk", () => {
  it("makes one item of a ticket with its comments, its people and their roles", async () => {
    fake = await startZendeskFake();
    const { items, ended } = await readPass(readZendesk, aSource(), null, context());
    expect(ended).toBe(true);
    expect(items.map(({ id }) => id)).toEqual(["4101", "4103"]);
    expect(items[0]).toMatchObject({
      at: `${fake.url}/agent/tickets/4101`,
      receivedAt: "2026-01-05T10:02:40Z",
      value: {
        subject: "Invoice shows the old address",
        requester: { id: 900001, name: "Ines Ortega", role: "end-user" },
        comments: [{ author: { role: "end-user" } }, { public: false }, { author: { id: 800001, role: "agent" } }],
      },
    });
    expect(JSON.stringify(items)).not.toContain("ines@customer.example");
  });

  it("ends where it began when there is nothing new", async () => {
    fake = await startZendeskFake();
    const { cursor } = await readPass(readZendesk, aSource(), null, context());
    expect((await readPass(readZendesk, aSource(), cursor, context())).cursor).toBe(cursor);
  });

  it("gives the mapping that comes with it the public comments, without internal notes", async () => {
    fake = await startZendeskFake();
    const source = aSource();
    const { items } = await readPass(readZendesk, source, null, context());
    expect(compileMapping(source.map)(items[0]?.value)).toEqual({
      chat: {
        messages: [
          { role: "user", content: "Our January invoice still has our old street on it. Can you change it?" },
          { role: "assistant", content: expect.stringContaining("choose Reissue") },
        ],
        author: "900001",
        group: "4101",
        labels: { status: "solved", tags: "billing, invoice", satisfaction: "good" },
      },
    });
  });

  it("asks for the comments of tickets in the wanted states only, and meets a ticket when it gets there", async () => {
    fake = await startZendeskFake();
    const { cursor } = await readPass(readZendesk, aSource(), null, context());
    expect(fake.requests.filter(({ path }) => path.includes("/4102/"))).toHaveLength(0);
    const ticket = fake.tickets.get(4102)!;
    Object.assign(ticket, { status: "solved", generated_timestamp: 1767700000 });
    const { items } = await readPass(readZendesk, aSource(), cursor, context());
    expect(items.map(({ id }) => id)).toEqual(["4102"]);
  });

  it("starts where `since` says", async () => {
    fake = await startZendeskFake();
    const { items } = await readPass(readZendesk, aSource({ since: "2026-01-06" }), null, context());
    expect(items.map(({ id }) => id)).toEqual(["4103"]);
    await readPass(readZendesk, aSource({ since: "2027-01-01" }), null, context());
    // Zendesk refuses to start in the future or in the last minute.
    expect(fake.requests.at(-1)?.path).toContain(`start_time=${Date.parse("2026-01-31T23:58:00Z") / 1000}`);
  });

  it("takes an OAuth token when there is no email", async () => {
    fake = await startZendeskFake();
    const source = zendeskSourceSchema.parse({
      id: "support",
      kind: "zendesk",
      url: fake.url,
      tokenSecret: "ZENDESK_TOKEN",
    });
    expect((await readPass(readZendesk, source, null, context(zendeskAccess.oauthToken))).items).toHaveLength(2);
  });

  it("ends without a cursor in an account without tickets", async () => {
    fake = await startZendeskFake({ tickets: new Map(), comments: new Map(), users: [] });
    expect(await readPass(readZendesk, aSource(), null, context())).toMatchObject({ pages: [], cursor: null });
  });

  it("reads all pages of long conversations, and leaves out a ticket that is deleted meanwhile", async () => {
    fake = await startZendeskFake();
    fake.limits.page = 1;
    fake.comments.delete(4103);
    const { items } = await readPass(readZendesk, aSource(), null, context());
    expect(items).toMatchObject([{ id: "4101", value: { comments: [{ id: 31001 }, { id: 31002 }, { id: 31003 }] } }]);
  });

  it("waits as long as Zendesk asks it to, and leaves long waits to the next attempt", async () => {
    fake = await startZendeskFake();
    const body = { error: "APIRateLimitExceeded", description: "Number of allowed API requests per minute exceeded" };
    fake.fail({ status: 429, headers: { "retry-after": "0" }, body });
    expect((await readPass(readZendesk, aSource(), null, context())).items).toHaveLength(2);
    fake.fail({ status: 429, headers: { "retry-after": "93" }, body });
    expect(await failureOfPass(readZendesk, aSource(), context())).toMatchObject({
      type: "RateLimited",
      retryAfterMs: 93_000,
    });
  });

  it.each([
    [{ status: 401, body: { error: "Couldn't authenticate you" } }, "Refused", "bot@acme.example in ZENDESK_TOKEN"],
    [{ status: 403, body: { error: { title: "Forbidden", message: "No access" } } }, "Refused", "administrator's"],
    [
      { status: 404, body: { error: { title: "No help desk at acme.zendesk.com" } } },
      "NotFound",
      "the account's address",
    ],
    [{ status: 422, body: { error: "InvalidValue", description: "Too recent start_time" } }, "Refused", "Too recent"],
    [{ status: 503, body: "<html>maintenance</html>" }, "Unavailable", "503"],
    [{ status: 200, body: "<html>log in</html>" }, "Unavailable", "not JSON"],
    [{ status: 200, body: { tickets: [{ id: "x" }], end_of_stream: true } }, "InvalidData", "tickets.0.id"],
    [{ status: 200, hangUp: true }, "Unavailable", "support"],
  ])("names the source and what to do when %o is answered", async (fault, type, advice) => {
    fake = await startZendeskFake();
    fake.fail(fault);
    const failure = await failureOfPass(readZendesk, aSource(), context());
    expect(failure).toMatchObject({ type, message: expect.stringContaining("source support: ") });
    expect(failure.message).toContain(advice);
    expect(failure.message).not.toContain(zendeskAccess.apiToken);
  });

  it("never skips: every solved ticket is met as it became, whatever happens while it is read", async () => {
    const event = fc.record({
      kind: fc.constantFrom("create", "comment", "solve", "reopen", "wait", "read", "crash"),
      pick: fc.nat(1000),
    });
    const runs = fc.asyncProperty(
      fc.array(event, { maxLength: 40, size: "max" }),
      fc.integer({ min: 1, max: 3 }),
      async (events, page) => {
        fake = await startZendeskFake({ tickets: new Map(), comments: new Map(), users: [] });
        fake.limits.page = page;
        fake.clock.now = 1_767_600_000;
        const met = new Map<string, string>();
        let cursor: string | null = null;
        const read = async (pages?: number): Promise<void> => {
          const pass = await readPass(readZendesk, aSource(), cursor, context(), pages);
          for (const { id, value } of pass.items) met.set(id, shape(value));
          cursor = pass.cursor;
        };
        await playHistory(fake, events, (event) => happen(fake, event), read);
        fake.clock.now += 120;
        await read();
        for (const ticket of fake.tickets.values())
          if (ticket.status === "solved")
            expect(met.get(String(ticket.id))).toBe(shape({ ...ticket, comments: fake.comments.get(ticket.id) }));
        await fake.stop();
      },
    );
    await fc.assert(runs, { numRuns: 25 });
    fake = await startZendeskFake();
  });
});

function happen(account: ZendeskFake, { kind, pick }: { kind: string; pick: number }): void {
  const { tickets, comments, clock } = account;
  if (kind === "wait") clock.now += pick % 90;
  const id = kind === "create" ? tickets.size + 1 : 1 + (pick % Math.max(1, tickets.size));
  const generated_timestamp = clock.now;
  if (kind === "create") {
    tickets.set(id, { id, status: "open", generated_timestamp, updated_at: "2026-01-05T00:00:00Z", requester_id: 1 });
    comments.set(id, []);
  }
  const ticket = tickets.get(id);
  if (ticket === undefined || kind === "wait") return;
  if (kind === "comment") comments.get(id)?.push({ id: pick, author_id: 1, public: true, plain_body: `${pick}` });
  if (kind === "solve") ticket.status = "solved";
  if (kind === "reopen") ticket.status = "open";
  ticket.generated_timestamp = generated_timestamp;
}

function shape(value: unknown): string {
  const { status, comments = [] } = value as { status: string; comments?: { id: number }[] };
  return JSON.stringify({ status, comments: comments.map(({ id }) => id) });
}
