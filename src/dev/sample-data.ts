/**
 * Generated sample data: sentences about invented games, each with the frame it was made from, or questions to the support
 * of a game shop, with their topic or with an answer. What is said is drawn first and worded then, so outputs are right
 * by construction; rare wordings, wordings that training never sees, and a few typos keep it from being easy. Scores on it
 * say that a loop works, not how good a model is.
 */
import { renderFrame } from "../recipes/embedded/frame.ts";
import { seededRandom } from "../recipes/embedded/random.ts";
import type { ChatItem } from "../domain/record-schema.ts";
import { drawFrame } from "./sample-frames.ts";
import { drawQuestion } from "./sample-questions.ts";
import { SampleRandom } from "./sample-random.ts";
import { OPENINGS } from "./sample-sentences.ts";
import { wordFrame } from "./sample-text.ts";

/** The two communities the sentences come from; they talk a little differently. */
export const SAMPLE_SOURCES = ["discord", "twitch"] as const;
export type SampleSource = (typeof SAMPLE_SOURCES)[number];

/** What to generate. */
export interface SampleOptions {
  /** Equal options give equal items; other seeds give other items. */
  seed: number;
  count: number;
  /** `train` never uses the wordings that are kept for `test`. */
  split: "train" | "test";
  /** Where all items come from; without it, from both in turn. */
  source?: SampleSource;
  /** What the outputs are: frames (default), topics of questions as labels, or answers to questions in free text. */
  outputs?: "frames" | "labels" | "answers";
  /** Whether every item has the output of another item, as from a labelling job that lost count. Default false. */
  wrongLabels?: boolean;
}

/** A chat item with all optional fields that an export has, and where it comes from. */
export type SampleItem = ChatItem & { id: string; receivedAt: string; author: string; source: SampleSource };

/** Share of long lower-case words with a typo. */
const TYPO_SHARE = 0.02;
const FIRST_RECEIVED = Date.parse("2026-01-05T08:00:00Z");
const SYSTEM = {
  frames:
    "Turn the sentence about a game into one function call: function(attribute[value], ...). Answer with the call only.",
  labels: "Say what the question to the support of a game shop is about, by the name of its topic and nothing else.",
  answers: "You answer questions to the support of a game shop.",
} as const;

/** Generates `count` items with different texts. Takes about 10 ms per 1,000. */
export function generateSample(options: SampleOptions): SampleItem[] {
  const random = new SampleRandom(seededRandom(options.seed), options.split);
  const kind = options.outputs ?? "frames";
  const examples = new Map<string, { output: string; source: SampleSource }>();
  while (examples.size < options.count) {
    const source = options.source ?? SAMPLE_SOURCES[examples.size % SAMPLE_SOURCES.length] ?? "discord";
    const { text, output } = kind === "frames" ? drawSentence(source, random) : drawSupport(kind, random);
    if (!examples.has(text)) examples.set(text, { output, source });
  }
  const outputs = Array.from(examples.values(), ({ output }) => output);
  return Array.from(examples, ([text, { output, source }], number) => ({
    messages: [
      { role: "system" as const, content: SYSTEM[kind] },
      { role: "user" as const, content: text },
      { role: "assistant" as const, content: options.wrongLabels === true ? otherOutput(outputs, number) : output },
    ],
    id: `${source}-${options.split}-${options.seed}-${number}`,
    receivedAt: new Date(FIRST_RECEIVED + number * 60_000).toISOString(),
    author: `${source}-user-${Math.floor(random.next() * 60)}`,
    source,
  }));
}

/** A sentence about a game and its frame. */
function drawSentence(source: SampleSource, random: SampleRandom): { text: string; output: string } {
  const frame = drawFrame(random);
  const kept = frame.slots.map(({ value }) => value);
  const text = styled(withTypos(wordFrame(frame, random), kept, random), source, random);
  return { text, output: renderFrame(frame) };
}

/** A question to the support and its topic or answer. */
function drawSupport(kind: "labels" | "answers", random: SampleRandom): { text: string; output: string } {
  const { text, topic, answer } = drawQuestion(random);
  return { text: withTypos(text, [], random), output: kind === "labels" ? topic : answer };
}

/** The next output that differs from the item's own; its own when there is no other. */
function otherOutput(outputs: readonly string[], number: number): string {
  const own = outputs[number] ?? "";
  return [...outputs.slice(number + 1), ...outputs.slice(0, number)].find((output) => output !== own) ?? own;
}

/** Discord chats in contractions; Twitch is shorter and often leaves the last full stop out. */
function styled(text: string, source: SampleSource, random: SampleRandom): string {
  const opening = random.next() < (source === "discord" ? 0.35 : 0.15) ? random.wording(OPENINGS) : "";
  const said = opening + text.replaceAll(/\bI were\b/g, "I was");
  if (source === "twitch") return random.next() < 0.4 ? said.replace(/\.$/, "") : said;
  return said.replaceAll(/\b(it|that) is\b/gi, "$1's").replaceAll(/\b(do|did) not\b/g, "$1n't");
}

/** Swaps two inner letters of a few long lower-case words, but never inside a value that the output copies. */
function withTypos(text: string, values: readonly string[], random: SampleRandom): string {
  const kept = new Set(values.flatMap((value) => value.split(/[^a-z]+/)));
  return text.replace(/(?<![\p{L}\d])[a-z]{6,}(?![\p{L}\d])/gu, (word) => {
    if (random.next() >= TYPO_SHARE || kept.has(word)) return word;
    const at = 1 + Math.floor(random.next() * (word.length - 3));
    return word.slice(0, at) + word.charAt(at + 1) + word.charAt(at) + word.slice(at + 2);
  });
}
