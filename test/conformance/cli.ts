/** The official command line interface against an emulator: what people type, in the order in which they would. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { run } from "./official-sdk.ts";

/** One command: what to type, the exit code and what the output must hold. */
interface Step {
  type: string[];
  code?: number;
  says?: RegExp;
}

const APP = `import json, os

async def app(scope, receive, send):
    assert scope["type"] == "http"
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
    await send({"type": "http.response.body", "body": json.dumps({"version": os.environ["APP_VERSION"]}).encode()})
`;

const service = (version: string) => `name: cli-svc
version_name: ${version}
working_dir: .
applications:
  - import_path: app:app
env_vars: { APP_VERSION: ${version} }
`;

const STEPS: Step[] = [
  { type: ["job", "submit", "--name", "cli-job", "--working-dir", ".", "--wait", "--", "python3", "main.py"] },
  { type: ["job", "status", "--name", "cli-job"], says: /SUCCEEDED/ },
  { type: ["job", "wait", "--name", "cli-job"] },
  { type: ["job", "logs", "--name", "cli-job"], says: /hello from the job/ },
  { type: ["job", "list", "--name", "cli-job"], says: /cli-job/ },
  { type: ["job", "submit", "--name", "cli-long", "--working-dir", ".", "--", "sleep", "600"] },
  { type: ["job", "terminate", "--name", "cli-long"] },
  { type: ["job", "wait", "--name", "cli-long", "--state", "TERMINATED"] },
  { type: ["job", "status", "--name", "cli-nothing"], code: 1, says: /not found/ },
  { type: ["service", "deploy", "--config-file", "v1.yaml"] },
  { type: ["service", "wait", "--name", "cli-svc"] },
  { type: ["service", "status", "--name", "cli-svc"], says: /RUNNING/ },
  { type: ["service", "deploy", "--config-file", "v2.yaml", "--canary-percent", "20"] },
  { type: ["service", "status", "--name", "cli-svc"], says: /v2/ },
  { type: ["service", "rollback", "--name", "cli-svc"] },
  { type: ["service", "wait", "--name", "cli-svc"] },
  { type: ["service", "list", "--name", "cli-svc"], says: /cli-svc/ },
  { type: ["service", "terminate", "--name", "cli-svc"] },
  { type: ["service", "wait", "--name", "cli-svc", "--state", "TERMINATED"] },
];

/** Types every command against the emulator that `env` names, a line for each; answers how many went wrong. */
export async function checkCli(cli: string, env: NodeJS.ProcessEnv): Promise<number> {
  const cwd = mkdtempSync(join(tmpdir(), "anyscale-cli-"));
  const files = { "main.py": 'print("hello from the job")\n', "app.py": APP };
  for (const [name, text] of Object.entries(files)) writeFileSync(join(cwd, name), text);
  for (const version of ["v1", "v2"]) writeFileSync(join(cwd, `${version}.yaml`), service(version));
  let failed = 0;
  try {
    for (const { type, code = 0, says } of STEPS) {
      const ended = await run([cli, ...type], { env, cwd, timeoutMs: 120_000 });
      const isRight = ended.code === code && (says === undefined || says.test(ended.output));
      if (!isRight) failed += 1;
      const why = isRight
        ? ""
        : `: exit code ${ended.code}, expected ${code} and ${says ?? "anything"}\n${ended.output}`;
      process.stdout.write(`${isRight ? "PASS" : "FAIL"} anyscale ${type.join(" ")}${why}\n`);
    }
  } finally {
    rmSync(cwd, { recursive: true });
  }
  process.stdout.write(`${STEPS.length - failed} passed, ${failed} failed\n`);
  return failed;
}
