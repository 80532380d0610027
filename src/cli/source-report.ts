import { countText, cut, printable, wrapped } from "./printable.ts";
import type { SourceTrial } from "./source-try.ts";

/** Longest word in front of a text. */
const nameWidth = 10;

/** A trial as lines of at most `width` columns: what an item says is cut, what is said of it is not. */
export function describeTrial(trial: SourceTrial, width: number): string {
  const { items, leftOut } = trial;
  const lines = items.flatMap((item, index) => [
    `${String(index + 1).padStart(2)}  ${printable(item.at)}`,
    ...("chat" in item ? chatLines(item) : refusedLines(item.reason, width)),
  ]);
  if (leftOut.count > 0) {
    lines.push(`Left out: ${itemsText(leftOut.count)}, such as`);
    lines.push(...leftOut.first.flatMap(({ at, leftOut }) => [`    ${printable(at)}`, named("", leftOut)]));
  }
  lines.push(...wrapped(summary(trial), width));
  return lines.map((line) => `${cut(line.trimEnd(), width)}\n`).join("");
}

function chatLines(item: Extract<SourceTrial["items"][number], { chat: object }>): string[] {
  const { messages, id, author, group, labels = {} } = item.chat;
  const facts: [string, string | undefined][] = [
    ["id", id],
    ["author", author],
    ["group", group],
    ["received", item.receivedAt],
    ...Object.entries(labels).map(([name, value]): [string, string] => [`#${name}`, String(value)]),
  ];
  return [
    ...messages.map(({ role, content }) => named(role, content)),
    ...facts.flatMap(([name, value]) => (value === undefined ? [] : [named(name, value)])),
  ];
}

function refusedLines(reason: string, width: number): string[] {
  const [first = "", ...rest] = wrapped(printable(reason), width - nameWidth - 5);
  return [named("refused", first), ...rest.map((line) => named("", line))];
}

function named(name: string, text: string): string {
  return `    ${printable(name).padEnd(nameWidth)} ${printable(text)}`;
}

function summary({ source, kind, items, leftOut, ended }: SourceTrial): string {
  const records = items.filter((item) => "chat" in item).length;
  const met = items.length + leftOut.count;
  const of = `${source} (${kind})`;
  if (met === 0) return ended ? `${of} has no items.` : `${of}: no item was read.`;
  const counts = [
    records === 1 ? "1 record" : `${countText(records)} records`,
    `${countText(items.length - records)} refused`,
    `${countText(leftOut.count)} left out`,
  ];
  return `${of}: ${itemsText(met)}, ${counts.join(", ")}; ${ended ? "that is all" : "there is more"}.`;
}

function itemsText(count: number): string {
  return count === 1 ? "1 item" : `${countText(count)} items`;
}
