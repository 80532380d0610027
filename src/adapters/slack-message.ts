/** Alerts as Slack shows them: Block Kit, with a text for notifications and for programs that show no blocks. */
import type { KnownBlock } from "@slack/types";
import type { Alert } from "../domain/alert-schema.ts";

/** What a message is made of. */
export interface SlackMessage {
  /** The fallback. */
  text: string;
  blocks: KnownBlock[];
}

/** Limits of Block Kit, in characters and blocks. */
const most = { header: 150, section: 3000, fields: 10, field: 2000, blocks: 50 } as const;
/** Of the fallback; Slack cuts texts that are much longer. */
const longestText = 3000;

const marks = { info: "✅", warning: "⚠️", error: "🛑" } as const;
const underWay = "⏳";

/** The first message of a cycle's thread: what it has come to, or how far it is. */
export function headline(alert: Alert): SlackMessage {
  return message(alert, [header(alert), ...facts(alert), ...links(alert)]);
}

/** The message in the thread: why, and what to do. */
export function details(alert: Alert): SlackMessage {
  return message(alert, [...sentences(alert), ...steps(alert), ...links(alert)]);
}

/** All in one message. */
export function whole(alert: Alert): SlackMessage {
  return message(alert, [header(alert), ...sentences(alert), ...facts(alert), ...steps(alert), ...links(alert)]);
}

function message(alert: Alert, blocks: KnownBlock[]): SlackMessage {
  const lines = [`${markOf(alert)} ${alert.title}`, ...alert.text].map(oneLine);
  const text = fitted(lines.join("\n"), longestText, escaped);
  return { text, blocks: blocks.slice(0, most.blocks) };
}

function markOf({ kind, severity }: Alert): string {
  return kind === "phase" ? underWay : marks[severity];
}

function header(alert: Alert): KnownBlock {
  const text = fitted(`${markOf(alert)} ${oneLine(alert.title)}`, most.header, escaped);
  return { type: "header", text: { type: "plain_text", text, emoji: false } };
}

/** Sentences as a list, in as many sections as they need. */
function sentences({ text }: Alert): KnownBlock[] {
  const sections: string[] = [];
  for (const sentence of text) {
    const line = `• ${fitted(oneLine(sentence), most.section - 2, escaped)}`;
    const last = sections.at(-1);
    if (last !== undefined && last.length + line.length + 1 <= most.section)
      sections[sections.length - 1] = `${last}\n${line}`;
    else sections.push(line);
  }
  return sections.map(section);
}

function facts({ facts }: Alert): KnownBlock[] {
  if (facts.length === 0) return [];
  const fields = facts.slice(0, most.fields).map(({ name, value }) => ({
    type: "mrkdwn" as const,
    text: `*${fitted(oneLine(name), 200, escaped)}*\n${fitted(oneLine(value), most.field - 300, escaped)}`,
    verbatim: true,
  }));
  return [{ type: "section", fields }];
}

function steps({ next }: Alert): KnownBlock[] {
  return next.map(({ what, command }) => {
    const said = fitted(oneLine(what), 200, escaped);
    // Backticks would end the block of code early.
    const typed = fitted(oneLine(command).replaceAll("`", "'"), most.section - said.length - 20, escaped);
    return section(`${said}:\n\`\`\`${typed}\`\`\``);
  });
}

/** Web addresses can be followed; others are shown. */
function links({ links }: Alert): KnownBlock[] {
  const shown = links.slice(0, most.fields).map(({ name, uri }) => {
    const label = fitted(oneLine(name), 100, escaped);
    const place = fitted(oneLine(uri).replaceAll("`", "'"), 1000, escaped);
    return isPlainLink(uri) ? `<${place}|${label}>` : `${label}: \`${place}\``;
  });
  if (shown.length === 0) return [];
  return [{ type: "context", elements: shown.map((text) => ({ type: "mrkdwn", text, verbatim: true })) }];
}

/** `verbatim`: Slack makes no links, channels or people of what it finds in the text. */
function section(text: string): KnownBlock {
  return { type: "section", text: { type: "mrkdwn", text, verbatim: true } };
}

/** One word that cannot end its link early. */
function isPlainLink(uri: string): boolean {
  return uri.length <= 1000 && /^https?:\/\/[^\s<>|`]+$/.test(uri);
}

/** What would end a line or turn its direction round: C0 and C1 controls, separators and bidirectional marks. */
const unprintable = /[\p{Cc}\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]+/gu;

function oneLine(text: string): string {
  return text.replace(unprintable, " ");
}

/** The three characters that Slack reads as its own: with them go links, mentions and `<!here>`. */
function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

/** The text as `write` writes it, cut between characters so that it has at most so many. */
function fitted(text: string, longest: number, write: (text: string) => string): string {
  if (write(text).length <= longest) return write(text);
  let characters = Array.from(text).slice(0, longest - 1);
  while (write(characters.join("")).length >= longest) {
    const over = write(characters.join("")).length - longest + 1;
    // The longest way to write a character takes five.
    characters = characters.slice(0, characters.length - Math.max(1, Math.ceil(over / 5)));
  }
  return `${write(characters.join(""))}…`;
}
