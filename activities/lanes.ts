/**
 * Does `work` for every item, `width` of them at a time, and answers the results in the order of the items. Throws what the
 * first failing one throws, starts no more then, and leaves nothing behind that still works.
 */
export async function inLanes<T, R>(width: number, items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  const rest = items.entries();
  let failed = false;
  const lane = async (): Promise<void> => {
    for (const [index, item] of rest) {
      if (failed) return;
      results[index] = await work(item);
    }
  };
  const lanes = Array.from({ length: Math.min(width, items.length) }, async () => {
    try {
      await lane();
    } catch (error) {
      failed = true;
      throw error;
    }
  });
  const [broken] = (await Promise.allSettled(lanes)).filter(({ status }) => status === "rejected");
  if (broken?.status === "rejected") throw broken.reason;
  return results;
}
