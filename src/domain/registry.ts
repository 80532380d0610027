import { TypedFailure } from "./failures.ts";
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
    alerts: [{ kind: "log" }],
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

/**
 * The model version that was champion before the one of now, or `wanted` when it ever was. Throws NotFound when there is
 * none to go back to, InvalidInput when `wanted` never was champion, or is it and has all traffic.
 *
 * @param serves whether the champion of now has all traffic
 */
export function formerChampion(
  registry: Registry,
  { wanted, serves }: { wanted: string | null; serves: boolean },
): string {
  const { name, champion } = registry;
  const crowned = championsOf(registry);
  if (wanted === null) {
    const last = crowned.findLast((model) => model !== champion);
    if (last === undefined) throw new TypedFailure("NotFound", `${name} never had another champion to go back to`);
    return last;
  }
  if (wanted === champion) {
    if (serves) throw new TypedFailure("InvalidInput", `to: ${wanted} is champion and has all traffic`);
    return wanted;
  }
  if (!crowned.includes(wanted)) throw new TypedFailure("InvalidInput", `to: ${wanted} was never champion of ${name}`);
  return wanted;
}

/** Whether a model version is champion, or was before. */
export function wasChampion(registry: Registry, model: string): boolean {
  return registry.champion === model || championsOf(registry).includes(model);
}

/** In the order of their reigns, as far as the history tells. */
function championsOf({ history }: Registry): string[] {
  return history.flatMap(({ alias, from, to }) =>
    alias === "champion" ? [from, to].filter((model) => model !== null) : [],
  );
}
