/**
 * How soon a challenger that gets worse is off its users, and what they notice of rollouts otherwise: on the local stack, with
 * looks one second apart and a user who asks without pause. Each round promotes a challenger to 100 %, lets every answer of it
 * fail in the bake time, and waits until the champion has all traffic.
 */
import { setTimeout as delay } from "node:timers/promises";
import { serviceName } from "../../src/domain/ids.ts";
import { aPipeline, feed, giveTestSet, sampleLines, startLoop, type Loop } from "../../test/support/loop.ts";
import { until } from "../../test/support/emulator.ts";
import { ask, clearFaults, copyPipeline, reached, startRollout, watchWeights } from "../../test/support/rollouts.ts";

const rounds = 5;

export interface RolloutFigures {
  /** Median, from the first answer that fails to the champion at 100 %. */
  rollbackSeconds: number;
  /** Requests that failed during all promotions and rollbacks, without those that the worn challenger answered. */
  failedRequests: number;
  /** All requests of that user. */
  requests: number;
}

export async function bench(report: (line: string) => void): Promise<RolloutFigures> {
  const loop = await startLoop();
  try {
    await giveTestSet(loop);
    const origin = aPipeline(loop, { name: "origin" });
    await (await feed(loop, origin, 1, sampleLines({ seed: 1, count: 60 }))).cycle.result();
    const measured: Round[] = [];
    for (let round = 1; round <= rounds; round++) {
      const of = await measure(loop, `round-${round}`, 1000 + (round * 1000) / rounds);
      report(`round ${round}: back after ${of.seconds.toFixed(2)} s; ${of.failed} of ${of.requests} requests failed`);
      measured.push(of);
    }
    const seconds = measured.map((of) => of.seconds).toSorted((a, b) => a - b);
    return {
      rollbackSeconds: Number((seconds[Math.floor(rounds / 2)] ?? Number.NaN).toFixed(2)),
      failedRequests: measured.reduce((sum, { failed }) => sum + failed, 0),
      requests: measured.reduce((sum, { requests }) => sum + requests, 0),
    };
  } finally {
    await loop.stop();
  }
}

interface Round {
  seconds: number;
  failed: number;
  requests: number;
}

/** @param untilWornMs from the beginning of the bake time, so that rounds fall differently between two looks */
async function measure(loop: Loop, name: string, untilWornMs: number): Promise<Round> {
  await copyPipeline(loop, "origin", name);
  const traffic = ask(loop, name);
  const eye = watchWeights(loop, name);
  const policy = { steps: [10, 50, 100], soakSeconds: 1, bakeSeconds: 3600, probeSeconds: 1 };
  const rollout = await startRollout(loop, name, { policy });
  await reached(rollout, { phase: "bake", percent: 100 });
  await delay(untilWornMs);
  const wornMs = Date.now();
  await loop.emulator.fault({
    match: { name: serviceName(name), version: `${name}-2`, minWeight: 100 },
    times: 1_000_000,
    effect: { kind: "service-degrade", status: 500 },
  });
  const champion = await until(
    `${name}-1 at 100 %`,
    () => eye.moments.find(({ at, weights }) => at > wornMs && weights[`${name}-1`] === 100),
    60_000,
  );
  await rollout.result().catch(() => {});
  await eye.stop();
  const answers = await traffic.stop();
  await clearFaults(loop);
  // Only the worn version answers 500.
  const failed = answers.filter(({ problem }) => problem !== null && !problem.includes("answered 500"));
  return { seconds: (champion.at - wornMs) / 1000, failed: failed.length, requests: answers.length };
}
