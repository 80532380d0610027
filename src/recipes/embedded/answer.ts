/** What a model answers to one question. */
export interface Answer {
  text: string;
  /**
   * How like the question asked the question is whose answer was looked up, 0..1; null where the answer was made and not
   * looked up.
   */
  similarity: number | null;
}
