/** Something that is not as it was written. */
export interface Problem {
  /** A key of the bucket, with `#line` (from 1) where a line is meant. */
  at: string;
  problem: string;
}

/** Hears of problems as they are found. */
export type Tell = (at: string, problem: string) => void;
