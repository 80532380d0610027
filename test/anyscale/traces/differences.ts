import type { Difference } from "../../support/recordings.ts";

/** A way in which our client differs from the official one on purpose. */
export interface KnownDifference {
  kind: Difference["kind"];
  /** Names of the recordings in which it is expected. */
  in: RegExp;
  /** Method and path, with `{id}` for every id. */
  call: RegExp;
  /** Of a change: the whole field's name. */
  field?: RegExp;
  reason: string;
}

/** Matches every name and call. */
const everywhere = /^/;

/** Every difference from the official client; one that is not here is a defect, and so is a row that no longer occurs. */
export const knownDifferences: readonly KnownDifference[] = [
  {
    kind: "changed",
    in: everywhere,
    call: everywhere,
    field: /^header (X-Anyscale-Client|User-Agent)$/,
    reason: "says what we are; nothing of the API depends on it",
  },
  {
    kind: "changed",
    in: everywhere,
    call: everywhere,
    field: /^header X-Anyscale-Client-Version$/,
    reason: "is the version of the official package",
  },
];

/** Whether a row is about this difference of this recording. */
export function covers(row: KnownDifference, recording: string, difference: Difference): boolean {
  return (
    row.kind === difference.kind &&
    row.in.test(recording) &&
    row.call.test(difference.call) &&
    (row.field === undefined || row.field.test(difference.field ?? ""))
  );
}
