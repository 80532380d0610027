/** Why something failed, for people. */

/** The message at the bottom of an error's causes: where a workflow failed, not that it did. */
export function reasonOf(error: unknown): string {
  let bottom = error;
  while (bottom instanceof Error && bottom.cause instanceof Error && isWrapper(bottom)) bottom = bottom.cause;
  if (!(bottom instanceof Error)) return String(bottom);
  const type = "type" in bottom && typeof bottom.type === "string" ? `${bottom.type}: ` : "";
  return `${type}${bottom.message}`;
}

/** Failures that only say that another one happened further down. */
function isWrapper({ name }: Error): boolean {
  return ["WorkflowFailedError", "ChildWorkflowFailure", "ActivityFailure"].includes(name);
}
