import { createHash } from "node:crypto";
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { chmod, mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { findBinary } from "../../src/dev/binaries.ts";
import { temporalCli, versitygw, type PinnedServer } from "../../src/dev/pinned-servers.ts";

const GOOD = "temporal version 1.5.1 (Server 1.29.1, UI 2.42.1)";
const ARCHIVE = "temporal_cli_1.5.1_test.tar.gz";

let home: string;
let reports: string[];
let releases: Server | null;

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), "tuneloop-binaries-"));
  reports = [];
  releases = null;
});

afterEach(async () => {
  releases?.closeAllConnections();
  releases?.close();
  await rm(home, { recursive: true });
});

/** A program that prints `version` and ends with `code`. */
async function program(path: string, version: string, code = 0): Promise<string> {
  await mkdir(join(path, ".."), { recursive: true });
  await writeFile(path, `#!/bin/sh\necho "${version}"\nexit ${code}\n`);
  await chmod(path, 0o755);
  return path;
}

/** A `go` that installs a program which prints `version`, and notes its arguments. */
async function fakeGo(version: string): Promise<void> {
  const go = join(home, "path", "go");
  const made = `#!/bin/sh\\necho '${version}'\\n`;
  await program(go, "");
  await writeFile(
    go,
    `#!/bin/sh\necho "$@" > ${home}/go-arguments\nprintf "${made}" > "$GOBIN/temporal"\n/bin/chmod 755 "$GOBIN/temporal"\n`,
  );
}

/** Serves these files as a release and answers a server pinned to it. */
async function release(files: Record<string, Buffer | string>): Promise<PinnedServer> {
  const server = createServer((request, response) => {
    const file = files[(request.url ?? "").slice(1)];
    if (file === undefined) response.writeHead(404).end();
    else response.writeHead(200, { "content-length": Buffer.byteLength(file) }).end(file);
  });
  releases = server;
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  return { ...temporalCli, releaseUrl: `http://127.0.0.1:${port}/`, archive: () => ARCHIVE };
}

/** A release archive that holds a program which prints `version`, and other files. */
async function archive(version: string): Promise<Buffer> {
  const content = join(home, "content");
  await program(join(content, "temporal_cli", "temporal"), version);
  await writeFile(join(content, "temporal_cli", "LICENSE"), "text");
  return execFileSync("tar", ["czf", "-", "-C", content, "temporal_cli"]);
}

function checksums(body: Buffer): string {
  return `${"0".repeat(64)}  other.tar.gz\n${createHash("sha256").update(body).digest("hex")}  ${ARCHIVE}\n`;
}

/** No release anywhere: nothing listens on port 1. */
const unreachable: PinnedServer = { ...temporalCli, releaseUrl: "http://127.0.0.1:1/", archive: () => ARCHIVE };

function find(server: PinnedServer, environment: Record<string, string> = {}): Promise<string> {
  return findBinary(server, {
    environment: { HOME: home, PATH: join(home, "path"), ...environment },
    report: (line) => reports.push(line),
  });
}

const cached = (): string => join(home, ".cache", "tuneloop", "bin", "temporal-1.5.1");

