/** Pages of other programs that people are led to. */

/** A workflow in Temporal's web UI, its newest run without `runId`; null when the UI's address is not configured. */
export function workflowPage(
  ui: string | null,
  of: { namespace: string; workflowId: string; runId?: string | null },
): string | null {
  if (ui === null) return null;
  const page = `${ui}/namespaces/${encodeURIComponent(of.namespace)}/workflows/${encodeURIComponent(of.workflowId)}`;
  return of.runId ? `${page}/${encodeURIComponent(of.runId)}/history` : page;
}
