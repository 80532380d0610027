import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  beginReading,
  describeProgress,
  describeReading,
  duration,
  firstReasons,
  hearProgress,
  itemsSoFar,
  namedSources,
  nameSome,
  noteFailed,
  noteGroup,
  noteRead,
  readReading,
  tally,
  untilNextReport,
} from "../../src/domain/reading.ts";
import { readingSchema } from "../../src/domain/reading-schema.ts";

const progress = (received: number, perSecond = 10, etaSeconds: number | null = null) => ({
  received,
  perSecond,
  etaSeconds,
});
const everybody = (): boolean => true;

describe("a reading", () => {
  it("counts sources as they end, and items of those that are read and being read", () => {
    const reading = beginReading(4);
    hearProgress(reading, { slack: progress(500), zendesk: progress(70) }, everybody);
    expect(itemsSoFar(reading)).toBe(570);
    noteRead(reading, "slack", 900);
    noteFailed(reading, "zendesk", "Refused: no");
    expect(reading).toEqual({
      sources: 4,
      read: 1,
      failed: 1,
      received: 900,
      perSource: {},
      failedSources: { zendesk: "Refused: no" },
    });
    expect(tally(reading)).toBe("1 of 4 sources read, 1 failed; 900 items");
  });

  it("takes over how a group of sources went", () => {
    const reading = beginReading(200);
    hearProgress(reading, { s1: progress(5), s150: progress(6) }, everybody);
    const failedSources = { s2: "TooLate: nothing came for 60 s" };
    noteGroup(reading, ["s1", "s2"], { read: 99, failed: 1, received: 990, failedSources });
    expect(reading).toMatchObject({ read: 99, failed: 1, received: 990, failedSources });
    expect(Object.keys(reading.perSource)).toEqual(["s150"]);
  });

  it("names 20 sources and reasons of 200 characters at most, and counts the others", () => {
    const reading = beginReading(100);
    for (let index = 0; index < 50; index++) noteFailed(reading, `f${index}`, "x".repeat(1000));
    hearProgress(reading, Object.fromEntries(Array.from({ length: 50 }, (_, i) => [`r${i}`, progress(1)])), everybody);
    expect(reading.failed).toBe(50);
    expect(Object.keys(reading.failedSources)).toHaveLength(namedSources);
    expect(Object.keys(reading.perSource)).toHaveLength(namedSources);
    expect(JSON.stringify(reading).length).toBeLessThan(8000);
    expect(Object.keys(firstReasons({ ...reading.failedSources, more: "" }))).toHaveLength(namedSources);
    hearProgress(reading, { r0: progress(7) }, everybody);
    expect(reading.perSource["r0"]?.received).toBe(7);
  });
});

describe("hearProgress", () => {
  it("passes over sources that are not awaited", () => {
    const reading = beginReading(2);
    hearProgress(reading, { slack: progress(5), other: progress(6) }, (source) => source === "slack");
    expect(Object.keys(reading.perSource)).toEqual(["slack"]);
  });

  it.each([
    ["nothing", undefined],
    ["text", "slack"],
    ["a list", [progress(1)]],
    ["a source without numbers", { slack: {} }],
    ["a negative count", { slack: progress(-1) }],
    ["half an item", { slack: progress(0.5) }],
    ["a rate that is no number", { slack: { ...progress(1), perSecond: "fast" } }],
    ["an endless time", { slack: { ...progress(1), etaSeconds: Number.POSITIVE_INFINITY } }],
  ])("is not troubled by %s", (_, message) => {
    const reading = beginReading(1);
    hearProgress(reading, message, everybody);
    expect(reading).toEqual(beginReading(1));
  });
});

describe("readReading", () => {
  it("answers what an update says, and the same when it is read again", () => {
    const reading = beginReading(9);
    hearProgress(reading, { slack: progress(5, 2.5, 40) }, everybody);
    noteFailed(reading, "zendesk", "Refused: no");
    expect(readReading(JSON.parse(JSON.stringify(reading)))).toEqual(reading);
  });

  it("answers a reading or nothing, whatever it is told", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (message) => {
        const read = readReading(message);
        expect(read === null || readingSchema.safeParse(read).success).toBe(true);
      }),
    );
    expect(readReading({ ...beginReading(1), read: -1 })).toBeNull();
  });
});

describe("describeReading", () => {
  it("says in two lines how all sources are, and the first five of those that are being read", () => {
    const reading = beginReading(12);
    noteRead(reading, "games", 12_000);
    for (let index = 1; index <= 6; index++) {
      hearProgress(reading, { [`s${index}`]: progress(50 * index, 310.4, 75) }, everybody);
    }
    const [all, , each] = describeReading(reading).split("\n");
    expect(all).toBe("1 of 12 sources read; 13,050 items.");
    expect(each).toMatch(/^s1: 50 items, 310\/s, 75 s left; s2: .+; s5: 250 items, 310\/s, 75 s left\.$/);
    expect(describeReading(beginReading(3))).toBe("0 of 3 sources read; 0 items.");
  });

  it("says neither a time to go that is not known nor a rate in too many figures", () => {
    expect(describeProgress(progress(1_234_567, 0.25))).toBe("1,234,567 items, 0.3/s");
  });
});

describe("nameSome", () => {
  it("names five and counts the others", () => {
    expect(nameSome(["a", "b"])).toBe("a, b");
    expect(nameSome(["a", "b", "c", "d", "e", "f", "g"])).toBe("a, b, c, d, e and 2 more");
  });
});

describe("duration", () => {
  it.each([
    [0.2, "1 s"],
    [89, "89 s"],
    [90, "2 min"],
    [3600, "60 min"],
    [12_000, "3 h 20 min"],
  ])("says %d s as %s", (seconds, text) => {
    expect(duration(seconds)).toBe(text);
  });
});

describe("untilNextReport", () => {
  it("makes few reports of a long reading: 100 in a day", () => {
    let [atMs, reports] = [0, 0];
    for (; atMs < 86_400_000; reports++) atMs += untilNextReport(atMs);
    expect(reports).toBeLessThan(100);
    expect(untilNextReport(0)).toBe(5000);
  });
});
