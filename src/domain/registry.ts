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

/** Points aliases elsewhere and writes that into the history; the same registry when they point there already. */
export function withAliases(
  registry: Registry,
  move: { to: Partial<Record<Alias, string | null>>; at: string; workflowId: string; reason: string },
): Registry {
  const { to: targets, ...known } = move;
  let moved = registry;
  for (const alias of ["champion", "challenger"] as const) {
    const [from, to] = [registry[alias], targets[alias]];
    if (to === undefined || to === from) continue;
    moved = { ...moved, [alias]: to, history: [...moved.history, { ...known, alias, from, to }] };
  }
  return moved;
}
