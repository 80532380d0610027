/** Generated questions to the support of a game shop: with the topic as their label, or with an answer in free text. */
import { NAMES } from "./sample-frames.ts";
import type { SampleRandom } from "./sample-random.ts";
import { TOPICS } from "./sample-support.ts";

/** A question and what belongs to it. */
export interface SupportQuestion {
  text: string;
  topic: string;
  answer: string;
}

/** Games that people ask about: few enough that most are asked about again. */
const GAMES = NAMES.slice(0, 40);

/** Devices with what an answer says of where to find things; as all lists here from common to rare. */
const DEVICES: Readonly<Record<string, string>> = {
  "my PC": "On a PC that is in the library, by a right click.",
  "the PlayStation": "On a PlayStation press options on the tile of the game.",
  "my Xbox": "On an Xbox hold the menu button, then choose manage.",
  "the Switch": "On a Switch press plus and look at the support page.",
  "my phone": "On a phone swipe up from the bottom of the app.",
  "the Steam Deck": "On a Steam Deck press the button with the three dots.",
  "my Mac": "On a Mac hold control and click.",
  "my tablet": "On a tablet tap the gear in the corner.",
};

/** What stands before a question and after it. */
const GREETINGS = [
  "",
  "Hi, ",
  "Hello. ",
  "Hey there, ",
  "Please help: ",
  "Quick question: ",
  "Good evening. ",
] as const;
const ENDINGS = ["", "?", ".", ". Thanks.", ", what can I do?", " since yesterday.", ". Any idea?", "!!"] as const;
const CLOSINGS = ["", "Tell us if that did not help.", "Good luck!", "We are here until ten.", "Have fun."] as const;

/** Draws a topic by Zipf's law, words a question about it, and an answer. */
export function drawQuestion(random: SampleRandom): SupportQuestion {
  const topic = random.zipf(Object.keys(TOPICS));
  const { asks, causes, steps } = TOPICS[topic] ?? { asks: [], causes: [], steps: [] };
  const device = random.zipf(Object.keys(DEVICES));
  const game = random.zipf(GAMES);
  const filled = (text: string): string => text.replaceAll("{d}", device).replaceAll("{g}", game);
  const ask = random.wording(asks);
  const where = !ask.includes("{d}") && random.next() < 0.4 ? " on {d}" : "";
  const place = (ask + where).includes("{d}") ? (DEVICES[device] ?? "") : "";
  const said = [random.wording(causes), random.wording(steps), place, random.wording(CLOSINGS)];
  return {
    text: filled(random.wording(GREETINGS) + ask + where + random.wording(ENDINGS)),
    topic,
    answer: said
      .filter((sentence) => sentence !== "")
      .map(filled)
      .join(" "),
  };
}
