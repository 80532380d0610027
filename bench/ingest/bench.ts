/** Feedback to a committed dataset version; what is measured and how is said where it is done. */
import { fanout, type FanoutFigures } from "./fanout.ts";
import { inSurroundings } from "./surroundings.ts";
import { throughput, type ThroughputFigures } from "./throughput.ts";

export async function bench(report: (line: string) => void): Promise<ThroughputFigures & FanoutFigures> {
  const figures = await inSurroundings(report, throughput);
  return { ...figures, ...(await fanout(report)) };
}
