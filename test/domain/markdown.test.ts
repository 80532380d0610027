import { describe, expect, it } from "vitest";
import { codeSpan } from "../../src/domain/markdown.ts";

describe("codeSpan", () => {
  it("lets no text end it, or the line", () => {
    expect(codeSpan("a`b\n![x](https://evil.example)\u202e")).toBe("`a'b ![x](https://evil.example) `");
  });
});
