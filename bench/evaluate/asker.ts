/** One evaluation in a process of its own, for its memory: `asker.ts` with the request as JSON. Answers the most it took, in MB. */
import { memoryUsage } from "node:process";
import { evaluation } from "./evaluation.ts";

const [request = "{}"] = process.argv.slice(2);
let mostBytes = 0;
const watch = setInterval(() => {
  mostBytes = Math.max(mostBytes, memoryUsage.rss());
}, 50);
await evaluation(JSON.parse(request));
clearInterval(watch);
process.send?.({ rssMb: mostBytes / 1024 / 1024 });
process.disconnect();
