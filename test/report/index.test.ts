import { execFileSync } from "node:child_process";
import { describe, expect, it } from "vitest";

/** Runs a program in a process of its own and answers the packages that it loaded. */
function packagesOf(program: string): string[] {
  const watching = `
    import { registerHooks } from "node:module";
    const seen = new Set();
    registerHooks({ resolve(name, context, next) { seen.add(name); return next(name, context); } });
    ${program}
    process.stdout.write(JSON.stringify([...seen]));`;
  return JSON.parse(execFileSync(process.execPath, ["--input-type=module", "-e", watching], { encoding: "utf8" }));
}

describe("createReportRenderer", () => {
  it("loads what draws charts with the first chart, and not before", () => {
    const load = `const { createReportRenderer } = await import("./src/report/index.ts"); const made = createReportRenderer();`;
    expect(packagesOf(load)).not.toContain("vega-lite");
    const draw = `const { aReport } = await import("./test/support/reports.ts"); await made.html(aReport());`;
    expect(packagesOf(`${load} ${draw}`)).toEqual(expect.arrayContaining(["vega", "vega-lite"]));
  });
});
