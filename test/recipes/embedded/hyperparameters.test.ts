import { describe, expect, it } from "vitest";
import { parseEmbeddedHyperparameters } from "../../../src/recipes/embedded/hyperparameters.ts";

describe("parseEmbeddedHyperparameters", () => {
  it("fills in what is not set", () => {
    expect(parseEmbeddedHyperparameters({ seed: 7 })).toEqual({
      ...parseEmbeddedHyperparameters({}),
      seed: 7,
    });
  });

  it.each([
    [{ sed: 1 }, "hyperparameters.sed: not known, the embedded recipe has seed, epochs"],
    [{ seed: -1 }, "hyperparameters.seed: "],
    [{ seed: "1" }, "hyperparameters.seed: "],
    [{ epochs: 0 }, "hyperparameters.epochs: "],
    [{ epochs: 1.5 }, "hyperparameters.epochs: "],
    [{ dropout: 1 }, "hyperparameters.dropout: "],
    [{ epochs: 0, hiding: 2 }, "hyperparameters.hiding: "],
    [null, "hyperparameters: "],
  ])("refuses %j and names the field", (value, message) => {
    expect(() => parseEmbeddedHyperparameters(value)).toThrow(message);
  });
});
