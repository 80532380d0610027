/** What the report's charts show, each from a part of the report. Sizes fit a telephone; wider pages put several side by side. */
import type { TopLevelSpec } from "vega-lite";
import type { Interval } from "../domain/comparison-schema.ts";
import { differenceUnit } from "../domain/report-numbers.ts";
import type { ArmName, LearningPoint, ReportMetric, Training } from "../domain/report-schema.ts";
import { oneLine } from "./text.ts";

/** Names of arms in charts and tables. */
export const armTitles: Record<ArmName, string> = {
  base: "base",
  "base-few-shot": "base, few-shot",
  champion: "champion",
  challenger: "challenger",
};

const armColours: Record<ArmName, string> = {
  base: "var(--base)",
  "base-few-shot": "var(--few-shot)",
  champion: "var(--champion)",
  challenger: "var(--challenger)",
};

/** The arms in the order in which they are shown. */
export const armOrder: readonly ArmName[] = ["base", "base-few-shot", "champion", "challenger"];

const rowHeight = 22;
const axisHeight = 42;

type Layers = Extract<TopLevelSpec, { layer: unknown }>["layer"];

/** Ends of an axis that several charts share. */
export type Domain = [number, number];

/** Room for all of some numbers and a little more; ratios stay within 0 and 100. Null when there is no number. */
export function domainOf(numbers: readonly number[], within: Domain = [-Infinity, Infinity]): Domain | null {
  const finite = numbers.filter((number) => Number.isFinite(number));
  if (finite.length === 0) return null;
  const [least, most] = [Math.min(...finite), Math.max(...finite)];
  const room = (most - least || Math.abs(most) || 1) * 0.06;
  return [Math.max(within[0], least - room), Math.min(within[1], most + room)];
}

/** What is drawn of a number: ratios in percent. */
export function drawn(value: number, unit: ReportMetric["unit"]): number {
  return unit === "ratio" ? value * 100 : value;
}

/** All numbers of a metric's arms, as they are drawn. */
export function armNumbers({ arms, unit }: ReportMetric): number[] {
  return Object.values(arms).flatMap(({ value, interval }) =>
    [value, interval?.lower, interval?.upper].flatMap((number) => (number === undefined ? [] : [drawn(number, unit)])),
  );
}

/** All numbers of a metric's difference, as they are drawn, and zero. */
export function differenceNumbers({ difference, threshold, unit }: ReportMetric): number[] {
  const numbers = [difference?.value, difference?.interval?.lower, difference?.interval?.upper, threshold, 0];
  return numbers.flatMap((number) => (number === undefined || number === null ? [] : [drawn(number, unit)]));
}

/** A dot and an interval for each arm. */
export function armsSpec({ arms, unit }: ReportMetric, domain: Domain): TopLevelSpec {
  const rows = armOrder.flatMap((name) => {
    const measured = arms[name];
    return measured === undefined
      ? []
      : [{ name: armTitles[name], colour: armColours[name], ...dotOf(measured, unit) }];
  });
  return {
    ...frame(320, rows.length * rowHeight, { left: 98, right: 14 }),
    data: { values: rows },
    layer: dots({ domain, title: unit === "ratio" ? "%" : differenceUnit(unit), labels: true }),
  };
}

/** The paired difference with its interval, zero as a line and what the decision holds it against as a dashed one. */
export function differenceSpec(metric: ReportMetric, domain: Domain): TopLevelSpec | null {
  const { difference, threshold, unit } = metric;
  if (difference === null) return null;
  return {
    ...frame(320, rowHeight * 2, { left: 14, right: 14 }),
    data: { values: [{ name: "", colour: differenceColour(metric), ...dotOf(difference, unit) }] },
    layer: [
      ...lines(threshold === null ? null : drawn(threshold, unit)),
      ...dots({ domain, title: `challenger minus champion, ${differenceUnit(unit)}`, labels: false }),
    ],
  };
}

/** Differences of one metric in slices, one below the other. */
export function slicesSpec(slices: readonly ReportMetric[], domain: Domain): TopLevelSpec | null {
  const [first] = slices;
  if (first === undefined) return null;
  const names = shortNames(slices.map(({ subset }) => subset));
  const rows = slices.flatMap((slice) =>
    slice.difference === null
      ? []
      : [
          {
            name: names.get(slice.subset) ?? "",
            colour: differenceColour(slice),
            ...dotOf(slice.difference, slice.unit),
          },
        ],
  );
  const title = `challenger minus champion, ${differenceUnit(first.unit)}`;
  return {
    ...frame(360, rows.length * rowHeight, { left: 150, right: 14 }),
    data: { values: rows },
    layer: [...lines(null), ...dots({ domain, title, labels: true })],
  };
}

