import { randomBytes } from "node:crypto";

/** An opaque id in Anyscale's form: `<prefix>_<24 hex digits>`. */
export function newId(prefix: string): string {
  return `${prefix}_${randomBytes(12).toString("hex")}`;
}

/** The present time as the API writes it. */
export function now(): string {
  return new Date().toISOString();
}
