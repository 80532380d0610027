import { appendFileSync, mkdirSync, readFileSync } from "node:fs";
import { dirname } from "node:path";
import { z } from "zod";

const entrySchema = z.object({
  time: z.string(),
  method: z.string(),
  /** Without query, which may hold signatures. */
  path: z.string(),
  /** Job or service concerned; null when the call concerns none. */
  name: z.string().nullable(),
  /** Id of that job or service, also of one that the call created. */
  id: z.string().nullable(),
  /** `X-Anyscale-Client`, else the user agent. */
  caller: z.string(),
  /** Status that the caller got; null when it got no answer. */
  status: z.number().nullable(),
  /** Status of what the call did; null when a fault kept it from doing anything. */
  acted: z.number().nullable(),
  /** What was asked for, without environment or tokens. */
  request: z.record(z.string(), z.unknown()),
});
/** One call of the API, as it went. */
export type LedgerEntry = z.infer<typeof entrySchema>;

/** Every call of the API, one JSON line each, over all lives of the emulator on one state directory. */
export class Ledger {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
    mkdirSync(dirname(path), { recursive: true });
    // So that a line which a kill -9 cut off does not take the next one with it.
    appendFileSync(path, "\n");
  }

  /** Written when it returns. */
  append(entry: LedgerEntry): void {
    appendFileSync(this.#path, `${JSON.stringify(entry)}\n`);
  }

  /** Entries in order, of one name or of all. A line cut off by a kill -9 is left out. */
  read(name: string | null): LedgerEntry[] {
    const entries: LedgerEntry[] = [];
    for (const line of readFileSync(this.#path, "utf8").split("\n")) {
      const entry = entryOf(line);
      if (entry !== null && (name === null || entry.name === name)) entries.push(entry);
    }
    return entries;
  }
}

function entryOf(line: string): LedgerEntry | null {
  try {
    return entrySchema.parse(JSON.parse(line));
  } catch {
    return null;
  }
}
