/** An order of names as the training outputs write them. */
export interface LearntOrder {
  names: string[];
  /** Whether the outputs keep to it: at least 95 % of the pairs that occur together are in this order's direction. */
  consistent: boolean;
}

const CONSISTENT_SHARE = 0.95;

/**
 * Learns in which order names follow one another. The next name is always the one with the fewest names still to place
 * that usually precede it; ties go to the one that occurs earlier on average, then to the one seen first.
 */
export function learnOrder(sequences: Iterable<readonly string[]>): LearntOrder {
  const before = new Map<string, Map<string, number>>();
  const place = new Map<string, { sum: number; count: number }>();
  for (const names of sequences) {
    names.forEach((name, position) => {
      const mean = place.get(name) ?? { sum: 0, count: 0 };
      place.set(name, { sum: mean.sum + position / names.length, count: mean.count + 1 });
      const followers = before.get(name) ?? new Map<string, number>();
      before.set(name, followers);
      for (const later of names.slice(position + 1)) followers.set(later, (followers.get(later) ?? 0) + 1);
    });
  }
  const countOf = (first: string, second: string): number => before.get(first)?.get(second) ?? 0;
  const meanPlace = (name: string): number => {
    const mean = place.get(name);
    return mean === undefined ? 0 : mean.sum / mean.count;
  };
  const left = [...place.keys()].sort((a, b) => meanPlace(a) - meanPlace(b));
  const names: string[] = [];
  while (left.length > 0) {
    const predecessors = left.map((name) => left.filter((other) => countOf(other, name) > countOf(name, other)).length);
    names.push(...left.splice(predecessors.indexOf(Math.min(...predecessors)), 1));
  }
  return { names, consistent: isConsistent(names, countOf) };
}

function isConsistent(names: readonly string[], countOf: (first: string, second: string) => number): boolean {
  let kept = 0;
  let all = 0;
  names.forEach((first, position) => {
    for (const second of names.slice(position + 1)) {
      kept += countOf(first, second);
      all += countOf(first, second) + countOf(second, first);
    }
  });
  return kept >= all * CONSISTENT_SHARE;
}
