import { z } from "zod";

const nodeSchema = z.looseObject({
  instance_type: z.string().nullish(),
  resources: z.record(z.string(), z.unknown()).nullish(),
  required_resources: z.record(z.string(), z.unknown()).nullish(),
});
const sizesSchema = z.looseObject({
  head_node_type: nodeSchema.nullish(),
  worker_node_types: z
    .array(nodeSchema.extend({ min_workers: z.number().nullish(), max_workers: z.number().nullish() }))
    .nullish(),
});

/** Families of instance types with GPUs at AWS, Google Cloud and Azure. */
const GPU_INSTANCE = /^(?:g\d|p\d|a[2-4]-|g2-|Standard_N[CDV])/;

/** Nodes of one kind that a compute config asks for. */
export interface NodeGroup {
  /** The instance type, or `a free-shape node`. */
  type: string;
  hasGpus: boolean;
  minNodes: number;
  maxNodes: number;
}

/** The nodes that a compute config asks for, the head node first. A config of a form not known here asks for none. */
export function nodeGroups(config: Record<string, unknown>): NodeGroup[] {
  const parsed = sizesSchema.safeParse(config);
  if (!parsed.success) return [];
  const { head_node_type: head, worker_node_types: workers } = parsed.data;
  const group = (node: z.infer<typeof nodeSchema>, minNodes: number, maxNodes: number): NodeGroup => ({
    type: node.instance_type ?? "a free-shape node",
    hasGpus: GPU_INSTANCE.test(node.instance_type ?? "") || [node.resources, node.required_resources].some(namesGpus),
    minNodes,
    maxNodes,
  });
  return [
    ...(head ? [group(head, 1, 1)] : []),
    ...(workers ?? []).map((node) => group(node, node.min_workers ?? 0, node.max_workers ?? node.min_workers ?? 0)),
  ];
}

/** Names of resources are written in both cases. */
function namesGpus(resources: Record<string, unknown> | null | undefined): boolean {
  return Object.entries(resources ?? {}).some(([name, amount]) => {
    return name.toLowerCase() === "gpu" ? Number(amount) > 0 : name === "accelerator" && Boolean(amount);
  });
}