describe("findBinary", () => {
  it("takes the path given in the environment before all else", async () => {
    const given = await program(join(home, "mine"), GOOD);
    await program(join(home, "path", "temporal"), GOOD);
    expect(await find(unreachable, { TUNELOOP_TEMPORAL_BINARY: given })).toBe(given);
  });

  it("refuses a given path that does not run, naming the variable", async () => {
    await program(join(home, "path", "temporal"), GOOD);
    const given = join(home, "nothing");
    await expect(find(unreachable, { TUNELOOP_TEMPORAL_BINARY: given })).rejects.toThrow(
      /^TUNELOOP_TEMPORAL_BINARY=.*nothing cannot be used: it does not run/,
    );
  });

  it("takes the program on PATH before the cache", async () => {
    await program(cached(), GOOD);
    expect(await find(unreachable, {})).toBe(cached());
    const onPath = await program(join(home, "path", "temporal"), GOOD);
    expect(await find(unreachable)).toBe(onPath);
    expect(reports).toEqual([]);
  });

  it.each([
    [
      "is too old",
      "temporal version 0.9.0 (Server 1.20.0, UI 2.0.0)",
      0,
      "its server is 1.20, at least 1.29 is needed",
    ],
    ["is something else", "another program", 0, "its --version says nothing of a server"],
    ["ends with an error", GOOD, 3, "it does not run"],
  ])("says and passes over a program on PATH that %s", async (_, version, code, reason) => {
    const bad = await program(join(home, "path", "temporal"), version, code);
    await program(cached(), GOOD);
    expect(await find(unreachable)).toBe(cached());
    expect(reports).toEqual([expect.stringContaining(`${bad} is passed over: ${reason}`)]);
  });

  it("looks further along PATH after a program that cannot be used", async () => {
    await program(join(home, "path", "temporal"), "another program");
    const second = await program(join(home, "second", "temporal"), GOOD);
    expect(await find(unreachable, { PATH: `${join(home, "path")}:${join(home, "second")}` })).toBe(second);
  });

  it("keeps the cache where XDG_CACHE_HOME says", async () => {
    const elsewhere = await program(join(home, "xdg", "tuneloop", "bin", "temporal-1.5.1"), GOOD);
    expect(await find(unreachable, { XDG_CACHE_HOME: join(home, "xdg") })).toBe(elsewhere);
  });

  it("downloads the release when there is none, and finds it in the cache from then on", async () => {
    const body = await archive(GOOD);
    const server = await release({ [ARCHIVE]: body, "checksums.txt": checksums(body) });
    expect(await find(server)).toBe(cached());
    expect(reports.at(0)).toContain(`downloading ${server.releaseUrl}${ARCHIVE}`);
    expect(reports.at(-1)).toContain("is ready in");
    expect(await find(unreachable)).toBe(cached());
    expect(await readdir(join(cached(), ".."))).toEqual(["temporal-1.5.1"]);
  });

  it("lets two searches at once download, and both succeed", async () => {
    const body = await archive(GOOD);
    const server = await release({ [ARCHIVE]: body, "checksums.txt": checksums(body) });
    expect(await Promise.all([find(server), find(server)])).toEqual([cached(), cached()]);
    expect(await readdir(join(cached(), ".."))).toEqual(["temporal-1.5.1"]);
  });

  it.each([
    [
      "has another SHA-256",
      (body: Buffer) => ({ [ARCHIVE]: Buffer.concat([body, body]), "checksums.txt": checksums(body) }),
      /SHA-256 of .* is [0-9a-f]{64}, published is/,
    ],
    [
      "is cut off",
      (body: Buffer) => ({ [ARCHIVE]: body.subarray(0, 100), "checksums.txt": checksums(body.subarray(0, 100)) }),
      /the archive cannot be unpacked/,
    ],
    [
      "is not an archive",
      () => ({ [ARCHIVE]: Buffer.from("<html>"), "checksums.txt": checksums(Buffer.from("<html>")) }),
      /the archive cannot be unpacked/,
    ],
    ["is not in the checksums", (body: Buffer) => ({ [ARCHIVE]: body, "checksums.txt": "" }), /has no SHA-256 of/],
    ["is not there", (body: Buffer) => ({ "checksums.txt": checksums(body) }), /answers 404/],
  ])("passes over a release that %s, and leaves nothing of it", async (_, files, reason) => {
    const server = await release(files(await archive(GOOD)));
    await expect(find(server)).rejects.toThrow(reason);
    expect(await readdir(join(cached(), ".."))).toEqual([]);
  });

  it("passes over a release whose program has the wrong version", async () => {
    const body = await archive("temporal version 0.1.0 (Server 1.2.0, UI 2.0.0)");
    const server = await release({ [ARCHIVE]: body, "checksums.txt": checksums(body) });
    await expect(find(server)).rejects.toThrow(/download: its server is 1\.2, at least 1\.29/);
    expect(existsSync(cached())).toBe(false);
  });

  it("builds the pinned version with go when the download fails", async () => {
    await fakeGo("temporal version 0.0.0-DEV (Server 1.29.1, UI 2.42.1)");
    expect(await find(unreachable)).toBe(cached());
    expect(readFileSync(join(home, "go-arguments"), "utf8")).toBe(
      "install github.com/temporalio/cli/cmd/temporal@v1.5.1\n",
    );
    expect(reports).toEqual([
      expect.stringContaining("downloading"),
      expect.stringContaining("download failed: 127.0.0.1:1 cannot be reached"),
      expect.stringContaining("building github.com/temporalio/cli/cmd/temporal@v1.5.1"),
      expect.stringContaining("is ready in"),
    ]);
  });

  it("says the last words of go when the build fails", async () => {
    await program(join(home, "path", "go"), "");
    await writeFile(join(home, "path", "go"), "#!/bin/sh\necho 'no such module' >&2\nexit 1\n");
    await expect(find(unreachable)).rejects.toThrow(/go install: .*exit code 1: no such module/);
  });

  it("says what each step led to and what to install when all fail", async () => {
    await program(join(home, "path", "temporal"), "another program");
    const error = await find(unreachable).catch((cause: unknown) => cause);
    expect(error).toBeInstanceOf(Error);
    expect(String(error).split("\n")).toEqual([
      "Error: Temporal CLI 1.5.1 is needed and was not found:",
      expect.stringMatching(/^ {2}PATH: .*path\/temporal was passed over/),
      expect.stringMatching(/^ {2}cache: no temporal \(.*temporal-1\.5\.1\)/),
      expect.stringMatching(/^ {2}download: 127\.0\.0\.1:1 cannot be reached/),
      "  go install: no go on PATH",
      expect.stringMatching(/^To go on, install the Temporal CLI .*TUNELOOP_TEMPORAL_BINARY.*TEMPORAL_ADDRESS/),
    ]);
  });

  it("ends a download when it is told to", async () => {
    const server = createServer(() => {});
    releases = server;
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = server.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    const controller = new AbortController();
    server.once("request", () => controller.abort(new Error("enough")));
    await expect(
      findBinary(
        { ...unreachable, releaseUrl: `http://127.0.0.1:${port}/` },
        { environment: { HOME: home, PATH: "" }, report: () => {}, signal: controller.signal },
      ),
    ).rejects.toThrow("enough");
  });
});

describe("the pinned servers", () => {
  it.each([
    [temporalCli, "linux", "x64", "temporal_cli_1.5.1_linux_amd64.tar.gz"],
    [temporalCli, "darwin", "arm64", "temporal_cli_1.5.1_darwin_arm64.tar.gz"],
    [versitygw, "linux", "x64", "versitygw_v1.8.0_Linux_x86_64.tar.gz"],
    [versitygw, "darwin", "arm64", "versitygw_v1.8.0_Darwin_arm64.tar.gz"],
    [versitygw, "win32", "x64", null],
    [temporalCli, "linux", "ia32", null],
  ] as const)("name the archive of %o for %s on %s", (server, platform, architecture, name) => {
    expect(server.archive(platform, architecture)).toBe(name);
  });

  it.each([
    ["Version  : v1.8.0\nBuild    : abc", null],
    ["Version  : 1.10.2", null],
    ["Version  : git\nBuild    : norev", null],
    ["Version  : v1.0.9", "its version is 1.0, at least 1.8 is needed"],
    ["versity", "its --version says nothing of a version"],
  ])("judge versitygw by %j", (output, problem) => {
    expect(versitygw.versionProblem(output)).toBe(problem);
  });
});
