import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { details, headline, whole } from "../../src/adapters/slack-message.ts";
import { alertKindSchema } from "../../src/domain/alert-schema.ts";
import type { Alert } from "../../src/domain/alert-schema.ts";
import { anAlert } from "../support/builders.ts";

/** Everything of a message that Slack reads for its own marks. */
const textsOf = (message: ReturnType<typeof whole>): string[] =>
  JSON.parse(JSON.stringify([message.text, message.blocks]), (key, value) =>
    key === "type" || key === "emoji" || key === "verbatim" ? undefined : value,
  ).flatMap(function strings(value: unknown): string[] {
    if (typeof value === "string") return [value];
    return typeof value === "object" && value !== null ? Object.values(value).flatMap(strings) : [];
  });

const hostile = "<!here> <@U1> <https://evil.example|the report> @channel & `x`\u202e\n> quote";
const anyText = fc.string({ unit: "grapheme", maxLength: 5000 });
const anyAlert: fc.Arbitrary<Alert> = fc
  .record({
    title: anyText,
    kind: fc.constantFrom(...alertKindSchema.options),
    text: fc.array(anyText, { maxLength: 60 }),
    facts: fc.array(fc.record({ name: anyText, value: anyText }), { maxLength: 20 }),
    next: fc.array(fc.record({ what: anyText, command: anyText }), { maxLength: 60 }),
    links: fc.array(fc.record({ name: anyText, uri: fc.oneof(anyText, fc.webUrl()) }), { maxLength: 20 }),
  })
  .map((parts) => anAlert(parts));

describe("whole", () => {
  it("says title, sentences, numbers, commands and links, and the same in the fallback", () => {
    const links = [
      { name: "report", uri: "s3://bucket/report.html" },
      { name: "workflow", uri: "https://temporal.example/namespaces/default/workflows/retrain%2Fgames" },
    ];
    const message = whole(anAlert({ links }));
    expect(message.text).toBe("✅ games-12 is the new champion; it replaces games-11.\naccuracy is better by 5.0 %.");
    expect(message.blocks).toEqual([
      {
        type: "header",
        text: { type: "plain_text", text: "✅ games-12 is the new champion; it replaces games-11.", emoji: false },
      },
      { type: "section", text: { type: "mrkdwn", text: "• accuracy is better by 5.0 %.", verbatim: true } },
      { type: "section", fields: [{ type: "mrkdwn", text: "*accuracy*\n0.850 → 0.900", verbatim: true }] },
      {
        type: "section",
        text: { type: "mrkdwn", text: "See why:\n```tuneloop explain games-12```", verbatim: true },
      },
      {
        type: "context",
        elements: [
          { type: "mrkdwn", text: "report: `s3://bucket/report.html`", verbatim: true },
          { type: "mrkdwn", text: `<${links[1]?.uri}|workflow>`, verbatim: true },
        ],
      },
    ]);
  });

  it("lets no mention, link or block of code come from data", () => {
    const message = whole(
      anAlert({
        title: hostile,
        text: [hostile],
        facts: [{ name: hostile, value: hostile }],
        next: [{ what: hostile, command: `echo \`\`\`${hostile}` }],
        links: [{ name: hostile, uri: `https://a.example/${hostile}` }],
      }),
    );
    for (const text of textsOf(message)) expect(text).not.toMatch(/<[!@#]|<https|\u202e/);
    expect(textsOf(message).join("\n")).toContain("&lt;!here&gt; &lt;@U1&gt; &lt;https://evil.example|the report&gt;");
    expect(
      textsOf(message)
        .filter((text) => text.includes("```"))
        .every((text) => text.split("```").length === 3),
    ).toBe(true);
    const marked = /"type":"mrkdwn","text":"(?:[^"\\]|\\.)*"(,"verbatim":true)?/g;
    for (const [, verbatim] of JSON.stringify(message.blocks).matchAll(marked)) expect(verbatim).toBeDefined();
  });

  it("keeps within the limits of Block Kit, whatever the alert says", () => {
    fc.assert(
      fc.property(anyAlert, (alert) => {
        for (const { text, blocks } of [whole(alert), headline(alert), details(alert)]) {
          expect(text.length).toBeLessThanOrEqual(3000);
          expect(text.isWellFormed()).toBe(true);
          expect(blocks.length).toBeLessThanOrEqual(50);
          for (const block of blocks) {
            if (block.type === "header") expect(block.text.text.length).toBeLessThanOrEqual(150);
            if (block.type === "context") expect(block.elements.length).toBeLessThanOrEqual(10);
            if (block.type !== "section") continue;
            expect(block.text?.text.length ?? 1).toBeGreaterThan(0);
            expect(block.text?.text.length ?? 0).toBeLessThanOrEqual(3000);
            expect(block.fields?.length ?? 1).toBeLessThanOrEqual(10);
            for (const field of block.fields ?? []) expect(field.text.length).toBeLessThanOrEqual(2000);
          }
        }
      }),
      { numRuns: 60 },
    );
  });

  it("cuts a long sentence between characters and never inside an entity", () => {
    const [, section] = whole(anAlert({ text: ["&".repeat(2000)], facts: [], next: [], links: [] })).blocks;
    const text = section?.type === "section" ? (section.text?.text ?? "") : "";
    expect(text).toMatch(/^• (&amp;)+…$/);
    expect(text.length).toBeGreaterThan(2900);
  });
});

describe("headline", () => {
  it("marks a cycle that is under way", () => {
    expect(headline(anAlert({ kind: "phase", title: "games-12: train" })).text).toMatch(/^⏳ games-12: train/);
  });
});
