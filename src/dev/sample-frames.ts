import type { Frame, Slot } from "../recipes/embedded/frame.ts";
import { seededRandom } from "../recipes/embedded/random.ts";
import { NAME_PARTS, SPECIFIERS, WORDED } from "./sample-grammar.ts";
import { SampleRandom } from "./sample-random.ts";
import { QUESTIONS } from "./sample-sentences.ts";

/** Attributes in the order in which frames have them. */
const ATTRIBUTES = [
  "name",
  "release_year",
  "developer",
  "esrb",
  "rating",
  "genres",
  "player_perspective",
  "has_multiplayer",
  "platforms",
  "available_on_steam",
  "has_linux_release",
  "has_mac_release",
  "specifier",
];

const PLATFORMS = ["PlayStation", "Xbox", "Nintendo Switch", "PC"];
/** Names of the invented games. */
export const NAMES = namePool(160, NAME_PARTS.first, NAME_PARTS.second, NAME_PARTS.end);
const STUDIOS = namePool(48, NAME_PARTS.studio, NAME_PARTS.studioEnd);

/** How often a function occurs, what it always says, and how many further attributes it may have. */
const FUNCTIONS: readonly { fn: string; weight: number; always: string[]; fewest: number; most: number }[] = [
  { fn: "inform", weight: 36, always: ["name"], fewest: 2, most: 5 },
  { fn: "give_opinion", weight: 11, always: ["name", "rating"], fewest: 1, most: 3 },
  { fn: "verify_attribute", weight: 11, always: ["name", "rating"], fewest: 1, most: 2 },
  { fn: "request", weight: 8, always: ["specifier"], fewest: 1, most: 2 },
  { fn: "recommend", weight: 8, always: ["name"], fewest: 1, most: 2 },
  { fn: "suggest", weight: 8, always: ["name"], fewest: 1, most: 2 },
  { fn: "confirm", weight: 8, always: ["name"], fewest: 1, most: 2 },
  { fn: "request_explanation", weight: 7, always: ["rating"], fewest: 1, most: 2 },
  { fn: "request_attribute", weight: 3, always: [], fewest: 0, most: 0 },
];

/** Draws a frame: function, attributes, values. */
export function drawFrame(random: SampleRandom): Frame {
  let left = random.next() * FUNCTIONS.reduce((sum, { weight }) => sum + weight, 0);
  const drawn = FUNCTIONS.find(({ weight }) => (left -= weight) <= 0) ?? FUNCTIONS[0];
  if (drawn === undefined || drawn.fn === "request_attribute") {
    const attribute = random.zipf(Object.keys(QUESTIONS));
    return { fn: "request_attribute", slots: [{ attribute, value: "" }] };
  }
  const count = drawn.fewest + Math.floor(random.next() * (drawn.most - drawn.fewest + 1));
  const free = ATTRIBUTES.filter((name) => !["name", "specifier", ...drawn.always].includes(name));
  // An opinion says what somebody thinks of a game; only plain information rates it beside.
  const others = random.shuffled(drawn.fn === "inform" ? free : free.filter((name) => name !== "rating"));
  const chosen = new Set([...drawn.always, ...others.slice(0, count)]);
  const slots = ATTRIBUTES.filter((name) => chosen.has(name)).map((attribute): Slot => ({
    attribute,
    value: drawValue(attribute, random),
  }));
  return { fn: drawn.fn, slots };
}

function drawValue(attribute: string, random: SampleRandom): string {
  switch (attribute) {
    case "name":
      return random.pick(NAMES);
    case "developer":
      return random.pick(STUDIOS);
    case "release_year":
      return String(1988 + Math.floor(random.next() * 34));
    case "specifier":
      return random.zipf(SPECIFIERS);
    case "platforms":
      return random.several(PLATFORMS, 1 + Math.floor(random.next() * 3)).join(", ");
    case "genres":
      return random.several(Object.keys(WORDED.genres).sort(), 1 + Math.floor(random.next() * 2)).join(", ");
    case "rating":
      return random.pick(Object.keys(WORDED.rating));
    case "player_perspective":
      return random.pick(Object.keys(WORDED.player_perspective));
    case "esrb":
      return random.pick(Object.keys(WORDED.esrb));
    default:
      return random.next() < 0.55 ? "yes" : "no";
  }
}

/** The same names whatever the seed: other samples are about the same games. */
function namePool(count: number, ...parts: readonly (readonly string[])[]): string[] {
  const random = new SampleRandom(seededRandom(count), "test");
  const names = new Set<string>();
  while (names.size < count) names.add(parts.map((part) => random.pick(part)).join(""));
  return [...names];
}
