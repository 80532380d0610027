/** A browser to look at pages with, where there is one. */
import { existsSync } from "node:fs";
import { chromium, type Browser } from "playwright-core";

const path = [process.env["CHROMIUM"], "/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find(
  (candidate) => candidate !== undefined && existsSync(candidate),
);

/** Whether pages can be looked at here; what needs that is skipped elsewhere, and says so. */
export const hasBrowser = path !== undefined;
if (!hasBrowser) process.stderr.write("no Chromium here: what pages look like is not tested\n");

/** Starts a browser; close it. */
export function openBrowser(): Promise<Browser> {
  return chromium.launch({ executablePath: path ?? "", args: ["--no-sandbox"] });
}
