/** The two server programs that the local stack runs, the versions it is known to work with, and where they come from. */

/** A server program of a pinned version. */
export interface PinnedServer {
  /** Name of its executable. */
  name: string;
  /** What people call it. */
  title: string;
  /** The version that is downloaded or built. */
  version: string;
  /** Environment variable that may hold the path of an executable to use instead of any search. */
  pathVariable: string;
  /** Directory of the release: archives, and `checksums.txt` with their SHA-256. */
  releaseUrl: string;
  /** File name of the release archive for this machine; null when none is published. */
  archive(platform: NodeJS.Platform, architecture: string): string | null;
  /** Go package with the version to build. */
  goPackage: string;
  /** Reads the output of `--version`; answers why this version cannot be used, or null when it can. */
  versionProblem(output: string): string | null;
  /** What a person can do when all else fails; a sentence each. */
  advice: readonly string[];
}

/** Temporal's CLI, which has the dev server and its web UI inside. */
export const temporalCli: PinnedServer = {
  name: "temporal",
  title: "Temporal CLI",
  version: "1.5.1",
  pathVariable: "TUNELOOP_TEMPORAL_BINARY",
  releaseUrl: "https://github.com/temporalio/cli/releases/download/v1.5.1/",
  archive(platform, architecture) {
    const machine = goMachine(platform, architecture);
    return machine === null ? null : `temporal_cli_1.5.1_${machine.os}_${machine.architecture}.tar.gz`;
  },
  goPackage: "github.com/temporalio/cli/cmd/temporal@v1.5.1",
  // The server inside counts: a build by `go install` does not know the version of the CLI itself.
  versionProblem: (output) => olderThan(/\(Server (\d+)\.(\d+)\./, output, "server", [1, 29]),
  advice: [
    "install the Temporal CLI (https://docs.temporal.io/cli) so that `temporal` is on PATH",
    "set TUNELOOP_TEMPORAL_BINARY to the path of one",
    "set TEMPORAL_ADDRESS to a Temporal server that already runs",
  ],
};

/** An S3 server on plain files, with conditional writes. */
export const versitygw: PinnedServer = {
  name: "versitygw",
  title: "S3 server versitygw",
  version: "1.8.0",
  pathVariable: "TUNELOOP_VERSITYGW_BINARY",
  releaseUrl: "https://github.com/versity/versitygw/releases/download/v1.8.0/",
  archive(platform, architecture) {
    const machine = goMachine(platform, architecture);
    if (machine === null) return null;
    const os = machine.os === "linux" ? "Linux" : "Darwin";
    return `versitygw_v1.8.0_${os}_${machine.architecture === "amd64" ? "x86_64" : "arm64"}.tar.gz`;
  },
  goPackage: "github.com/versity/versitygw/cmd/versitygw@v1.8.0",
  versionProblem(output) {
    // A build by `go install` calls itself "git"; the stack tries conditional writes at each start anyway.
    return /^Version\s*: git$/m.test(output)
      ? null
      : olderThan(/^Version\s*: v?(\d+)\.(\d+)\./m, output, "version", [1, 8]);
  },
  advice: [
    "install versitygw (https://github.com/versity/versitygw/releases) so that it is on PATH",
    "set TUNELOOP_VERSITYGW_BINARY to the path of one",
    "set AWS_ENDPOINT_URL, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY to an S3 server that already runs",
  ],
};

function goMachine(platform: NodeJS.Platform, architecture: string): { os: string; architecture: string } | null {
  if (platform !== "linux" && platform !== "darwin") return null;
  if (architecture !== "x64" && architecture !== "arm64") return null;
  return { os: platform, architecture: architecture === "x64" ? "amd64" : "arm64" };
}

function olderThan(pattern: RegExp, output: string, what: string, minimum: [number, number]): string | null {
  const match = pattern.exec(output);
  if (match === null) return `its --version says nothing of a ${what}`;
  const [major, minor] = [Number(match[1]), Number(match[2])];
  if (major > minimum[0] || (major === minimum[0] && minor >= minimum[1])) return null;
  return `its ${what} is ${major}.${minor}, at least ${minimum.join(".")} is needed`;
}