/** The primary metric by training records, a point for each cycle. */
export function learningSpec(
  points: readonly LearningPoint[],
  unit: ReportMetric["unit"],
  title: string,
): TopLevelSpec {
  const values = points.map(({ trainedRecords, measured }, index) => ({
    records: trainedRecords,
    colour: index === points.length - 1 ? "var(--challenger)" : "var(--muted)",
    ...dotOf(measured, unit),
  }));
  const name = oneLine(title, 26);
  const x = {
    field: "records",
    type: "quantitative",
    title: "training records",
    scale: { zero: false, nice: true },
    // Whole records: around a single point, ticks would have as many decimals as there is room.
    axis: { format: ",.0f", tickCount: points.length === 1 ? 1 : 5 },
  } as const;
  const y = { field: "value", type: "quantitative", title: unit === "ratio" ? `${name}, %` : name } as const;
  const colour = { field: "colour", type: "nominal", scale: null } as const;
  return {
    ...frame(360, 200, { left: 56, right: 18 }),
    data: { values },
    encoding: { x },
    layer: [
      { mark: { type: "line", color: "var(--line)" }, encoding: { y: { ...y, scale: { zero: false } } } },
      {
        mark: { type: "rule", strokeWidth: 2 },
        encoding: { y: { ...y, field: "lower" }, y2: { field: "upper" }, color: colour },
      },
      { mark: { type: "point", filled: true, size: 70, opacity: 1 }, encoding: { y, color: colour } },
    ],
  };
}

/** The training's loss, step by step. */
export function lossSpec(loss: Training["loss"]): TopLevelSpec {
  return {
    ...frame(360, 200, { left: 56, right: 18 }),
    data: { values: loss },
    mark: { type: "line", color: "var(--challenger)", strokeWidth: 2, point: loss.length === 1 },
    encoding: {
      x: { field: "step", type: "quantitative", title: "step", axis: { tickMinStep: 1, grid: false } },
      y: { field: "loss", type: "quantitative", title: "training loss", scale: { zero: true } },
    },
  };
}

/** How long each phase took. */
export function phasesSpec(phases: Readonly<Record<string, number>>): TopLevelSpec {
  const values = Object.entries(phases).map(([name, seconds], index) => ({ index, name: oneLine(name, 20), seconds }));
  return {
    ...frame(360, values.length * rowHeight, { left: 98, right: 18 }),
    data: { values },
    mark: { type: "bar", color: "var(--challenger)", height: 12 },
    encoding: {
      y: { field: "name", type: "nominal", sort: { field: "index" }, title: null },
      x: { field: "seconds", type: "quantitative", title: "seconds", axis: { tickCount: 5 } },
    },
  };
}

/** Names that fit beside a chart, each of its own. */
function shortNames(names: readonly string[]): Map<string, string> {
  const taken = new Set<string>();
  const short = new Map<string, string>();
  for (const name of names) {
    const cut = oneLine(name, 20);
    const own = taken.has(cut) ? `${cut.slice(0, 16)} (${taken.size})` : cut;
    taken.add(own);
    short.set(name, own);
  }
  return short;
}

function dotOf(
  { value, interval }: { value: number; interval: Interval | null },
  unit: ReportMetric["unit"],
): { value: number; lower: number; upper: number } {
  return {
    value: drawn(value, unit),
    lower: drawn(interval?.lower ?? value, unit),
    upper: drawn(interval?.upper ?? value, unit),
  };
}

/** A dot and its interval for each row of the data; `labels` says whether their names are shown. */
function dots({ domain, title, labels }: { domain: Domain; title: string; labels: boolean }): Layers {
  const x = {
    type: "quantitative",
    scale: { domain, zero: false, nice: false },
    axis: { title, tickCount: 5 },
  } as const;
  const axis = labels ? {} : null;
  const y = { field: "name", type: "nominal", sort: null, title: null, axis } as const;
  const color = { field: "colour", type: "nominal", scale: null } as const;
  return [
    {
      mark: { type: "rule", strokeWidth: 2.5, strokeCap: "round" },
      encoding: { y, x: { ...x, field: "lower" }, x2: { field: "upper" }, color },
    },
    {
      mark: { type: "point", filled: true, size: 80, opacity: 1 },
      encoding: { y, x: { ...x, field: "value" }, color },
    },
  ];
}

/** Zero, and what the decision holds a difference against. */
function lines(threshold: number | null): Layers {
  const line = (at: number, strokeDash: number[]): Layers[number] => ({
    data: { values: [{ at }] },
    mark: { type: "rule", color: "var(--ink)", strokeWidth: 1, strokeDash },
    encoding: { x: { field: "at", type: "quantitative" } },
  });
  return [line(0, []), ...(threshold === null ? [] : [line(threshold, [4, 3])])];
}

/** Green or red only where the whole interval says so. */
function differenceColour({ difference, better }: ReportMetric): string {
  const { lower, upper } = difference?.interval ?? { lower: 0, upper: 0 };
  const sign = lower > 0 ? 1 : upper < 0 ? -1 : 0;
  if (sign === 0 || better === "neither") return "var(--muted)";
  return sign > 0 === (better === "higher") ? "var(--better)" : "var(--worse)";
}

/** A chart of fixed size: what it needs for labels is known, and text cannot be measured here. */
function frame(
  width: number,
  height: number,
  { left, right }: { left: number; right: number },
): Pick<TopLevelSpec, "autosize" | "padding"> & { width: number; height: number } {
  return {
    autosize: "none",
    width: width - left - right,
    height,
    padding: { left, right, top: 6, bottom: axisHeight },
  };
}
