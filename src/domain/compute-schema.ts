import { z } from "zod";

/** What to run in: an image that exists, by its URI, or the path of a local Containerfile that one is built from. */
export type ImageSource = { imageUri: string } | { containerfile: string };

/** What a node must have when any machine that has it will do. */
export const nodeResourcesSchema = z.strictObject({
  cpus: z.int().min(1),
  memoryGiB: z.number().gt(0),
  gpus: z.int().min(0).default(0),
  /** Kind of GPU as Ray names it, such as `A10G` or `L4`; null for any. */
  accelerator: z.string().min(1).nullable().default(null),
});
export type NodeResources = z.infer<typeof nodeResourcesSchema>;

/** One kind of machine: by its name at the cloud, or by what it must have. */
export type NodeShape = { instanceType: string } | { resources: NodeResources };

export const nodeShapeSchema = z
  .strictObject({ instanceType: z.string().min(1).optional(), resources: nodeResourcesSchema.optional() })
  .transform(({ instanceType, resources }, context): NodeShape => {
    if (instanceType !== undefined && resources === undefined) return { instanceType };
    if (instanceType === undefined && resources !== undefined) return { resources };
    context.addIssue({ code: "custom", message: "needs either instanceType or resources" });
    return z.NEVER;
  });

/** Machines of one kind beside the head; as many as the work asks for, between both limits. */
export const workerGroupSchema = z
  .strictObject({
    name: z.string().min(1),
    node: nodeShapeSchema,
    minNodes: z.int().min(0).default(0),
    maxNodes: z.int().min(1).default(1),
    /** Whether the cloud may take the machine back: never, always possible, or never where none of the cheap ones is left. */
    market: z.enum(["ON_DEMAND", "SPOT", "PREFER_SPOT"]).default("ON_DEMAND"),
  })
  .refine(({ minNodes, maxNodes }) => minNodes <= maxNodes, {
    path: ["minNodes"],
    message: "must not be more than maxNodes",
  });

/** The machines that a job or a service version runs on. A job without workers runs on its head. */
export const computeShapeSchema = z.strictObject({
  head: nodeShapeSchema,
  workers: z
    .array(workerGroupSchema)
    .refine((groups) => new Set(groups.map(({ name }) => name)).size === groups.length, "two groups have the same name")
    .default([]),
});
export type ComputeShape = z.infer<typeof computeShapeSchema>;
