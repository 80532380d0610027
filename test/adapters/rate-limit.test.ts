import { describe, expect, it } from "vitest";
import { pauseAfterMs, waitAskedMs } from "../../src/adapters/rate-limit.ts";

const now = Date.parse("2026-01-01T00:00:00Z");
const inTenSeconds = String(now / 1000 + 10);

describe("waitAskedMs", () => {
  it.each([
    ["429 with seconds", 429, { "retry-after": "7" }, 7000],
    ["429 with a date", 429, { "retry-after": "Thu, 01 Jan 2026 00:01:00 GMT" }, 60_000],
    ["429 with a date that has passed", 429, { "retry-after": "Wed, 31 Dec 2025 23:59:00 GMT" }, 0],
    ["429 with seconds until more are left", 429, { "x-ratelimit-reset-after": "1.5" }, 1500],
    ["429 with the time when more are left", 429, { "x-ratelimit-reset": inTenSeconds }, 10_000],
    ["429 that does not say", 429, {}, null],
    ["429 with nonsense", 429, { "retry-after": "soon" }, null],
    ["503 with seconds", 503, { "retry-after": "7" }, 7000],
    ["403 with seconds", 403, { "retry-after": "7" }, 7000],
    ["403 because none is left", 403, { "x-ratelimit-remaining": "0", "x-ratelimit-reset": inTenSeconds }, 10_000],
  ])("reads %s", (_, status, headers, expected) =>
    expect(waitAskedMs(status, headers as Record<string, string>, now)).toBe(expected),
  );

  it.each([
    ["503 that does not say", 503, {}],
    ["403 for want of rights", 403, { "x-ratelimit-remaining": "12", "x-ratelimit-reset": inTenSeconds }],
    ["401", 401, { "retry-after": "7" }],
    ["500", 500, {}],
  ])("takes %s for no such wait", (_, status, headers) =>
    expect(waitAskedMs(status, headers as Record<string, string>, now)).toBeUndefined(),
  );
});

describe("pauseAfterMs", () => {
  it.each([
    ["x-ratelimit", { "x-ratelimit-remaining": "0", "x-ratelimit-reset": inTenSeconds }, 10_000],
    ["x-ratelimit with seconds", { "x-ratelimit-remaining": "0", "x-ratelimit-reset-after": "0.25" }, 250],
    ["x-rate-limit", { "x-rate-limit-remaining": "0", "x-rate-limit-reset": inTenSeconds }, 10_000],
    ["ratelimit", { "ratelimit-remaining": "0", "ratelimit-reset": "30" }, 30_000],
    ["requests that are left", { "x-ratelimit-remaining": "1", "x-ratelimit-reset": inTenSeconds }, 0],
    ["an answer without such headers", {}, 0],
    ["nonsense", { "x-ratelimit-remaining": "none", "x-ratelimit-reset": "later" }, 0],
  ])("reads %s", (_, headers, expected) => expect(pauseAfterMs(headers as Record<string, string>, now)).toBe(expected));
});
