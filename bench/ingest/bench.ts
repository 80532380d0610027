/** Feedback to a committed dataset version; what is measured and how is said where it is done. */
import { inSurroundings } from "./surroundings.ts";
import { throughput, type ThroughputFigures } from "./throughput.ts";

export function bench(report: (line: string) => void): Promise<ThroughputFigures> {
  return inSurroundings(report, async (at) => ({ ...(await throughput(at)) }));
}
