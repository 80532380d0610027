import type { Alias, Registry } from "./registry-schema.ts";

/** A registry before its first model. */
export function emptyRegistry(name: string): Registry {
  return {
    format: 1,
    name,
    champion: null,
    challenger: null,
    lock: null,
    testSet: null,
    lastCycle: null,
    history: [],
  };
}

/** Points an alias elsewhere and writes that into the history; the same registry when it points there already. */
export function withAlias(
  registry: Registry,
  move: { alias: Alias; to: string | null; at: string; workflowId: string; reason: string },
): Registry {
  const from = registry[move.alias];
  if (from === move.to) return registry;
  return { ...registry, [move.alias]: move.to, history: [...registry.history, { ...move, from }] };
}
