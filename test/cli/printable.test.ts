import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { bytesText, columnsOf, cut, printable, timeText, wrapped } from "../../src/cli/printable.ts";

describe("printable", () => {
  it.each([
    ["line ends and tabs", "one\r\ntwo\n\nthree\tfour", "one two three four"],
    ["an escape", "\u001b[31mred\u001b[0m", "\\u{1b}[31mred\\u{1b}[0m"],
    ["a control of eight bits", "\u009b2J", "\\u{9b}2J"],
    ["what turns the direction of text", "a\u202eb\u2066c", "a\\u{202e}b\\u{2066}c"],
    ["separators of lines that are no line ends", "a\u2028b\u2029", "a\\u{2028}b\\u{2029}"],
    ["half a character", "a\ud800b", "a\\u{d800}b"],
    ["other scripts", "Grüße 漢字 🎲", "Grüße 漢字 🎲"],
  ])("shows %s", (_, text, shown) => {
    expect(printable(text)).toBe(shown);
  });

  it("leaves nothing that a terminal obeys", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        // oxlint-disable-next-line no-control-regex
        expect(printable(text)).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/);
      }),
    );
  });
});

describe("cut", () => {
  it.each([
    ["that fits", "abc", 3, "abc"],
    ["that does not", "abcd", 3, "ab…"],
    ["of characters over two columns", "漢字漢字", 6, "漢字…"],
    ["with marks over a character", "e\u0301e\u0301e\u0301e\u0301", 3, "e\u0301e\u0301…"],
  ])("keeps text %s within its columns", (_, text, columns, shown) => {
    expect(cut(text, columns)).toBe(shown);
  });

  it("never takes more columns than there are", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), fc.integer({ min: 1, max: 30 }), (text, columns) => {
        expect(columnsOf(cut(printable(text), columns))).toBeLessThanOrEqual(columns);
      }),
    );
  });
});

describe("wrapped", () => {
  it("breaks at spaces, and leaves a word that is too long whole", () => {
    expect(wrapped("its id is another one", 10)).toEqual(["its id is", "another", "one"]);
    expect(wrapped("a sixteen-letter-word b", 6)).toEqual(["a", "sixteen-letter-word", "b"]);
  });
});

describe("bytesText", () => {
  it.each([
    [0, "0 B"],
    [999, "999 B"],
    [1000, "1.0 kB"],
    [999_949, "999.9 kB"],
    [999_950, "1.0 MB"],
    [5e15, "5000.0 TB"],
  ])("shows %d bytes as %s", (bytes, shown) => {
    expect(bytesText(bytes)).toBe(shown);
  });
});

describe("timeText", () => {
  it("is in UTC, wherever the time was written", () => {
    expect(timeText("2026-01-01T01:30:59+02:00")).toBe("2025-12-31 23:30");
  });
});
