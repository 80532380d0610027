/**
 * Tells whether a path itself is left out; whoever walks does not enter a directory that is. The path is relative, with `/`
 * between its parts.
 */
export type Ignore = (path: string, isDirectory: boolean) => boolean;

/**
 * The meaning of the lines of a `.gitignore`: comments, `!` to take back, `/` at the start or inside to anchor, `/` at the end for
 * directories only, `*`, `?`, `[...]` and `**`. The last line that matches decides.
 */
export function ignorePatterns(lines: readonly string[]): Ignore {
  const rules = lines.flatMap((line) => ruleOf(line) ?? []);
  return (path, isDirectory) => {
    const subject = isDirectory ? `${path}/` : path;
    return rules.findLast(({ pattern }) => pattern.test(subject))?.ignores ?? false;
  };
}

function ruleOf(line: string): { pattern: RegExp; ignores: boolean } | null {
  // A space at the end counts only after a backslash.
  const text = line.replace(/\r$/, "").replace(/(?<!\\)\s+$/, "");
  if (text === "" || text.startsWith("#")) return null;
  const ignores = !text.startsWith("!");
  const glob = ignores ? text : text.slice(1);
  const path = glob.replace(/\/$/, "");
  const segments = path.replace(/^\//, "").split("/");
  let source = path.includes("/") ? "^" : "^(?:.*/)?";
  segments.forEach((segment, index) => {
    const isLast = index === segments.length - 1;
    // More stars than two are the same to git, when a segment has nothing else.
    if (/^\*{2,}$/.test(segment)) source += isLast ? ".+" : "(?:[^/]+/)*";
    // A segment matches a name, never the nothing behind a directory's slash.
    else source += `(?=[^/])${sourceOf(segment)}${isLast ? "" : "/"}`;
  });
  try {
    return { pattern: new RegExp(source + (glob.endsWith("/") ? "/$" : "/?$"), "s"), ignores };
  } catch {
    // A range such as [z-a], which nothing is in.
    return null;
  }
}

/** A glob without `/` as the source of a regular expression. */
function sourceOf(glob: string): string {
  const token = /\\(.)|\[(!|\^)?(\]?(?:\\.|[^\]\\])*)\]|\*+|\?|[^]/gu;
  return glob.replace(token, (text: string, escaped?: string, negation?: string, members?: string) => {
    if (escaped !== undefined) return literal(escaped);
    if (members !== undefined && members !== "")
      return `[${negation ? "^/" : ""}${members.replaceAll("[", "\\[").replace(/^\]/, "\\]")}]`;
    if (text.startsWith("*")) return "[^/]*";
    return text === "?" ? "[^/]" : literal(text);
  });
}

function literal(text: string): string {
  return text.replaceAll(/[\\^$.*+?()[\]{}|/-]/g, String.raw`\$&`);
}
