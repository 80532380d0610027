import type { Frame } from "../recipes/embedded/frame.ts";
import { COPIED, OPINIONS, STORES, WORDED } from "./sample-grammar.ts";
import type { SampleRandom } from "./sample-random.ts";
import { QUESTIONS, SENTENCES } from "./sample-sentences.ts";

const STORE_NAMES: Readonly<Record<string, string>> = {
  available_on_steam: "Steam",
  has_linux_release: "Linux",
  has_mac_release: "Mac",
};

/** What is said of a game around its noun. */
interface Phrases {
  before: string[];
  after: string[];
}

/** A sentence that says exactly what the frame says. */
export function wordFrame(frame: Frame, random: SampleRandom): string {
  const values = new Map(frame.slots.map(({ attribute, value }) => [attribute, value]));
  const [only] = frame.slots;
  if (only?.value === "") return random.wording(QUESTIONS[only.attribute] ?? []);
  const sentence = random.wording(SENTENCES[frame.fn] ?? []);
  const opinion = sentence.includes("{past}") || sentence.includes("{present}");
  const rating = values.get("rating");
  if (opinion) values.delete("rating");
  const phrases = phrasesOf(values, random);
  const [past, present] = rating === undefined ? ["", ""] : random.wording(OPINIONS[rating] ?? []);
  return sentence
    .replace("{past}", past)
    .replace("{present}", present)
    .replace("{name}", values.get("name") ?? "")
    .replace("{specifier}", values.get("specifier") ?? "")
    .replace(/\{(a|the|one|many)\}/, (_, form: string) => nounPhrase(form, phrases))
    .replace("  ", " ");
}

function phrasesOf(values: ReadonlyMap<string, string>, random: SampleRandom): Phrases {
  const phrases: Phrases = { before: [], after: [] };
  const stores: { yes: string[]; no: string[] } = { yes: [], no: [] };
  for (const [attribute, value] of values) {
    const store = STORE_NAMES[attribute];
    if (store !== undefined) stores[value === "yes" ? "yes" : "no"].push(store);
    else if (isCopied(attribute))
      phrases.after.push(random.wording(COPIED[attribute]).replace("{v}", listOf(value.split(", "), "and")));
    else if (isWorded(attribute)) {
      for (const item of attribute === "genres" ? value.split(", ") : [value])
        addWording(phrases, attribute, item, random);
    }
  }
  if (stores.yes.length > 0) phrases.after.push(random.wording(STORES.yes).replace("{v}", listOf(stores.yes, "and")));
  if (stores.no.length > 0) phrases.after.push(random.wording(STORES.no).replace("{v}", listOf(stores.no, "or")));
  return { before: phrases.before, after: random.shuffled(phrases.after) };
}

function addWording(phrases: Phrases, attribute: keyof typeof WORDED, value: string, random: SampleRandom): void {
  const wordings = WORDED[attribute][value];
  if (wordings === undefined) throw new Error(`no wording for ${attribute}[${value}]`);
  if (random.next() < 0.6) phrases.before.push(random.wording(wordings.before));
  else phrases.after.push(random.wording(wordings.after));
}

function nounPhrase(form: string, { before, after }: Phrases): string {
  const words = [...before, form === "many" ? "games" : "game", joined(after)].join(" ").trim();
  if (form === "a") return `${/^([aeiou]|[FM] rated|FPP|RPG|M |E )/i.test(words) ? "an" : "a"} ${words}`;
  return form === "the" ? `the ${words}` : words;
}

/** Up to two phrases stand as they are; more are strung together. */
function joined(phrases: readonly string[]): string {
  return phrases.length < 3 ? phrases.join(" ") : `${phrases.slice(0, -1).join(", ")}, and ${phrases.at(-1) ?? ""}`;
}

function listOf(items: readonly string[], word: "and" | "or"): string {
  return items.length < 2 ? items.join("") : `${items.slice(0, -1).join(", ")} ${word} ${items.at(-1) ?? ""}`;
}

function isCopied(attribute: string): attribute is keyof typeof COPIED {
  return Object.hasOwn(COPIED, attribute);
}

function isWorded(attribute: string): attribute is keyof typeof WORDED {
  return Object.hasOwn(WORDED, attribute);
}
