/** YAML that people write: read, checked, and refused with file, line and field. */
import { readFileSync } from "node:fs";
import { isMap, isNode, isScalar, LineCounter, parseDocument, type Document } from "yaml";
import type { z } from "zod";

/** What a person has to mend in a file; a line for each problem. */
export class YamlFileError extends Error {}

/**
 * Reads a YAML (or JSON) file and checks it.
 *
 * @param what the whole is called where no field is to blame
 * @throws YamlFileError naming the file, and for each problem the line and the field
 */
export function readYamlFile<T extends z.ZodType>(file: string, schema: T, what: string): z.infer<T> {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    throw new YamlFileError(`${file}: cannot be read (${error instanceof Error ? error.message : String(error)})`);
  }
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines });
  const broken = document.errors[0];
  if (broken) throw new YamlFileError(`${file}: ${broken.message}`);
  const parsed = schema.safeParse(valueOf(document, file));
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map((issue) => {
    const offset = offsetOf(document, issue);
    const line = offset === null ? "" : `:${lines.linePos(offset).line}`;
    return `${file}${line}: ${issue.path.join(".") || what}: ${issue.message}`;
  });
  throw new YamlFileError(problems.join("\n"));
}

/** The document as a value. Throws for aliases that lead nowhere or grow without end. */
function valueOf(document: Document, file: string): unknown {
  try {
    return document.toJS();
  } catch (error) {
    throw new YamlFileError(`${file}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}

/** Where in the text a problem is: at the unknown key itself, else at the value, else at what should hold it. */
function offsetOf(document: Document, issue: z.core.$ZodIssue): number | null {
  const at = (path: PropertyKey[]): unknown => (path.length === 0 ? document.contents : document.getIn(path, true));
  const holder = at(issue.path);
  const unknown = issue.code === "unrecognized_keys" && isMap(holder) ? issue.keys[0] : undefined;
  const key = isMap(holder) ? holder.items.find((pair) => isScalar(pair.key) && pair.key.value === unknown)?.key : null;
  const node = [key, holder, at(issue.path.slice(0, -1))].find((candidate) => isNode(candidate));
  return node?.range?.[0] ?? null;
}
