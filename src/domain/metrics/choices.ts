/** Which metric packs and which policy an evaluation has: what a definition names, checked, and what `auto` comes to. */
import { settlePolicy } from "../decision-policy.ts";
import type { DecideChoice, DecisionPolicy } from "../decide-schema.ts";
import type { EvaluatePolicy, MetricChoice } from "../evaluate-schema.ts";
import { TypedFailure } from "../failures.ts";
import { nearNames } from "../near-names.ts";
import type { MetricContext, MetricPack, MetricPackKind } from "./metric.ts";
import { responses } from "./responses.ts";

/** What of a definition chooses. */
export interface ChoosingDefinition {
  evaluate: Pick<EvaluatePolicy, "metrics" | "slices" | "retentionSet" | "prices">;
  decide: DecideChoice;
}

/** Packs and policy with nothing left to choose: what a cycle goes on with, and what is stored. */
export interface ResolvedChoices {
  metrics: MetricChoice[];
  policy: DecisionPolicy;
}

/**
 * Makes the packs that are chosen, `responses` before them. Throws InvalidInput for a pack that is not known, named twice, or
 * has wrong options, and for a metric that two of them have.
 */
export function makePacks(
  choices: readonly MetricChoice[],
  context: MetricContext,
  kinds: readonly MetricPackKind[],
): MetricPack[] {
  const packs = [responses];
  const owners = new Map(responses.metrics.map(({ name }) => [name, responses.name]));
  for (const { pack: name, options } of choices) {
    if (packs.some((pack) => pack.name === name)) throw invalid(`evaluate.metrics: ${name} is named twice`);
    const pack = kindOf(name, kinds).create(options, context);
    for (const metric of pack.metrics) {
      const owner = owners.get(metric.name);
      if (owner !== undefined)
        throw invalid(`evaluate.metrics: both ${owner} and ${name} have a metric ${metric.name}: choose one of them`);
      owners.set(metric.name, name);
    }
    packs.push(pack);
  }
  return packs;
}

/**
 * Checks what a definition says before there are answers to look at. Throws InvalidInput that names the field. With `auto`
 * for the packs a policy may name the metrics of any pack that needs no options.
 */
export function checkChoices(definition: ChoosingDefinition, kinds: readonly MetricPackKind[]): void {
  const { evaluate, decide } = definition;
  const { metrics } = evaluate;
  const packs = metrics === "auto" ? makeable(kinds, evaluate) : makePacks(metrics, contextOf(evaluate), kinds);
  refuseUnknownMetrics(decide, packs, kinds);
  refuseImpossibleMargins(decide, packs);
  refuseUnknownSubsets(definition);
  if (metrics !== "auto") policyOf(decide, packs);
}

/**
 * Settles what is `auto` by the expected answers of the test set. Packs: the first that fits them, those whose metrics the
 * policy names, and `cost` where there are prices. Policy: that of the primary metric's pack. Throws InvalidInput when
 * no chosen pack has a policy and none is named.
 */
export function resolveChoices(
  definition: ChoosingDefinition,
  expected: readonly string[],
  kinds: readonly MetricPackKind[],
): ResolvedChoices {
  const { evaluate, decide } = definition;
  const metrics = evaluate.metrics === "auto" ? fittingChoices(definition, expected, kinds) : evaluate.metrics;
  const packs = makePacks(metrics, contextOf(evaluate), kinds);
  refuseUnknownMetrics(decide, packs, kinds);
  return { metrics, policy: policyOf(decide, packs) };
}

function fittingChoices(
  { evaluate, decide }: ChoosingDefinition,
  expected: readonly string[],
  kinds: readonly MetricPackKind[],
): MetricChoice[] {
  const fitting = kinds.find((kind) => kind.fits?.(expected) === true);
  if (fitting === undefined) throw invalid("evaluate.metrics: there are no expected answers to choose by: name packs");
  const named = new Set(namedMetrics(decide).map(({ metric }) => metric));
  const wanted = makeable(kinds, evaluate)
    .filter((pack) => pack.metrics.some(({ name }) => named.has(name)))
    .map(({ name }) => name);
  const cost = evaluate.prices === null ? [] : ["cost"];
  const names = new Set([fitting.name, ...wanted, ...cost]);
  names.delete(responses.name);
  return [...names].map((pack) => ({ pack, options: {} }));
}

/** Packs that can be made without options. */
function makeable(kinds: readonly MetricPackKind[], evaluate: ChoosingDefinition["evaluate"]): MetricPack[] {
  const free = kinds.filter(
    ({ name, example }) => example === undefined && (name !== "cost" || evaluate.prices !== null),
  );
  return [responses, ...free.map((kind) => kind.create({}, contextOf(evaluate)))];
}

function policyOf(decide: DecideChoice, packs: readonly MetricPack[]): DecisionPolicy {
  const pack =
    decide.primary === "auto"
      ? packs.find(({ policy }) => policy !== undefined)
      : packs.find(({ metrics }) => metrics.some(({ name }) => name === decide.primary));
  const primary = decide.primary === "auto" ? pack?.policy?.primary : decide.primary;
  if (primary === undefined)
    throw invalid("decide.primary: no chosen metric pack says what to decide by: name a metric, or another pack");
  return settlePolicy(decide, { primary, guards: pack?.policy?.guards ?? [] });
}

