import { describe, expect, it } from "vitest";
import { normalQuantile, normalShareBelow, studentOfNormal } from "../../../src/domain/statistics/normal.ts";
import reference from "./reference.json" with { type: "json" };

describe("normalQuantile", () => {
  it.each(reference.normalQuantile)("agrees with SciPy at $probability to 14 digits", ({ probability, quantile }) => {
    const error = Math.abs(normalQuantile(probability) - quantile);
    expect(error).toBeLessThanOrEqual(1e-14 * Math.abs(quantile));
  });

  it.each([
    [0, -Infinity],
    [1, Infinity],
    [-0.1, Number.NaN],
    [1.1, Number.NaN],
    [Number.NaN, Number.NaN],
  ])("of %f is %f", (probability, quantile) => {
    expect(normalQuantile(probability)).toBe(quantile);
  });
});

describe("normalShareBelow", () => {
  it.each(reference.normalShareBelow)("agrees with SciPy at $x to 14 digits after the point", ({ x, share }) => {
    expect(Math.abs(normalShareBelow(x) - share)).toBeLessThan(1e-14);
  });
});

describe("studentOfNormal", () => {
  it.each(reference.student)("agrees with SciPy at $z with $degrees degrees of freedom", ({ z, degrees, t }) => {
    expect(Math.abs(studentOfNormal(z, degrees) - t)).toBeLessThan(1e-3);
  });
});
