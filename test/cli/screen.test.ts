import { PassThrough } from "node:stream";
import { describe, expect, it } from "vitest";
import { screenFor } from "../../src/cli/screen.ts";

/** All that a screen writes to an output of this kind. */
function shown(output: { isTTY: boolean; columns: number | undefined }): string {
  const stream = Object.assign(new PassThrough({ encoding: "utf8" }), output);
  const screen = screenFor(stream as unknown as NodeJS.WriteStream);
  screen.open("Tuneloop");
  screen.line("temporal is up");
  screen.warn("s3 is slow");
  screen.box("Running", ["web UI    http://127.0.0.1:8233", "stop      Ctrl-C"]);
  screen.close("Stopped.");
  return String(stream.read());
}

const plain = `Tuneloop
temporal is up
s3 is slow
Running
  web UI    http://127.0.0.1:8233
  stop      Ctrl-C
Stopped.
`;

describe("screenFor", () => {
  it("draws at a terminal", () => {
    const text = shown({ isTTY: true, columns: 80 });
    expect(text).not.toBe(plain);
    expect(text).toContain("│");
    expect(text).toContain("web UI    http://127.0.0.1:8233");
  });

  it.each([
    ["what is no terminal", { isTTY: false, columns: undefined }],
    ["a terminal that says it has no columns", { isTTY: true, columns: 0 }],
    ["a terminal that does not say how wide it is", { isTTY: true, columns: undefined }],
    ["a terminal too narrow to draw in", { isTTY: true, columns: 19 }],
  ])("writes plain lines to %s", (_, output) => {
    expect(shown(output)).toBe(plain);
  });
});
