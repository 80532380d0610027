#!/usr/bin/env node
/**
 * The `tuneloop` command. Plain JavaScript that old versions of Node can read too, so that they get a sentence instead
 * of a syntax error. Runs the TypeScript beside it in a checkout, the compiled program in the installed package.
 */
import { existsSync } from "fs";
import module from "module";

/** From here on Node strips types by itself and knows what this program uses. */
const NEEDED = { major: 24, minor: 2 };

const programs = ["./main.ts", "../../dist/src/cli/main.js"].map((path) => new URL(path, import.meta.url));
const program = programs.filter((url) => existsSync(url))[0];
const [major, minor] = process.versions.node.split(".").map(Number);

if (major < NEEDED.major || (major === NEEDED.major && minor < NEEDED.minor)) {
  process.stderr.write(
    `tuneloop needs Node ${NEEDED.major}.${NEEDED.minor} or newer, this is ${process.version}: ` +
      "npm run and npx in its directory bring their own, or install one from https://nodejs.org\n",
  );
  process.exitCode = 1;
} else if (program === undefined) {
  process.stderr.write("tuneloop is not complete: install the package again\n");
  process.exitCode = 1;
} else {
  // Compiled once, kept in the system's directory for temporary files: commands begin in half the time.
  module.enableCompileCache();
  void import(program.href);
}
