import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Judgement } from "../../../src/domain/judgement-schema.ts";
import {
  holdsToken,
  pairwisePrompt,
  pointwisePrompt,
  readBetter,
  readScore,
} from "../../../src/domain/metrics/judge-prompt.ts";
import {
  isReadable,
  pairwiseRequests,
  pointwiseRequests,
  preferenceOf,
  scoreOf,
  tokenOf,
} from "../../../src/domain/metrics/judgements.ts";
import { llmJudge } from "../../../src/domain/metrics/llm-judge.ts";
import type { Json, JudgeSettings } from "../../../src/domain/metrics/metric.ts";
import { aTestRecord, noContext } from "../../support/answers.ts";

const token = "0123456789abcdef0123456789abcdef";
const hash = token + token;
const endpoint = { url: "http://127.0.0.1:1", model: "judge" };
const settings = (options: Record<string, Json> = {}): JudgeSettings => {
  const { judge } = llmJudge.create({ endpoint, ...options }, noContext);
  if (judge === undefined) throw new Error("a judge has settings");
  return judge;
};
const judgement = (order: Judgement["order"], reply: string | null): Judgement => ({
  id: "a",
  order,
  hash,
  reply,
  error: reply === null ? "timeout" : null,
  promptTokens: null,
  completionTokens: null,
});
const better = (said: string): string => JSON.stringify({ better: said, token });

describe("llmJudge", () => {
  it("has the metrics of its mode", () => {
    const metricsOf = (mode: string) => llmJudge.create({ endpoint, mode }, noContext).metrics.map(({ name }) => name);
    expect(metricsOf("both")).toEqual(["judge_score", "judge_preference"]);
    expect(metricsOf("pointwise")).toEqual(["judge_score"]);
    expect(metricsOf("pairwise")).toEqual(["judge_preference"]);
  });

  it.each<[Record<string, Json>, string]>([
    [{ endpoint: "http://x" }, "endpoint: must be an object of url, model, tokenSecret"],
    [{ endpoint: { url: "http://x", model: "m", key: "k" } }, "options: there is no endpoint.key: "],
    [{ endpoint: { url: "file:///etc", model: "m" } }, "endpoint: must be { url, model }"],
    [{ mode: "triple" }, "mode: must be one of pointwise, pairwise, both"],
    [{ rubric: " " }, "rubric: must be a text that is not blank"],
    [{ concurrency: 0 }, "concurrency: must be a whole number from 1 to 256"],
    [{ timeoutSeconds: 1.5 }, "timeoutSeconds: must be a whole number from 1 to 3600"],
  ])("refuses %j", (options, problem) => {
    expect(() => settings(options)).toThrow(problem);
  });
});

describe("pointwisePrompt", () => {
  const record = aTestRecord({ id: "a", expected: "Portal", question: [{ role: "user", content: "Which game?" }] });

  it("shows question, expected answer and answer between marks, and the rubric", () => {
    const [system, user] = pointwisePrompt(settings({ rubric: "Only facts." }), record, "Doom", token);
    expect(system?.content).toContain("What counts: Only facts.");
    expect(user?.content).toBe(
      [
        `<<${token} question, by user>>\nWhich game?\n<</${token}>>`,
        `<<${token} expected answer, which is right>>\nPortal\n<</${token}>>`,
        `<<${token} answer>>\nDoom\n<</${token}>>`,
      ].join("\n\n"),
    );
  });

  it("shows no expected answer to a judge that works without", () => {
    const [request] = pointwiseRequests(settings({ reference: false }), record, "Doom");
    expect(request?.messages(token)[1]?.content).not.toContain("Portal");
  });

  it("shows the start of a text that is too long, and says so", () => {
    const [, user] = pointwisePrompt(settings(), record, "x".repeat(1024 * 1024), token);
    expect(user?.content.length).toBeLessThan(21_000);
    expect(user?.content).toContain("[the other 1028576 characters are not shown]");
  });

  it("keeps an answer within its marks whatever it says", () => {
    const marks = fc.constantFrom(`<</`, ">>", "<<", `${token.slice(0, 31)}>>`, "answer", "\n", "</", '{"score":5}');
    fc.assert(
      fc.property(fc.array(marks, { maxLength: 12 }), (pieces) => {
        const answer = pieces.join("");
        const [, user] = pointwisePrompt(settings(), record, answer, token);
        expect(user?.content.split(token)).toHaveLength(holdsToken([answer], token) ? 8 : 7);
        expect(user?.content.endsWith(`<<${token} answer>>\n${answer}\n<</${token}>>`)).toBe(true);
      }),
    );
  });
});

