import { rmSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Service } from "../../src/anyscale/services-wire.ts";
import { aDeployment, aDirectory, query, startTestEmulator, until } from "../support/emulator.ts";
import { aPackage, hasPython } from "../support/python.ts";

const BUILDER = `import os
from helper import answer
def build(args):
    async def app(scope, receive, send):
        if scope["path"] == "/raise":
            raise ValueError("told in the log")
        await answer(send, {"args": args, "variable": os.environ.get("WORD"), "root": scope["root_path"]})
    return app
`;

const HELPER = `import json
async def answer(send, body):
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
    await send({"type": "http.response.body", "body": json.dumps(body).encode()})
`;

let emulator: Awaited<ReturnType<typeof startTestEmulator>>;
const directories: string[] = [];
beforeAll(async () => {
  emulator = await startTestEmulator();
});
afterAll(async () => {
  await emulator.stop();
  for (const directory of directories) rmSync(directory, { recursive: true });
});

function files(content: Record<string, string>): string {
  const directory = aDirectory(content);
  directories.push(directory);
  return directory;
}

async function brought(name: string, state: string, deployment: object): Promise<Service> {
  await emulator.client.services.deploy(aDeployment({ name, ...deployment }));
  const look = async () => {
    const now = await emulator.client.services.find(name);
    return now?.current_state === state && now;
  };
  return await until(`service ${name} in state ${state}`, look, 60_000);
}

async function logOf(name: string): Promise<string> {
  let text = "";
  for await (const line of emulator.client.services.controllerLogs(name)) text += `${line}\n`;
  return text;
}

describe.skipIf(!hasPython)("a Python service", () => {
  it("has its working directory, arguments, environment and prefix, and its traceback in the log", async () => {
    const up = await brought("whole", "RUNNING", {
      application: { importPath: "main:build", args: { top: 1 }, routePrefix: "/v2" },
      workingDirectory: files({ "main.py": BUILDER, "helper.py": HELPER }),
      envVars: { WORD: "set" },
    });
    expect((await query(up, "/v2/x")).json).toEqual({ args: { top: 1 }, variable: "set", root: "/v2" });
    expect((await query(up, "/v2/x/raise")).status).toBe(200);
    const root = await brought("root", "RUNNING", {
      application: { importPath: "main:build" },
      workingDirectory: files({ "main.py": BUILDER, "helper.py": HELPER }),
    });
    expect((await query(root, "/raise")).status).toBe(500);
    expect(await logOf("root")).toContain("ValueError: told in the log");
  });

  it("imports modules that come beside its working directory", async () => {
    const module = files({ "__init__.py": "WORD = 'from a module'" });
    const name = module.split("/").at(-1)!;
    const code = `import importlib, helper
WORD = importlib.import_module("${name}").WORD
async def app(scope, receive, send):
    await helper.answer(send, {"word": WORD})`;
    const up = await brought("modules", "RUNNING", {
      application: { importPath: "main:app" },
      workingDirectory: files({ "main.py": code, "helper.py": HELPER }),
      pyModules: [module],
    });
    expect((await query(up)).json).toEqual({ word: "from a module" });
  });

  it("runs with its requirements, in an environment of their own", async () => {
    const source = aPackage("tuneloop_served", "from the requirement");
    directories.push(source);
    const code = `import sys, tuneloop_served, helper
async def app(scope, receive, send):
    await helper.answer(send, {"word": tuneloop_served.WORD, "own": sys.prefix != sys.base_prefix})`;
    const up = await brought("required", "RUNNING", {
      application: { importPath: "main:app" },
      workingDirectory: files({ "main.py": code, "helper.py": HELPER }),
      requirements: ["--no-index", source],
    });
    expect((await query(up)).json).toEqual({ word: "from the requirement", own: true });
  }, 90_000);

  it("is UNHEALTHY when its requirements cannot be installed, with pip's words in the log", async () => {
    const sick = await brought("missing", "UNHEALTHY", {
      application: { importPath: "main:app" },
      requirements: ["--no-index", "tuneloop-no-such-package"],
    });
    expect(sick.error_message).toContain("the requirements could not be installed");
    expect(await logOf("missing")).toContain("No matching distribution found for tuneloop-no-such-package");
  }, 90_000);

  it("is UNHEALTHY where there is no python3", async () => {
    const sick = await brought("no-python", "UNHEALTHY", {
      application: { importPath: "main:app" },
      envVars: { PATH: "/nonexistent" },
    });
    expect(sick.error_message).toContain("python3 could not be started");
  });
});
