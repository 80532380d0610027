import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runJob } from "../support/emulator-api.ts";
import { startTestEmulator } from "../support/emulator.ts";

let emulator: Awaited<ReturnType<typeof startTestEmulator>>;
beforeAll(async () => {
  emulator = await startTestEmulator();
});
afterAll(async () => {
  await emulator.stop();
});

describe("notices", () => {
  it("says nothing for a job that asks for nothing special", async () => {
    expect((await runJob(emulator, {}, { "main.py": "import rayon\n" })).lines).toEqual(["ran"]);
  });

  it("says which image and machines are not used, once, before the first line", async () => {
    const nodes = {
      head_node_type: { instance_type: "m5.2xlarge", resources: { cpu: 0, gpu: 0 } },
      worker_node_types: [{ instance_type: "g5.12xlarge", min_workers: 0, max_workers: 2 }],
    };
    const { lines } = await runJob(emulator, { image_uri: "acme/trainer:1.2", compute_config: nodes });
    expect(lines).toEqual([
      "[emulator] image acme/trainer:1.2 is not used: this runs on the machine's own software",
      "[emulator] compute config given inline (m5.2xlarge, 0 to 2 x g5.12xlarge) is not used: this has one machine, and no GPUs but those it has",
      "ran",
    ]);
  });

  it.each([
    ["the code imports it", {}, { "lib.py/train.py": "import os\nfrom ray import serve\n" }],
    ["the command calls it", { entrypoint: "echo x; ray --version; echo ran" }, {}],
  ])("says whose Ray it is when %s", async (_case, config, files) => {
    const { lines } = await runJob(emulator, config, { "main.txt": "", ...files });
    expect(lines[0]).toMatch(/^\[emulator\] Ray is (the one installed here|imported, and python3 here has none)/);
    expect(lines.at(-1)).toBe("ran");
  });
});
