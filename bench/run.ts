/** `npm run --silent bench NAME`: runs one benchmark and prints its figures as one JSON object on the last line. */
import { existsSync, readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";

const here = new URL(".", import.meta.url);
const name = process.argv[2] ?? "";
const known = readdirSync(fileURLToPath(here))
  .filter((entry) => existsSync(new URL(`${entry}/bench.ts`, here)))
  .toSorted();

if (!known.includes(name)) {
  process.stderr.write(`usage: npm run --silent bench NAME, where NAME is ${known.join(" or ")}\n`);
  process.exitCode = 2;
} else {
  const { bench } = await import(new URL(`${name}/bench.ts`, here).href);
  const figures = await bench((line: string) => process.stderr.write(`${line}\n`));
  process.stdout.write(`${JSON.stringify(figures)}\n`);
}
