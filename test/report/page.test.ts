import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { reportSchema, type Report } from "../../src/domain/report-schema.ts";
import { createReportRenderer } from "../../src/report/index.ts";
import { hasBrowser, openBrowser } from "../support/browser.ts";
import { aChange, aMetric, aReport } from "../support/reports.ts";

const renderer = createReportRenderer();

const nasty = [
  "<script>window.hacked = 1</script>",
  '"><img src=x onerror="window.hacked = 1">',
  "</style></title><svg onload=alert(1)>",
  "javascript:window.hacked=1",
  "[x](javascript:alert(1)) ![](http://evil.test/p.png)",
  "=cmd|' /C calc'!A0",
  "\u202Egnp.exe \u0000\u001b[31m \u200b",
  "${html} {{x}} datum.value",
].join(" ");

/** A report in which every text from outside is hostile. */
function hostileReport(): Report {
  const text = { text: nasty, isCut: false };
  const answer = { answer: text, error: nasty };
  const metrics = [
    aMetric(nasty, nasty, { champion: 50, challenger: 60 }, { role: "primary", threshold: 0.01 }),
    aMetric(nasty, nasty, { champion: 50, challenger: 60 }, { subset: nasty }),
    aMetric(nasty, nasty, { champion: 50, challenger: 60 }, { subset: `${nasty} again` }),
  ];
  const change = aChange({
    id: nasty,
    metrics: { [nasty]: "worse" },
    subsets: [nasty],
    question: [{ role: nasty, content: text }],
    expected: text,
    champion: answer,
    challenger: { answer: { text: nasty.toUpperCase(), isCut: true }, error: null },
  });
  return aReport({
    cycle: "games-3",
    pipeline: nasty,
    workflowId: nasty,
    datasetVersion: nasty,
    recordsPerSource: { [nasty]: 3 },
    failedSources: { [nasty]: nasty },
    failure: nasty,
    decision: { outcome: "keep", reasons: [nasty], key: nasty, sha256: nasty },
    job: { id: nasty, url: nasty, trainSeconds: 1, trainedRecords: 1 },
    phases: { [nasty]: 3 },
    headline: [nasty, nasty, nasty],
    wouldChange: [nasty],
    metrics,
    tables: [{ arm: "challenger", title: nasty, head: [nasty, "n"], rows: [[nasty, 1]] }],
    changes: { better: 0, worse: 2, instructions: text, shown: [change, change] },
    training: {
      recipe: nasty,
      baseModel: nasty,
      task: nasty,
      taskReason: nasty,
      chosen: { name: nasty, step: 1, metric: nasty, value: 0.5, candidates: 2 },
      loss: [{ step: 1, loss: 2 }],
    },
    data: {
      records: { train: 1, valid: 0, test: 0 },
      sources: [{ source: nasty, received: 1, accepted: 1, duplicates: 0, quarantined: 0, failure: nasty }],
      otherSources: 0,
      quarantine: [{ reason: nasty, items: 1, example: nasty }],
      quarantineUnknown: 0,
    },
    lineage: [{ what: "decision", name: nasty, key: nasty, hash: nasty }],
    links: { workflow: "javascript:window.hacked=1", job: "https://a.test/ onmouseover=alert(1)" },
    unknown: [{ what: nasty, reason: nasty }],
  });
}

/** A cycle that did not get far. */
function failedReport(): Report {
  return aReport({
    outcome: "failed",
    champion: null,
    challenger: null,
    job: null,
    costUsd: null,
    testSet: null,
    decision: null,
    leaked: null,
    failure: "CorruptObject: datasets/games/parts/1.jsonl.gz is not what was written",
    phases: { prepare: 2 },
    policy: null,
    wouldChange: [],
    arms: [],
    metrics: [],
    tables: [],
    changes: null,
    learningCurve: [],
    training: null,
    lineage: [],
    links: { workflow: null, job: null },
  });
}