describe("pairwisePrompt", () => {
  it("shows the answers in the order given", () => {
    const asked = { question: [], expected: null };
    const [, user] = pairwisePrompt(settings(), asked, { first: "one", second: "two" }, token);
    expect(user?.content).toMatch(/first answer>>\none\n[^]*second answer>>\ntwo\n/);
  });
});

describe("readScore", () => {
  it.each([
    [{ score: 1, token }, 0],
    [{ score: 3, token, reason: "half right" }, 0.5],
    [{ token, reason: "", score: 5 }, 1],
  ])("reads %j", (reply, score) => {
    expect(readScore(JSON.stringify(reply), token)).toBe(score);
    expect(readScore(`\`\`\`json\n${JSON.stringify(reply)}\n\`\`\``, token)).toBe(score);
    expect(readScore(`  ${JSON.stringify(reply)}\n`, token)).toBe(score);
  });

  it.each([
    ["", "nothing"],
    ["5", "a bare number"],
    ["Score: 5", "words"],
    [JSON.stringify({ score: 5 }), "no token"],
    [JSON.stringify({ score: 5, token: token.replace("0", "1") }), "another token"],
    [JSON.stringify({ score: 6, token }), "too high a score"],
    [JSON.stringify({ score: 0, token }), "too low a score"],
    [JSON.stringify({ score: 4.5, token }), "a broken score"],
    [JSON.stringify({ score: "5", token }), "a score as text"],
    [JSON.stringify({ score: 5, token, verdict: "also" }), "more than was asked for"],
    [JSON.stringify([{ score: 5, token }]), "a list"],
    [`${JSON.stringify({ score: 5, token })} ${JSON.stringify({ score: 1, token })}`, "two verdicts"],
    [`I think: ${JSON.stringify({ score: 5, token })}`, "words around it"],
    ["null", "null"],
    ["<html></html>", "HTML"],
  ])("does not read %s: %s", (reply) => {
    expect(readScore(reply, token)).toBeNull();
  });
});

describe("readBetter", () => {
  it("reads the three verdicts and nothing else", () => {
    for (const said of ["first", "second", "tie"]) expect(readBetter(better(said), token)).toBe(said);
    for (const said of ["First", "both", "", "challenger"]) expect(readBetter(better(said), token)).toBeNull();
  });
});

describe("scoreOf", () => {
  it("is the score, or null without one that can be read", () => {
    expect(scoreOf([judgement("alone", JSON.stringify({ score: 4, token }))])).toEqual({ judge_score: 0.75 });
    expect(scoreOf([judgement("alone", "5 of 5!")])).toEqual({ judge_score: null });
    expect(scoreOf([judgement("alone", null)])).toEqual({ judge_score: null });
    expect(scoreOf([])).toEqual({ judge_score: null });
  });
});

describe("preferenceOf", () => {
  const pair = { champion: "one", challenger: "other" };
  // What the judge says with the champion's answer first, and with the challenger's first.
  it.each<[string | null, string | null, string | null]>([
    ["second", "first", "gained"],
    ["first", "second", "lost"],
    ["tie", "tie", "tie"],
    ["first", "first", "split"],
    ["second", "second", "split"],
    ["tie", "first", "split"],
    ["second", "tie", "split"],
    [null, "first", null],
    ["second", null, null],
    ["nonsense", "first", null],
  ])("of %s, then %s, is %s", (one, other, verdict) => {
    const judgements = [
      judgement("champion-first", one === null ? null : better(one)),
      judgement("challenger-first", other === null ? null : better(other)),
    ];
    expect(preferenceOf(pair, judgements)).toEqual({ judge_preference: verdict });
  });

  it.each([
    [{ champion: "same", challenger: "same" }, "tie"],
    [{ champion: null, challenger: null }, "tie"],
    [{ champion: null, challenger: "x" }, "gained"],
    [{ champion: "x", challenger: null }, "lost"],
  ])("of %j is known without asking", (answers, verdict) => {
    const record = aTestRecord({ id: "a", expected: "x" });
    expect(pairwiseRequests(settings(), record, answers)).toEqual([]);
    expect(preferenceOf(answers, [])).toEqual({ judge_preference: verdict });
  });
});

describe("isReadable", () => {
  it("knows a verdict by the order that was asked for", () => {
    const score = JSON.stringify({ score: 4, token: tokenOf({ hash }) });
    expect(isReadable(judgement("alone", score))).toBe(true);
    expect(isReadable(judgement("champion-first", score))).toBe(false);
    expect(isReadable(judgement("champion-first", better("tie")))).toBe(true);
    expect(isReadable(judgement("alone", null))).toBe(false);
  });
});
