/** What docs/sources.md shows, as it stands there. */
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Context } from "hono";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { createSafeHttp } from "../../../src/adapters/safe-http.ts";
import { createSourceReaders } from "../../../src/adapters/sources/index.ts";
import type { SourceTrial } from "../../../src/cli/source-try.ts";
import { compileMapping } from "../../../src/domain/mapping.ts";
import { mappingSchema } from "../../../src/domain/mapping-schema.ts";
import { sourcesSchema } from "../../../src/domain/pipeline-schema.ts";
import type { SourceItem } from "../../../src/ports.ts";
import { runCommand, TUNELOOP } from "../../support/command.ts";
import { MemoryObjectStore } from "../../support/memory-store.ts";
import { serveFake, type ServiceFake } from "../../support/service-fake.ts";

const repository = join(import.meta.dirname, "..", "..", "..");
const docs = readFileSync(join(repository, "docs", "sources.md"), "utf8");
/** Code blocks by what follows their language: a name, or what they are. */
const blocks = [...docs.matchAll(/^```\w+ (\S+)\n(.*?)^```$/gms)].map(([, name = "", text = ""]) => ({ name, text }));
const named = (name: string): string => blocks.find((block) => block.name === name)?.text ?? "";

describe("the documented mappings", () => {
  const of = (name: string): string[] => blocks.filter((block) => block.name === name).map(({ text }) => text);
  const examples = of("map").map((map, index) => [index + 1, map, of("item")[index], of("record")[index]] as const);

  it("are more than one, each with an item and what comes out", () => {
    expect(examples.length).toBeGreaterThan(1);
    expect(examples.flat()).not.toContain(undefined);
  });

  it.each(examples)("make what is shown, number %d", (_, map, item = "", record = "") => {
    const chat: unknown = JSON.parse(record);
    expect(compileMapping(mappingSchema.parse(parse(map)))(JSON.parse(item))).toEqual({ chat });
  });
});

describe("the documented source in one file", () => {
  interface Question {
    id: number;
    url: string;
    changedAt: string;
    title: string;
    body: string;
    author: string;
    answers: { body: string; accepted: boolean }[];
  }
  let questions: Question[];
  let forum: ServiceFake;
  let folder: string;
  beforeAll(async () => {
    questions = [1, 2, 3, 4, 5].map((id) => ({
      id,
      url: `https://forum.example/q/${id}`,
      changedAt: `2026-01-0${Math.ceil(id / 2)}T00:00:00Z`,
      title: `Question ${id}`,
      body: "How?",
      author: "ada",
      answers: [
        { body: "No idea.", accepted: false },
        { body: `Answer ${id}`, accepted: id !== 2 },
      ],
    }));
    forum = await serveFake((app) => app.get("/api/questions", list));
    folder = mkdtempSync(join(tmpdir(), "tuneloop-sources-"));
    writeFileSync(join(folder, "forum.ts"), named("forum.ts"));
    writeFileSync(
      join(folder, "forum.yaml"),
      named("forum.yaml").replace("url: https://forum.example/api", `url: "${forum.url}/api", pageSize: 3`),
    );
    symlinkSync(join(repository, "node_modules"), join(folder, "node_modules"));
  });
  afterAll(async () => {
    rmSync(folder, { recursive: true });
    await forum.stop();
  });

  /** The API that the file is for: the questions changed at a time or later, the oldest change first. */
  function list(context: Context): Response {
    if (context.req.header("authorization") !== "Bearer forum-canary") return context.json({ error: "who?" }, 401);
    const { changedSince = "", limit } = context.req.query();
    const found = questions
      .filter(({ changedAt }) => changedAt >= changedSince)
      .toSorted((a, b) => a.changedAt.localeCompare(b.changedAt));
    return context.json({ questions: found.slice(0, Number(limit)) });
  }

  it("is tried as the documentation says", async () => {
    const environment = {
      PATH: process.env["PATH"],
      TUNELOOP_SOURCES: folder,
      TUNELOOP_ALLOW_HOSTS: forum.host,
      FORUM_TOKEN: "forum-canary",
      TEMPORAL_ADDRESS: "127.0.0.1:1",
    };
    const args = [TUNELOOP, "source", "try", "forum.yaml", "forum", "--json"];
    const { code, stdout, stderr } = await runCommand(process.execPath, args, { environment, directory: folder });
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const trial = JSON.parse(stdout) as SourceTrial;
    expect(trial.items[0]).toEqual({
      at: "https://forum.example/q/1",
      receivedAt: "2026-01-01T00:00:00Z",
      chat: {
        messages: [
          { role: "user", content: "Question 1\n\nHow?" },
          { role: "assistant", content: "Answer 1" },
        ],
        author: "ada",
      },
    });
    expect(trial.leftOut).toMatchObject({ count: 1, first: [{ at: "https://forum.example/q/2" }] });
  });

  it("goes on behind its cursor, and meets what has changed", async () => {
    const [source] = sourcesSchema.parse(parse(readFileSync(join(folder, "forum.yaml"), "utf8")).sources);
    const store = new MemoryObjectStore();
    const readers = createSourceReaders({
      own: store,
      open: () => store,
      readerFolders: ["/nowhere", folder],
      http: createSafeHttp({ allowHosts: [forum.host] }),
      secret: () => "forum-canary",
      now: () => new Date(),
    });
    const pass = async (cursor: string | null): Promise<[string[], string]> => {
      const reading = readers.custom.read(source!, cursor, new AbortController().signal);
      const items: SourceItem[] = [];
      for await (const group of reading.items) items.push(...group);
      return [items.map(({ sourceItem }) => sourceItem), await reading.cursor()];
    };
    const [first, cursor] = await pass(null);
    expect([...new Set(first)]).toEqual(["1", "3", "4", "5"]);
    questions[0] = { ...questions[0]!, changedAt: "2026-02-01T00:00:00Z" };
    expect((await pass(cursor))[0]).toEqual(["5", "1"]);
  });

  it("is well typed", async () => {
    const config = {
      extends: join(repository, "tsconfig.json"),
      compilerOptions: {
        noEmit: true,
        typeRoots: [join(repository, "node_modules/@types")],
        paths: { tuneloop: [join(repository, "src/index.ts")] },
      },
      include: [],
      files: ["forum.ts"],
    };
    writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(config));
    writeFileSync(join(folder, "package.json"), '{"type":"module"}');
    const tsc = join(repository, "node_modules", ".bin", "tsc");
    const { stdout } = await runCommand(tsc, ["-p", folder], { environment: process.env });
    // Of the file alone: the rest of the tree is checked with the tree.
    expect(stdout.split("\n").filter((line) => line.includes("forum.ts"))).toEqual([]);
  });
});
