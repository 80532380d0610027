/**
 * p-values adjusted for being several, in the order in which they came: those at most alpha are the hypotheses that may be
 * rejected with a chance of at most alpha that any of them is true, whatever their dependence.
 * Source: Holm, Scandinavian Journal of Statistics 6 (1979) 65-70.
 */
export function holm(ps: readonly number[]): number[] {
  const order = [...ps.keys()].toSorted((a, b) => (ps[a] ?? 1) - (ps[b] ?? 1));
  const adjusted = ps.map(() => 1);
  let largest = 0;
  for (const [rank, index] of order.entries()) {
    largest = Math.max(largest, Math.min(1, (ps.length - rank) * (ps[index] ?? 1)));
    adjusted[index] = largest;
  }
  return adjusted;
}
