import { describe, expect, it } from "vitest";
import { plainText } from "../../../src/adapters/sources/slack-text.ts";

describe("plainText", () => {
  it.each([
    ["a &lt;b&gt; &amp;amp; c", "a <b> &amp; c"],
    ["see <https://a.example/x?y=1&amp;z=2>", "see https://a.example/x?y=1&z=2"],
    ["see <https://a.example|the guide>!", "see the guide!"],
    ["<@U123> and <@U123|ines>", "@U123 and @ines"],
    ["<#C123|general> <#C123>", "#general #C123"],
    ["<!here> <!subteam^S1|@helpers> <!date^1767690000^{date}|yesterday>", "@here @helpers yesterday"],
    ["<mailto:a@b.example|a@b.example> <tel:+4930>", "a@b.example +4930"],
    ["no < markup, `a<b` & 1 > 0", "no < markup, `a<b` & 1 > 0"],
    ["", ""],
  ])("%j is %j", (marked, plain) => {
    expect(plainText(marked)).toBe(plain);
  });
});
