/** How reports write numbers: one way for each unit, and never without it. */
import type { Comparison, Interval } from "./comparison-schema.ts";

type Unit = Comparison["unit"];

/** A value of a metric: `91.2 %`, `340 ms`, `0.0123 USD`. */
export function valueText(value: number, unit: Unit): string {
  return unit === "ratio" ? `${(value * 100).toFixed(1)} %` : `${plain(value)} ${symbols[unit]}`;
}

/** A difference of two values, with its sign: `+7.2 points`, `−12 ms`. Ratios differ by points. */
export function differenceText(value: number, unit: Unit): string {
  const size = Math.abs(value);
  const sign = value > 0 ? "+" : value < 0 ? "−" : "";
  return `${sign}${unit === "ratio" ? (size * 100).toFixed(1) : plain(size)} ${differenceUnit(unit)}`;
}

/** A difference without its sign: `2.0 points`, `40 ms`. */
export function amountText(amount: number, unit: Unit): string {
  return differenceText(Math.abs(amount), unit).replace(/^\+/, "");
}

/** Both ends of an interval of values: `88.4 to 93.6 %`. */
export function intervalText({ lower, upper }: Interval, unit: Unit): string {
  return `${bare(lower, unit)} to ${valueText(upper, unit)}`;
}

/** Both ends of an interval of differences, with their signs: `+4.1 to +10.3 points`. */
export function differenceIntervalText({ lower, upper }: Interval, unit: Unit): string {
  const lowerText = differenceText(lower, unit);
  return `${lowerText.slice(0, lowerText.lastIndexOf(" "))} to ${differenceText(upper, unit)}`;
}

/** The same with how sure that is, for tables in which intervals differ in that: `+4.1 to +10.3 points at 95 %`. */
export function sureIntervalText(interval: Interval, unit: Unit, confidence: number): string {
  return `${differenceIntervalText(interval, unit)} at ${shareText(confidence)}`;
}

/** What a difference in a unit is counted in. */
export function differenceUnit(unit: Unit): string {
  return unit === "ratio" ? "points" : symbols[unit];
}

/** A share of 1 as people say it: `95 %`, `99.9 %`. */
export function shareText(share: number): string {
  return `${Number((share * 100).toFixed(2))} %`;
}

/** A count with its thousands: `12,345`. */
export function countText(count: number): string {
  return String(count).replaceAll(/\B(?=(\d{3})+$)/g, ",");
}

/** Seconds for people: `0.4 s`, `12.3 s`, `4 min 5 s`, `3 h 20 min`. */
export function secondsText(seconds: number): string {
  if (seconds < 59.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
  return hours > 0 ? `${hours} h ${minutes} min` : `${minutes} min ${whole % 60} s`;
}

/** US dollars: `12.30 USD`, `0.0042 USD`. */
export function usdText(usd: number): string {
  return `${usd === 0 || usd >= 0.1 ? usd.toFixed(2) : Number(usd.toPrecision(2))} USD`;
}

/** A time in UTC: `2026-11-01 12:00 UTC`; the text itself when it is no time. */
export function timeText(iso: string): string {
  return /^\d{4}-\d\d-\d\dT\d\d:\d\d/.test(iso) ? `${iso.slice(0, 10)} ${iso.slice(11, 16)} UTC` : iso;
}

const symbols = {
  ratio: "%",
  ms: "ms",
  usd: "USD",
  tokens: "tokens",
  characters: "characters",
  points: "points",
} as const;

function bare(value: number, unit: Unit): string {
  return unit === "ratio" ? (value * 100).toFixed(1) : plain(value);
}

/** Three digits that count; thousands from 10,000 on. */
function plain(value: number): string {
  const size = Math.abs(value);
  if (size >= 10_000) return `${value < 0 ? "−" : ""}${countText(Math.round(size))}`;
  if (size >= 100) return String(Math.round(value)).replace("-", "−");
  return String(Number(value.toPrecision(3))).replace("-", "−");
}
