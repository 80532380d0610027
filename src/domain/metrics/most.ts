/** Share of the expected answers that must have a shape for a pack to be made for them: data of people has slips. */
const mostRatio = 0.95;

/** Whether at least 95 % of the answers, and one of them, are as said. */
export function most(answers: readonly string[], isSo: (answer: string) => boolean): boolean {
  return answers.length > 0 && answers.filter(isSo).length >= mostRatio * answers.length;
}
