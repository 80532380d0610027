/** Pages of other programs that people are led to. */

/** A workflow's run in Temporal's web UI; null when the UI's address is not configured. */
export function workflowPage(
  ui: string | null,
  of: { namespace: string; workflowId: string; runId: string },
): string | null {
  if (ui === null) return null;
  const [namespace, workflowId, runId] = [of.namespace, of.workflowId, of.runId].map(encodeURIComponent);
  return `${ui}/namespaces/${namespace}/workflows/${workflowId}/${runId}/history`;
}
