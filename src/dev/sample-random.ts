import type { Random } from "../recipes/embedded/random.ts";
import { seededRandom } from "../recipes/embedded/random.ts";

/** Share of each list's wordings that training never sees. */
const HELD_OUT_SHARE = 0.35;

/** Draws for the generator: plain, by Zipf's law, and among wordings. */
export class SampleRandom {
  readonly next: Random;
  readonly #split: "train" | "test";

  constructor(next: Random, split: "train" | "test") {
    this.next = next;
    this.#split = split;
  }

  /** One of the items, all equally likely. */
  pick<T>(items: readonly T[]): T {
    const [first, ...rest] = items;
    if (first === undefined) throw new Error("nothing to pick from");
    return [first, ...rest][Math.floor(this.next() * items.length)] ?? first;
  }

  /** One of the items, the n-th with a weight of 1 / n. */
  zipf<T>(items: readonly T[]): T {
    const total = items.reduce((sum, _, rank) => sum + 1 / (rank + 1), 0);
    let left = this.next() * total;
    for (const [rank, item] of items.entries()) {
      left -= 1 / (rank + 1);
      if (left <= 0) return item;
    }
    return this.pick(items.slice(-1));
  }

  /** One of the wordings by Zipf's law; in training without the ones that are kept for the test. */
  wording<T>(wordings: readonly T[]): T {
    return this.zipf(this.#split === "test" ? wordings : trainingWordings(wordings));
  }

  /** `count` different items, by Zipf's law, in the order of the list. */
  several<T>(items: readonly T[], count: number): T[] {
    const chosen = new Set<T>();
    while (chosen.size < Math.min(count, items.length)) chosen.add(this.zipf(items));
    return items.filter((item) => chosen.has(item));
  }

  /** The items in random order. */
  shuffled<T>(items: readonly T[]): T[] {
    return items
      .map((item) => ({ item, place: this.next() }))
      .sort((a, b) => a.place - b.place)
      .map(({ item }) => item);
  }
}

/** The wordings that training may use: always the first, and the rest without a fixed, arbitrary third. */
export function trainingWordings<T>(wordings: readonly T[]): T[] {
  const order = wordings.map((_, rank) => ({
    rank,
    place: rank === 0 ? -1 : seededRandom(7919 * wordings.length + rank)(),
  }));
  order.sort((a, b) => a.place - b.place);
  const kept = new Set(
    order.slice(0, Math.max(1, Math.round(wordings.length * (1 - HELD_OUT_SHARE)))).map(({ rank }) => rank),
  );
  return wordings.filter((_, rank) => kept.has(rank));
}
