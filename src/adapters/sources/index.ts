import type { SourceDefinition } from "../../domain/source-schema.ts";
import type { ObjectStore, SourceReader } from "../../ports.ts";
import { createS3JsonlReader } from "./s3-jsonl.ts";

/** The reader of each kind of source. */
export function createSourceReaders(
  own: ObjectStore,
  open: (uri: string) => ObjectStore,
): Record<SourceDefinition["kind"], SourceReader> {
  return { "s3-jsonl": createS3JsonlReader(own, open) };
}
