/** A line of a file of one's own, as it stands in an error: such files are imported under the hash of their content. */
const ownLine = /([\w.-]{1,100})\?sha256=[0-9a-f]{64}:(\d+)/;

/**
 * That a metric pack has thrown, in words that histories and alerts may hold: what kind of error and, for a file of one's
 * own, in which line. Not its message, which may quote an answer, as that of JSON.parse does.
 */
export function packFailure(pack: string, error: unknown): string {
  const kind = error instanceof Error && /^\w{1,60}$/.test(error.name) ? error.name : "something that is no error";
  const [, file, line] = (error instanceof Error && ownLine.exec(error.stack ?? "")) || [];
  return `metric pack ${pack} failed with ${kind}${file === undefined ? "" : ` in line ${line} of ${file}`}`;
}
