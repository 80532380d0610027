/** The cycle of a pipeline's second dataset version, for tests of what a cycle does. */
import type { WorkflowHandle } from "@temporalio/client";
import type { retrain } from "../../workflows/retrain.ts";
import { aPipelineDefinition } from "./builders.ts";
import type { TestTemporal } from "./temporal.ts";
import type { World } from "./world.ts";

type Definition = Parameters<typeof aPipelineDefinition>[0];

/** A world in which the cycle can be started, and the models it is about. */
export interface SecondCycle {
  world: World;
  /** The model of the first version, which is champion where the world crowned it. */
  champion: string;
  challenger: string;
  /** Starts the cycle of a pipeline that differs so from the usual one. */
  start(overrides?: Omit<Definition, "name">): Promise<WorkflowHandle<typeof retrain>>;
  /** Starts the cycle with whatever is given in place of a definition. */
  startWith(input: unknown): Promise<WorkflowHandle<typeof retrain>>;
  /** Who was asked, and why they could not be, as the decision was told. */
  arms(): (string | null)[][];
}

/** A new world with versions of 100 and 250 records; with a champion of the first one, unless told otherwise. */
export function aSecondCycle(temporal: TestTemporal, { hasChampion = true } = {}): SecondCycle {
  const world = temporal.newWorld();
  world.commit(100);
  world.commit(150);
  const champion = `${world.name}-1`;
  if (hasChampion) world.crown(champion);
  const startWith = (input: unknown): Promise<WorkflowHandle<typeof retrain>> =>
    temporal.start("retrain", `retrain/${world.name}/2`, input);
  return {
    world,
    champion,
    challenger: `${world.name}-2`,
    start: (overrides = {}) =>
      startWith({ pipeline: aPipelineDefinition({ name: world.name, ...overrides }), version: 2 }),
    startWith,
    arms: () => world.requests("decideCycle")[0]?.arms.map(({ name, model, failure }) => [name, model, failure]) ?? [],
  };
}
