import type { z } from "zod";
import { PreconditionFailed, TypedFailure } from "../src/domain/failures.ts";
import type { ObjectStore } from "../src/ports.ts";
import { firstIssue } from "./failures.ts";

/** Reads a JSON document and checks it; null when there is none. Throws InvalidData on a document of another shape. */
export async function readDocument<T extends z.ZodType>(
  store: ObjectStore,
  key: string,
  schema: T,
): Promise<{ value: z.infer<T>; etag: string } | null> {
  const object = await store.get(key);
  if (object === null) return null;
  return { value: parseJson(schema, object.body.toString("utf8"), key), etag: object.etag };
}

/**
 * Parses a line of a JSONL object and checks it. Throws InvalidData that names the object, the line's number (from 1) and
 * the field, and nothing that the line says: failures are kept in history.
 */
export function parseLine<T extends z.ZodType>(
  schema: T,
  line: string,
  at: { key: string; number: number },
): z.infer<T> {
  return parseJson(schema, line, `${at.key}#${at.number}`);
}

/** Reads a document that must be there. Throws NotFound. */
export async function needDocument<T extends z.ZodType>(
  store: ObjectStore,
  key: string,
  schema: T,
): Promise<z.infer<T>> {
  const document = await readDocument(store, key, schema);
  if (document === null) throw new TypedFailure("NotFound", `${store.uri(key)}: no such object`);
  return document.value;
}

/** Writes a JSON document that people can read. */
export async function writeDocument(store: ObjectStore, key: string, value: unknown): Promise<void> {
  await store.put(key, `${JSON.stringify(value, null, 2)}\n`, { contentType: "application/json" });
}

/** Writes a JSON document that never changes. False, and nothing written, when there is one of its key already. */
export async function writeOnce(store: ObjectStore, key: string, value: unknown): Promise<boolean> {
  try {
    await store.put(key, `${JSON.stringify(value, null, 2)}\n`, {
      contentType: "application/json",
      condition: { ifNoneMatch: "*" },
    });
    return true;
  } catch (error) {
    if (error instanceof PreconditionFailed) return false;
    throw error;
  }
}

/**
 * Changes a document that others change too: reads, applies `change` and writes by If-Match, again from the start when
 * somebody was quicker. `change` returns the same object for no change.
 */
export async function updateDocument<T extends z.ZodType>(
  store: ObjectStore,
  key: string,
  schema: T,
  change: (current: z.infer<T> | null) => z.infer<T>,
): Promise<z.infer<T>> {
  for (let attempt = 1; ; attempt++) {
    const current = await readDocument(store, key, schema);
    const next = change(current?.value ?? null);
    if (next === current?.value) return next;
    try {
      await store.put(key, `${JSON.stringify(next, null, 2)}\n`, {
        contentType: "application/json",
        condition: current === null ? { ifNoneMatch: "*" } : { ifMatch: current.etag },
      });
      return next;
    } catch (error) {
      if (!(error instanceof PreconditionFailed) || attempt === 20) throw error;
    }
  }
}

function parseJson<T extends z.ZodType>(schema: T, text: string, place: string): z.infer<T> {
  const parsed = schema.safeParse(jsonOf(text, place));
  if (!parsed.success) throw new TypedFailure("InvalidData", `${place}: ${firstIssue(parsed.error)}`);
  return parsed.data;
}

function jsonOf(text: string, place: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Without its cause, which quotes the text.
    throw new TypedFailure("InvalidData", `${place}: not JSON`);
  }
}
