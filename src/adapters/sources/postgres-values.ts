/** How values of PostgreSQL come out as JSON, and what its errors mean. */
import { DatabaseError, types, type CustomTypesConfig } from "pg";
import { TypedFailure, type FailureType } from "../../domain/failures.ts";

/** Types (by their object id) of columns that hold a time. */
const timestamp = 1114;
const timestamptz = 1184;
const date = 1082;

const parsers: Record<number, (text: string) => unknown> = {
  16: (text) => text === "t",
  20: exactNumber,
  21: Number,
  23: Number,
  700: exactNumber,
  701: exactNumber,
  1700: exactNumber,
  114: parseJson,
  3802: parseJson,
  [timestamp]: isoTime,
  [timestamptz]: isoTime,
  ...Object.fromEntries([1000, 1005, 1007, 1009, 1015, 1016].map((list) => [list, types.getTypeParser(list)])),
};

/**
 * Numbers, true and false, JSON and lists of texts or numbers as such; times in ISO-8601, in UTC; whole numbers that
 * JavaScript cannot hold and every other type as the text that PostgreSQL writes.
 */
export const jsonTypes: CustomTypesConfig = {
  getTypeParser: (type: number) => parsers[type] ?? ((text: string) => text),
};

/** Whether a column of the type says when something was. */
export function isTime(type: number): boolean {
  return [timestamp, timestamptz, date].includes(type);
}

/** PostgreSQL writes times of UTC with a blank and without Z; what is no time of our calendar stays as it is. */
export function isoTime(text: string): string {
  const [, day, time] = /^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d(?:\.\d+)?)(?:\+00)?$/.exec(text) ?? [];
  return day === undefined ? text : `${day}T${time}Z`;
}

function exactNumber(text: string): number | string {
  const number = Number(text);
  if (!Number.isFinite(number)) return text;
  return Number.isSafeInteger(number) || !Number.isInteger(number) ? number : text;
}

function parseJson(text: string): unknown {
  return JSON.parse(text);
}

/** What went wrong at the database, without values of rows or parts of its address in it. */
export function postgresFailure(source: { id: string; urlSecret: string }, error: unknown): TypedFailure {
  if (error instanceof TypedFailure) return error;
  const code = codeOf(error);
  const message = error instanceof Error ? error.message : String(error);
  const [type, meaning] = error instanceof DatabaseError ? ofServer(code, message) : ofConnection(code, message);
  // The error itself stays here: it holds the connection's settings.
  return new TypedFailure(type, `source ${source.id}: ${meaning.replace("$URL", source.urlSecret)}`);
}

function ofServer(code: string, message: string): [FailureType, string] {
  switch (code) {
    case "28000":
    case "28P01":
      return ["Refused", `the database refuses the login (${message}): check the address in $URL`];
    case "3D000":
      return ["NotFound", `${message}: check the address in $URL`];
    case "42501":
      return ["Refused", `${message}: GRANT SELECT on it to the user in $URL`];
    case "57014":
      return [
        "Unavailable",
        "the database stopped the query: add an index on cursorColumn, or raise statementTimeoutSeconds",
      ];
  }
  if (message.startsWith("bind message")) return ["InvalidInput", "query: it takes no parameters such as $1"];
  // The first two signs are the class. Messages of these hold values.
  if (/^(21|22|P0)/.test(code))
    return ["InvalidInput", `query: a value of a row does not fit what is done with it (${code})`];
  if (code.startsWith("25")) return ["InvalidInput", `query: ${message}: it may read only`];
  if (code.startsWith("42") || code === "0A000") return ["InvalidInput", `query: ${message}`];
  return ["Unavailable", `the database answers ${code}: ${message}`];
}

/** What stands in the way to a database, by the code and message of an error that it did not send; `$URL` for its address. */
export function ofConnection(code: string, message: string): [FailureType, string] {
  if (message.includes("does not support SSL"))
    return ["Refused", "the database offers no TLS: take sslmode out of the address in $URL, or switch TLS on there"];
  if (/CERT|ALTNAME|SELF_SIGNED|UNABLE_TO_VERIFY/.test(code))
    return [
      "Refused",
      `the database's certificate is not trusted (${code}): name its authority by sslrootcert in $URL`,
    ];
  if (code === "ENOTFOUND") return ["Unavailable", "the database's host is not known: check the address in $URL"];
  return ["Unavailable", `the database cannot be reached (${code === "" ? message : code}): check the address in $URL`];
}

/** The code of an error of the database or the network; empty when there is none. */
export function codeOf(error: unknown): string {
  return typeof error === "object" && error !== null && "code" in error && typeof error.code === "string"
    ? error.code
    : "";
}