describe("reportPage", () => {
  it("is about the report and escapes what comes from outside", async () => {
    const html = await renderer.html(hostileReport());
    expect(html).not.toMatch(/<script>window|<img|onload=alert\(1\)>|<\/style><\/title>/);
    for (const unseen of ["\u0000", "\u001b", "\u202e", "\u200b"]) expect(html).not.toContain(unseen);
    expect(html).not.toMatch(/ (style|on\w+)="/);
    expect([...html.matchAll(/(?:href|src|action)="([^"]*)"/g)].map(([, url]) => url)).toSatisfy((urls: string[]) =>
      urls.every((url) => url.startsWith("#")),
    );
    expect(html).toContain("⟨U+202E⟩gnp.exe ⟨U+0000⟩⟨U+001B⟩[31m ⟨U+200B⟩");
  });

  it("is the same for the same report", async () => {
    expect(await renderer.html(aReport())).toBe(await renderer.html(aReport()));
  });

  it("stays small when there is much to say", async () => {
    const long = (seed: number) => ({ text: `${"<&\"' word ".repeat(150)}${seed}`.slice(0, 1500), isCut: true });
    const shown = Array.from({ length: 60 }, (_, index) =>
      aChange({
        id: String(index),
        champion: { answer: long(index), error: null },
        challenger: { answer: long(-index), error: null },
      }),
    );
    const slices = Array.from({ length: 500 }, (_, index) =>
      aMetric(
        "accuracy_output_fn",
        "right function",
        { champion: 50, challenger: 51 },
        { subset: `labels.n=${index}` },
      ),
    );
    const { metrics, ...rest } = aReport();
    const html = await renderer.html({
      ...rest,
      metrics: [...metrics, ...slices],
      changes: { better: 5000, worse: 5000, instructions: null, shown },
    });
    expect(Buffer.byteLength(html)).toBeLessThan(2_000_000);
  });

  it("shows reports of cycles that failed, without empty parts", async () => {
    const html = await renderer.html(failedReport());
    expect(html).toContain("The cycle failed; there is no champion yet.");
    expect(html).toContain("CorruptObject");
    expect(html).not.toMatch(/undefined|NaN|\[object|id="(metrics|slices|changes|learning)"/);
  });

  it("is made of reports that are valid", () => {
    for (const report of [aReport(), hostileReport(), failedReport()])
      expect(reportSchema.parse(report)).toEqual(report);
  });
});

describe.skipIf(!hasBrowser)("reportPage in a browser", () => {
  let browser: Browser;
  let server: Server;
  let html = "";
  const asked: string[] = [];

  beforeAll(async () => {
    browser = await openBrowser();
    server = createServer((request, response) => {
      asked.push(request.url ?? "");
      response.setHeader("content-type", "text/html; charset=utf-8");
      response.end(html);
    });
    await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  });
  afterAll(async () => {
    await browser?.close();
    await new Promise((closed) => server?.close(closed));
  });

  /** Each report's page is made once: most of the time goes into its charts. */
  const pages = new Map<string, Promise<string>>();
  const pageOf = (report: Report): Promise<string> => {
    const content = JSON.stringify(report);
    const made = pages.get(content) ?? renderer.html(report);
    pages.set(content, made);
    return made;
  };

  async function open(report: Report, options: Parameters<Browser["newPage"]>[0] = {}) {
    html = await pageOf(report);
    const page = await browser.newPage(options);
    const said: string[] = [];
    const requests: string[] = [];
    page.on("console", (message) => said.push(message.text()));
    page.on("pageerror", (error) => said.push(error.message));
    page.on("request", (request) => requests.push(request.url()));
    await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
    return { page, said, requests };
  }

  /** Elements that reach over the page's right end, but for what scrolls by itself. */
  const tooWide = (page: Page): Promise<string[]> =>
    page.evaluate(() =>
      [...document.querySelectorAll("body *")]
        .filter((element) => element.closest(".scroll table") === null)
        .filter((element) => element.getBoundingClientRect().right > document.documentElement.clientWidth + 0.5)
        .map((element) => `${element.tagName} ${element.className} ${element.textContent?.slice(0, 40)}`),
    );

  it.each([
    ["a usual", aReport],
    ["a hostile", hostileReport],
    ["a failed", failedReport],
  ])("says nothing on the console, asks for nothing and fits into 360 pixels for %s report", async (_, make) => {
    const { page, said, requests } = await open(make(), { viewport: { width: 360, height: 800 } });
    expect(said).toEqual([]);
    expect(requests).toHaveLength(1);
    expect(await tooWide(page)).toEqual([]);
    expect(await page.evaluate(() => "hacked" in window)).toBe(false);
    await page.close();
  });

  it("lets nothing else run, look otherwise or be asked for", async () => {
    const { page, said, requests } = await open(aReport());
    await page.evaluate(async () => {
      const script = document.createElement("script");
      script.textContent = "window.hacked = 1";
      const image = document.createElement("img");
      image.src = "/pixel.png";
      document.body.append(script, image);
      document.body.setAttribute("style", "color: red");
      await fetch("/feedback").catch(() => {});
    });
    expect(await page.evaluate(() => "hacked" in window)).toBe(false);
    expect(await page.evaluate(() => getComputedStyle(document.body).color)).not.toBe("rgb(255, 0, 0)");
    expect(said.filter((text) => text.includes("Content Security Policy")).length).toBeGreaterThanOrEqual(4);
    expect(asked.filter((url) => url !== "/")).toEqual([]);
    expect(requests.filter((url) => url.endsWith("/"))).toHaveLength(1);
    await page.close();
  });

  it("filters by direction, metric and part of the questions", async () => {
    const { page } = await open(aReport());
    const shown = (): Promise<number> => page.locator(".change:visible").count();
    expect(await shown()).toBe(2);
    expect(await page.locator("#shown").textContent()).toBe("2 of 2");
    await page.locator("select[name=direction]").selectOption("worse");
    expect(await shown()).toBe(1);
    expect(await page.locator("#shown").textContent()).toBe("1 of 2");
    await page.locator("select[name=metric]").selectOption("accuracy_output_fn");
    expect(await shown()).toBe(0);
    await page.locator("select[name=direction]").selectOption("");
    expect(await shown()).toBe(1);
    await page.locator("select[name=subset]").selectOption("source=twitch");
    expect(await shown()).toBe(0);
    await page.close();
  });

  it("unfolds what is folded up as soon as somebody filters, and has it without its script", async () => {
    const shown = Array.from({ length: 30 }, (_, index) => aChange({ id: String(index) }));
    const many = aReport({ changes: { better: 30, worse: 0, instructions: null, shown } });
    const { page } = await open(many);
    expect(await page.locator(".change:visible").count()).toBe(8);
    expect(await page.locator("summary").textContent()).toBe("22 more");
    await page.locator("select[name=direction]").selectOption("better");
    expect(await page.locator(".change:visible").count()).toBe(30);
    await page.close();
    const { page: plain } = await open(many, { javaScriptEnabled: false });
    await plain.locator("summary").click();
    expect(await plain.locator(".change:visible").count()).toBe(30);
    await plain.close();
  });

  it("filters names from outside as well", async () => {
    const { page } = await open(hostileReport());
    await page.locator("select[name=subset]").selectOption({ index: 1 });
    expect(await page.locator(".change:visible").count()).toBe(2);
    await page.close();
  });

  it("says everything without its script, and shows no filter then", async () => {
    const { page } = await open(aReport(), { javaScriptEnabled: false });
    expect(await page.locator(".change:visible").count()).toBe(2);
    expect(await page.locator("#filter").isVisible()).toBe(false);
    await page.close();
  });

  it("marks what differs between two answers", async () => {
    const { page } = await open(aReport());
    expect(await page.locator(".change").first().locator("del").allTextContents()).toEqual(["inform"]);
    expect(await page.locator(".change").first().locator("ins").allTextContents()).toEqual([
      "give_opinion",
      "genres[horror], ",
    ]);
    await page.close();
  });

  it.each(["light", "dark"] as const)("has text that stands out from its ground when it is %s", async (colorScheme) => {
    const { page } = await open(aReport(), { colorScheme });
    const weak = await page.evaluate(() => {
      const parse = (colour: string): number[] => (colour.match(/[\d.]+/g) ?? []).map(Number);
      const luminance = (colour: number[]): number => {
        const [r = 0, g = 0, b = 0] = colour
          .slice(0, 3)
          .map((part) => (part / 255 <= 0.03928 ? part / 255 / 12.92 : ((part / 255 + 0.055) / 1.055) ** 2.4));
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
      };
      const ground = (element: Element | null): number[] => {
        for (let at = element; at !== null; at = at.parentElement) {
          const colour = parse(getComputedStyle(at).backgroundColor);
          if (colour.length < 4 || colour[3] !== 0) return colour;
        }
        return [255, 255, 255];
      };
      return [...document.querySelectorAll("body *")].flatMap((element) => {
        const isText = [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent?.trim() !== "");
        if (!isText || element.closest("script, style, option")) return [];
        const style = getComputedStyle(element);
        const isDrawn = element.closest("svg") !== null;
        const [a, b] = [luminance(parse(isDrawn ? style.fill : style.color)), luminance(ground(element))];
        const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
        return contrast < 4.5 ? [`${contrast.toFixed(2)} ${element.textContent?.slice(0, 30)}`] : [];
      });
    });
    expect(weak).toEqual([]);
    await page.close();
  });

  it("has one main part, a heading for each section, and a name for each chart and scrolling table", async () => {
    const { page } = await open(aReport());
    expect(await page.locator("main").count()).toBe(1);
    expect(await page.locator("h1").count()).toBe(1);
    expect(await page.locator("section:not(:has(h2))").count()).toBe(0);
    expect(await page.locator("svg:not([role=img][aria-label])").count()).toBe(0);
    expect(await page.locator("[role=region]:not([aria-label])").count()).toBe(0);
    expect(await page.locator("th:not([scope])").count()).toBe(0);
    await page.close();
  });

  it("prints", async () => {
    const { page } = await open(aReport());
    expect((await page.pdf({ format: "A4" })).subarray(0, 5).toString()).toBe("%PDF-");
    await page.emulateMedia({ media: "print" });
    expect(await page.locator("nav").isVisible()).toBe(false);
    await page.setViewportSize({ width: 718, height: 1000 });
    const width = await page.evaluate(() => document.documentElement.scrollWidth);
    expect(width).toBeLessThanOrEqual(718);
    await page.close();
  });
});
