/** A string or a number of a JSON text, with what may make a string the name of a field. */
const token = /"[^"\\]*(?:\\.[^"\\]*)*"(\s*:)?|-?\d[\d.eE+-]*/g;

/**
 * A JSON text in which `standIn`, or null, is in the place of each value that is the author; all else stays as it is, to the
 * letter.
 */
export function withoutAuthor(raw: string, author: string, standIn: string | null): string {
  const [name, instead] = [JSON.stringify(author), JSON.stringify(standIn)];
  return raw.replace(token, (value: string, isField: string | undefined) => {
    if (isField !== undefined) return value;
    const isAuthor = value === name || value === author || (value.includes("\\") && valueOf(value) === author);
    return isAuthor ? instead : value;
  });
}

/** The author that a refused item names, as chat records do; undefined when there is none. */
export function authorIn(raw: string): string | undefined {
  if (!raw.includes("author")) return undefined;
  const item = valueOf(raw);
  if (typeof item !== "object" || item === null || !("author" in item)) return undefined;
  return typeof item.author === "string" ? item.author : undefined;
}

/** What a JSON text says; undefined for what is none. */
function valueOf(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}
