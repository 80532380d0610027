/** A real PostgreSQL for tests: a cluster of its own in a temporary directory, on a free port of loopback. */
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { accessSync, chownSync, constants, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { Client } from "pg";
import { findPort, LOOPBACK } from "../../src/dev/ports.ts";
import { waitFor } from "../../src/dev/wait.ts";

/** A running server with an empty database; its user may do anything and needs the password. */
export interface TestPostgres {
  /** `postgresql://user:password@127.0.0.1:port/database`. */
  url: string;
  password: string;
  /** Rows that a statement answers, over a connection of its own. */
  query(sql: string, values?: unknown[]): Promise<Record<string, unknown>[]>;
  /** Ends the server at once and removes its files. */
  stop(): Promise<void>;
}

const password = "not-a-secret-but-never-to-be-seen";

/** Directory of `initdb` and `postgres`: on PATH, else where Debian keeps them, the newest first; null when there are none. */
export function findPostgres(): string | null {
  const debian = "/usr/lib/postgresql";
  const versions = directories(debian).toSorted((a, b) => Number(b) - Number(a));
  const places = [
    ...(process.env["PATH"] ?? "").split(delimiter),
    ...versions.map((version) => join(debian, version, "bin")),
  ];
  return places.find((place) => ["initdb", "postgres"].every((name) => isExecutable(join(place, name)))) ?? null;
}

/**
 * What to name a suite that needs PostgreSQL, and whether to skip it: `describe.skipIf(postgres.missing)(...)`. Says once,
 * on standard error, that it is missing.
 */
export function postgresForTests(): { missing: boolean } {
  const missing = findPostgres() === null;
  if (missing)
    process.stderr.write("skipped what needs PostgreSQL: there is no initdb (Debian: apt install postgresql)\n");
  return { missing };
}

/** Starts a server; `stop()` it in `afterAll`. It also ends when this process dies. */
export async function startPostgres(): Promise<TestPostgres> {
  const binaries = findPostgres();
  if (binaries === null) throw new Error("there is no PostgreSQL here");
  const directory = await mkdtemp(join(tmpdir(), "tuneloop-postgres-"));
  const as = ordinaryUser();
  const passwordFile = join(directory, "password");
  writeFileSync(passwordFile, password);
  if (as !== null) for (const path of [directory, passwordFile]) chownSync(path, as.uid, as.gid);
  const data = join(directory, "data");
  const options = { ...as, env: { PATH: process.env["PATH"], LC_ALL: "C" }, cwd: directory };
  const init = ["-D", data, "-U", "tuneloop", "--auth=scram-sha-256", `--pwfile=${passwordFile}`, "-E", "UTF8"];
  execFileSync(join(binaries, "initdb"), [...init, "--no-sync"], { ...options, stdio: ["ignore", "ignore", "pipe"] });

  const port = await findPort(0, new Set());
  const server = [join(binaries, "postgres"), "-D", data, "-p", String(port), "-c", `listen_addresses=${LOOPBACK}`];
  const settings = ["unix_socket_directories=", "fsync=off", "max_connections=20"].flatMap((line) => ["-c", line]);
  const log = join(directory, "log");
  // The shell's standard input ends when this process does, however it does; then it ends the server.
  const script = 'log=$1; shift; "$@" >"$log" 2>&1 <&- & cat >/dev/null; kill -QUIT $!; wait $!';
  const child = spawn("/bin/sh", ["-c", script, "sh", log, ...server, ...settings], {
    ...options,
    stdio: ["pipe", "ignore", "ignore"],
    detached: true,
  });
  const url = `postgresql://tuneloop:${password}@${LOOPBACK}:${port}/postgres`;
  const query = (sql: string, values: unknown[] = []): Promise<Record<string, unknown>[]> => ask(url, sql, values);
  const stop = async (): Promise<void> => {
    const ended = child.exitCode === null ? once(child, "exit") : null;
    child.stdin.end();
    await ended;
    await rm(directory, { recursive: true, force: true });
  };
  try {
    await waitFor(() => query("SELECT 1"), { timeoutMs: 20_000 });
  } catch (error) {
    const said = readFileSync(log, "utf8");
    await stop();
    throw new Error(`PostgreSQL did not start:\n${said}`, { cause: error });
  }
  return { url, password, query, stop };
}

async function ask(url: string, sql: string, values: unknown[]): Promise<Record<string, unknown>[]> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 5_000 });
  // A server that is being stopped ends its connections.
  client.on("error", () => {});
  try {
    await client.connect();
    return (await client.query<Record<string, unknown>>(sql, values)).rows;
  } finally {
    await client.end();
  }
}

/** PostgreSQL refuses to run as root: then it runs as its own user, or as nobody. */
function ordinaryUser(): { uid: number; gid: number } | null {
  if (process.getuid?.() !== 0) return null;
  const accounts = readFileSync("/etc/passwd", "utf8").split("\n");
  for (const name of ["postgres", "nobody"]) {
    const [, , uid, gid] = accounts.find((line) => line.startsWith(`${name}:`))?.split(":") ?? [];
    if (uid !== undefined && gid !== undefined) return { uid: Number(uid), gid: Number(gid) };
  }
  throw new Error("PostgreSQL does not run as root, and there is no user postgres or nobody");
}

function directories(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