/** Metrics that a policy names, and where. */
function namedMetrics({ primary, guards }: DecideChoice): { at: string; metric: string }[] {
  const guarded = guards === "auto" ? [] : guards;
  return [
    ...(primary === "auto" ? [] : [{ at: "decide.primary", metric: primary }]),
    ...guarded.map(({ metric }, index) => ({ at: `decide.guards.${index}.metric`, metric })),
  ];
}

function refuseUnknownMetrics(
  decide: DecideChoice,
  packs: readonly MetricPack[],
  kinds: readonly MetricPackKind[],
): void {
  const metrics = packs.flatMap((pack) => pack.metrics);
  for (const { at, metric } of namedMetrics(decide)) {
    const found = metrics.find(({ name }) => name === metric);
    if (found === undefined) throw unknownMetric(at, metric, packs, kinds);
    if (found.better === "neither")
      throw invalid(`${at}: of ${metric} neither more nor less is better: no decision can rest on it`);
  }
}

/** A margin of a ratio that is beyond 1 was meant in percent, and would allow everything. */
function refuseImpossibleMargins({ primary, minGain, guards }: DecideChoice, packs: readonly MetricPack[]): void {
  const isRatio = (name: string): boolean =>
    packs.some((pack) => pack.metrics.some((metric) => metric.name === name && metric.unit === "ratio"));
  const refuse = (at: string, value: number, metric: string): never => {
    throw invalid(`${at}: is ${value}, and ${metric} is a ratio: 0.02 stands for 2 points`);
  };
  if (minGain > 1 && isRatio(primary)) refuse("decide.minGain", minGain, primary);
  for (const [index, { metric, margin = 0 }] of guards === "auto" ? [] : guards.entries())
    if (margin > 1 && isRatio(metric)) refuse(`decide.guards.${index}.margin`, margin, metric);
}

function unknownMetric(
  at: string,
  metric: string,
  packs: readonly MetricPack[],
  kinds: readonly MetricPackKind[],
): TypedFailure {
  const elsewhere = kinds.find((kind) => metricNames(kind).includes(metric));
  if (elsewhere !== undefined)
    return invalid(`${at}: ${metric} is a metric of the pack ${elsewhere.name}: name that in evaluate.metrics too`);
  const names = packs.flatMap((pack) => pack.metrics.map(({ name }) => name));
  const near = nearNames(metric, names);
  const offer = near.length > 0 ? `did you mean ${near.join(" or ")}?` : `there are ${names.join(", ")}`;
  return invalid(`${at}: no chosen metric pack has ${metric}: ${offer}`);
}

/** Names of the metrics of a pack; none where it cannot be made without options of one's own. */
function metricNames(kind: MetricPackKind): string[] {
  const context = { vocabulary: { functions: [], attributeTypes: [] }, prices: freeOfCharge };
  try {
    return kind.create(kind.example ?? {}, context).metrics.map(({ name }) => name);
  } catch {
    return [];
  }
}

const freeOfCharge = { promptUsdPerMillion: 0, completionUsdPerMillion: 0 };

function refuseUnknownSubsets({ evaluate, decide }: ChoosingDefinition): void {
  if (decide.guards === "auto") return;
  for (const [index, { on }] of decide.guards.entries()) {
    const at = `decide.guards.${index}.on`;
    if (on === "test") continue;
    if (on === "retention") {
      if (evaluate.retentionSet === null) throw invalid(`${at}: there is no evaluate.retentionSet`);
      continue;
    }
    const field = on.slice(0, Math.max(0, on.indexOf("=")));
    if (evaluate.slices.includes(field)) continue;
    const slices =
      evaluate.slices.length === 0 ? "evaluate.slices is empty" : `evaluate.slices: ${evaluate.slices.join(", ")}`;
    throw invalid(`${at}: must be test, retention, or a slice such as labels.platform=ps5 of a field of ${slices}`);
  }
}

function kindOf(name: string, kinds: readonly MetricPackKind[]): MetricPackKind {
  const found = kinds.find((kind) => kind.name === name);
  if (found !== undefined) return found;
  throw unknownPack(
    name,
    kinds.map((kind) => kind.name),
  );
}

/** InvalidInput for a pack that is not among those of these names. */
export function unknownPack(name: string, names: readonly string[]): TypedFailure {
  const near = nearNames(name, names);
  const hint = near.length > 0 ? `did you mean ${near.join(" or ")}? ` : "";
  return invalid(`evaluate.metrics: there is no metric pack ${name}: ${hint}There are ${names.join(", ")}`);
}

function contextOf({ prices }: ChoosingDefinition["evaluate"]): MetricContext {
  return { vocabulary: { functions: [], attributeTypes: [] }, prices };
}

function invalid(message: string): TypedFailure {
  return new TypedFailure("InvalidInput", message);
}
