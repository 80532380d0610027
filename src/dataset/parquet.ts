/** Records as a Parquet file, in pieces. */
import type { SchemaElement } from "hyparquet";
import { ByteWriter, ParquetWriter } from "hyparquet-writer";
import type { TrainingRecord } from "../domain/record-schema.ts";
import type { ExportShape } from "./export.ts";

/** A row group is written when it has so many records or characters: what a file costs in memory. */
const groupRecords = 20_000;
const groupCharacters = 16 * 1024 * 1024;

/** `messages` as a list of `{role, content}`, the shape that other writers give such a column. */
const messages: SchemaElement[] = [
  {
    name: "messages",
    converted_type: "LIST",
    logical_type: { type: "LIST" },
    repetition_type: "REQUIRED",
    num_children: 1,
  },
  { name: "list", repetition_type: "REPEATED", num_children: 1 },
  { name: "element", repetition_type: "REQUIRED", num_children: 2 },
  text("role"),
  text("content"),
];

/** Columns of each shape. Labels differ from record to record: they are JSON. */
const columns = {
  chat: ["messages"],
  whole: ["id", "messages", "source", "sourceItem", "receivedAt", "author", "group", "labels"],
} as const;

/** The bytes of a Parquet file of records, one row group at a time. */
export async function* toParquet(
  records: AsyncIterable<TrainingRecord>,
  shape: ExportShape,
): AsyncGenerator<Uint8Array> {
  const writer = new ByteWriter();
  const file = new ParquetWriter({ writer, schema: schemaOf(shape), createdBy: "tuneloop" });
  let group: TrainingRecord[] = [];
  let characters = 0;
  for await (const record of records) {
    group.push(record);
    for (const { content } of record.messages) characters += content.length;
    if (group.length < groupRecords && characters < groupCharacters) continue;
    await writeGroup(file, group, shape);
    yield taken(writer);
    [group, characters] = [[], 0];
  }
  await writeGroup(file, group, shape);
  await file.finish();
  yield taken(writer);
}

function schemaOf(shape: ExportShape): SchemaElement[] {
  const names = columns[shape];
  const elements = names.flatMap((name) => {
    if (name === "messages") return messages;
    return [text(name, name === "author" ? "OPTIONAL" : "REQUIRED")];
  });
  return [{ name: "root", num_children: names.length }, ...elements];
}

function text(name: string, repetition: "REQUIRED" | "OPTIONAL" = "REQUIRED"): SchemaElement {
  return {
    name,
    type: "BYTE_ARRAY",
    converted_type: "UTF8",
    logical_type: { type: "STRING" },
    repetition_type: repetition,
  };
}

async function writeGroup(file: ParquetWriter, group: readonly TrainingRecord[], shape: ExportShape): Promise<void> {
  const columnData = columns[shape].map((name) => ({
    name,
    data: group.map((record) => (name === "labels" ? JSON.stringify(record.labels) : record[name])),
  }));
  await file.write({ columnData, rowGroupSize: group.length || 1 });
}

/** What has been written since the last time. Positions in the file go on. */
function taken(writer: ByteWriter): Uint8Array {
  const bytes = new Uint8Array(writer.buffer.slice(0, writer.index));
  writer.index = 0;
  return bytes;
}
