/** Orders to bring a champion of before back: what they may say, and the commands that give them. */
import { cycleOfModel } from "./ids.ts";
import { isObject } from "./objects.ts";
import { readRolloutRequest, whyBadRolloutRequest } from "./rollout.ts";
import { shellWord } from "./shell.ts";

/** Which champion is wanted, and at what price. */
export interface RollBackChoice {
  /** A model version that is or was champion; null for the one before the champion of now. */
  to: string | null;
  /** Whether it takes the place of versions in the service that the pipeline has not trained. */
  replaceOthers: boolean;
}

/** An order as it was given. */
export interface RollBackOrder extends RollBackChoice {
  reason: string;
  /** Who gave it; null for somebody. */
  by: string | null;
}

/** Why what comes with an order of the pipeline `name` is no good, or null. */
export function whyBadRollBack(name: string, request: unknown): string | null {
  if (!isObject(request)) return whyBadRolloutRequest(request);
  const { to, replaceOthers, ...rest } = request;
  const bad = whyBadRolloutRequest(rest);
  if (bad !== null) return bad;
  if (to !== undefined && (typeof to !== "string" || cycleOfModel(name, to) === null))
    return `to: must be a model version such as ${name}-12`;
  return replaceOthers === undefined || typeof replaceOthers === "boolean"
    ? null
    : "replaceOthers: must be true or false";
}

/** What an order says that {@link whyBadRollBack} finds nothing against. */
export function readRollBack(request: unknown): RollBackOrder {
  const { to, replaceOthers, ...rest } = isObject(request) ? request : {};
  return {
    ...readRolloutRequest(rest),
    to: typeof to === "string" ? to : null,
    replaceOthers: replaceOthers === true,
  };
}

/** The command that brings a champion back; what is left out is as in {@link RollBackChoice} by default. */
export function rollBackCommand(
  pipeline: string,
  { to = null, replaceOthers = false }: Partial<RollBackChoice> = {},
): string {
  const options = [...(to === null ? [] : [`--to ${shellWord(to)}`]), ...(replaceOthers ? ["--replace-others"] : [])];
  return ["tuneloop rollout rollback", shellWord(pipeline), ...options, '--reason "why"'].join(" ");
}

/** The {@link rollBackCommand} of a pipeline that a text names; null for none. */
export function rollBackIn(pipeline: string, text: string): string | null {
  const named =
    /tuneloop rollout rollback \S+(?: --to (?<to>[\w.-]+))?(?<replaceOthers> --replace-others)? --reason "why"/;
  const found = named.exec(text);
  if (found === null) return null;
  const { to = null, replaceOthers } = found.groups ?? {};
  const command = rollBackCommand(pipeline, { to, replaceOthers: replaceOthers !== undefined });
  return text.includes(command) ? command : null;
}

/** Why nothing else can move the traffic of a model whose users meet another version by a rollout, and how to end that. */
export function whyMeetsUsers(pipeline: string, workflowId: string): string {
  const update = `temporal workflow update execute -w ${shellWord(workflowId)} --name rollBack --input '{"reason":"why"}'`;
  return (
    `${workflowId} is moving users' traffic of ${pipeline}: send that rollout back by ${rollBackCommand(pipeline)}, ` +
    `or by ${update}, or wait for its end`
  );
}
