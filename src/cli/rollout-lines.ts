/** A rollout as lines for people. */
import { describeOrder, type RolloutView } from "../domain/rollout.ts";
import { bar } from "./state-lines.ts";

/** Control characters, which a reason from elsewhere could steer a terminal with. */
const unprintable = /\p{Cc}/gu;

/** All that is known of a rollout, a line for each matter. */
export function rolloutLines(view: RolloutView): string[] {
  const { model, champion, percent, steps, phase, paused, gates, orders } = view;
  const rows: [string, string][] = [
    ["model", champion === null ? model : `${model} beside ${champion}`],
    ["phase", paused === null ? phase : `${phase}, paused: ${paused.reason}`],
    ["traffic", `${bar(percent / 100)} ${percent} %`],
    ["plan", steps.map((step) => `${step} %`).join(", ")],
    ...view.done.map((step): [string, string] => [
      "",
      `${step.percent} % for ${step.seconds} s, ${step.looks} ${step.looks === 1 ? "look" : "looks"}`,
    ]),
    ...gates.map(({ verdict, reason }): [string, string] => [verdict, reason]),
    ...(view.approvalUntil === null ? [] : [pair("approval", `wanted until ${view.approvalUntil}`)]),
    ...(view.nextCheckAt === null ? [] : [pair("next", `news by ${view.nextCheckAt}`)]),
    ...orders.slice(-3).map((given) => pair("order", describeOrder(given))),
  ];
  return rows.map(([what, value]) => `${what.padEnd(8)} ${value.replace(unprintable, " ")}`.trimEnd());
}

/** One line that says where a rollout is, for those who follow. */
export function rolloutChange({ model, phase, percent, paused, gates }: RolloutView): string {
  const said = gates.map(({ gate, verdict }) => `${gate} ${verdict}`).join(", ");
  const held = paused === null ? "" : " (paused)";
  return `${model} ${percent} % ${phase}${held}${said === "" ? "" : `: ${said}`}`.replace(unprintable, " ");
}

function pair(what: string, value: string): [string, string] {
  return [what, value];
}
