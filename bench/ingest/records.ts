/**
 * Chat records for the benchmark: OpenAI's fine-tuning shape, about 700 bytes each, in objects as exports leave them: each
 * begins with the last records of the one before, so that some are exact duplicates.
 */
import { promisify } from "node:util";
import { gzip } from "node:zlib";

const compress = promisify(gzip);

/** Records in an object. */
export const objectRecords = 50_000;
/** Of those, the ones that were in the object before. */
const overlap = 1_000;

const words = (
  "game play level boss quest puzzle story music graphics combat weapon armor magic dragon castle forest desert island " +
  "city space ship engine race track team match score online server lag patch update price sale bundle friend party " +
  "guild raid loot skill tree build class hero villain ending credits tutorial menu map camera control pad keyboard " +
  "great awful boring thrilling short long easy hard fair broken smooth pretty ugly funny sad clever new old classic " +
  "I you we they it this that never always often maybe really think feel want need like love hate tried finished " +
  "bought returned recommend avoid because although while after before until with without about from into over"
).split(" ");

const system =
  "You read what people say about video games and turn it into one function call. Answer with nothing but the call: " +
  "function(attribute[value], attribute[value], ...). Functions: inform, give_opinion, recommend, request, confirm.";

/** Object `index` of all sources together as JSONL, packed by gzip at its default level: the same for the same index. */
export function packedObject(index: number): Promise<Buffer> {
  const first = index * (objectRecords - overlap);
  return compress(records(first, objectRecords));
}

/** How many different records so many objects hold. */
export function distinctRecords(objects: number): number {
  return objects * (objectRecords - overlap) + overlap;
}

/** Records `first` to `first + count` of an endless list, in which no two are the same, as JSONL. */
export function records(first: number, count: number): string {
  let text = "";
  for (let number = first; number < first + count; number++) text += `${record(number)}\n`;
  return text;
}

function record(number: number): string {
  const random = generator(number);
  const text = (length: number): string => {
    let sentence = words[random() % words.length] ?? "";
    while (sentence.length < length) sentence += ` ${words[random() % words.length]}`;
    return sentence;
  };
  const question = `Review ${number}: ${text(280)}.`;
  const answer = `give_opinion(name[${text(12)}], rating[${random() % 10}], genres[${text(12)}])`;
  return JSON.stringify({
    messages: [
      { role: "system", content: system },
      { role: "user", content: question },
      { role: "assistant", content: answer },
    ],
  });
}

/** Numbers from 0 to 2^31 that follow from a seed (mulberry32). */
function generator(seed: number): () => number {
  let state = Math.imul(seed, 0x9e3779b1) | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return (mixed ^ (mixed >>> 14)) >>> 1;
  };
}
