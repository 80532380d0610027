/** A rollout as lines for people. */
import { describeOrder, describePause, type RolloutView } from "../domain/rollout.ts";
import { printable, wrapped } from "./printable.ts";
import { bar } from "./bar.ts";

/** Columns of what a line is about, with the space after it. */
const headWidth = 9;

/** All that is known of a rollout, in lines of at most so many columns, the first of each matter with its name. */
export function rolloutLines(view: RolloutView, columns: number): string[] {
  const { model, champion, percent, steps, phase, gates, orders } = view;
  const rows: [string, string][] = [
    ["model", champion === null ? model : `${model} beside ${champion}`],
    ["phase", [phase, ...whyLonger(view)].join(", ")],
    ["traffic", `${bar(percent / 100)} ${percent} %`],
    ["plan", steps.length === 0 ? "the provider's own steps" : steps.map((step) => `${step} %`).join(", ")],
    ...view.done.map((step): [string, string] => [
      "",
      `${step.percent} % for ${step.seconds} s, ${step.looks} ${step.looks === 1 ? "look" : "looks"}`,
    ]),
    ...gates.map(({ verdict, reason }): [string, string] => [verdict, reason]),
    ...(view.approvalUntil === null ? [] : [pair("approval", stepApproval(view.pipeline, view.approvalUntil))]),
    ...(view.nextCheckAt === null ? [] : [pair("next", `news by ${view.nextCheckAt}`)]),
    ...orders.slice(-3).map((given) => pair("order", describeOrder(given))),
  ];
  return rows.flatMap(([what, value]) =>
    wrapped(printable(value), Math.max(20, columns - headWidth)).map((line, index) =>
      `${(index === 0 ? what : "").padEnd(headWidth)}${line}`.trimEnd(),
    ),
  );
}

/** Until when a step waits for somebody to agree, and how to. */
export function stepApproval(pipeline: string, until: string): string {
  return `wanted until ${until}: tuneloop rollout approve ${pipeline} --reason WHY, or reject`;
}

/** One line that says where a rollout is, for those who follow. */
export function rolloutChange({ model, phase, percent, paused, gates }: RolloutView): string {
  const said = gates.map(({ gate, verdict }) => `${gate} ${verdict}`).join(", ");
  const held = paused === null ? "" : " (paused)";
  return printable(`${model} ${percent} % ${phase}${held}${said === "" ? "" : `: ${said}`}`);
}

function whyLonger({ paused, waitUntil }: RolloutView): string[] {
  if (paused !== null) return [describePause(paused)];
  return waitUntil === null ? [] : [`until ${waitUntil} at the earliest`];
}

function pair(what: string, value: string): [string, string] {
  return [what, value];
}
