import { z } from "zod";
import type {
  ComputeTemplate,
  DeploymentTemplate,
  NodeResources,
  NodeTemplate,
  WorkerTemplate,
} from "./compute-wire.ts";

const resourcesSchema = z.record(z.string().min(1), z.number().min(0));
const flagsSchema = z.record(z.string().min(1), z.unknown());

const nodeFields = {
  /** Name of a machine type of the cloud; either this or `requiredResources`. */
  instanceType: z.string().min(1).optional(),
  /** What a machine must have, where any that has it will do. */
  requiredResources: z
    .strictObject({
      cpu: z.int().min(1),
      memoryBytes: z.int().min(1),
      gpu: z.int().min(0).optional(),
      /** Kind of GPU or TPU, such as `A10G`. */
      accelerator: z.string().min(1).optional(),
      tpu: z.int().min(0).optional(),
      tpuHosts: z.int().min(0).optional(),
      cpuArchitecture: z.enum(["x86_64", "arm64"]).optional(),
    })
    .optional(),
  /** What Ray schedules on: `CPU`, `GPU`, `memory` (bytes), `object_store_memory` (bytes) and names of your own. Default: what the machine has. */
  resources: resourcesSchema.optional(),
  labels: z.record(z.string().min(1), z.string()).optional(),
  /** Labels that a machine must have, such as `ray.io/accelerator-type`. */
  requiredLabels: z.record(z.string().min(1), z.string()).optional(),
  flags: flagsSchema.optional(),
  /** Settings of the cloud's own, passed on as they are. */
  advancedInstanceConfig: z.record(z.string().min(1), z.unknown()).optional(),
};

/** Checks of a head node. */
const headNodeSchema = z.strictObject(nodeFields).superRefine(needsOneKind);

/** Checks of a worker group. */
const workerGroupSchema = z
  .strictObject({
    /** Unique in the config. Default: the instance type, or what is required of the machine. */
    name: z.string().min(1).optional(),
    ...nodeFields,
    /** Default 0. */
    minNodes: z.int().min(0).default(0),
    /** Default 10. */
    maxNodes: z.int().min(1).default(10),
    /** `PREFER_SPOT` falls back to machines on demand. Default `ON_DEMAND`. */
    marketType: z.enum(["ON_DEMAND", "SPOT", "PREFER_SPOT"]).default("ON_DEMAND"),
  })
  .superRefine(needsOneKind)
  .refine(({ minNodes, maxNodes }) => minNodes <= maxNodes, {
    path: ["maxNodes"],
    message: "must be at least minNodes",
  });

/** Checks and defaults of an inline compute config. */
export const computeConfigSchema = z
  .strictObject({
    /** Default: the head of the cloud's default compute config. It runs no tasks unless it is the only node or has `resources`. */
    headNode: headNodeSchema.optional(),
    /** Groups of equal machines; none means that the head does the work. Default: up to the cloud. */
    workerNodes: z.array(workerGroupSchema).optional(),
    /** Lets Ray choose machines by what tasks ask for; without `workerNodes` only. Default false. */
    autoSelectWorkers: z.boolean().default(false),
    /** Least and most of each resource in the whole cluster, such as `{ GPU: 8 }`. */
    minResources: resourcesSchema.optional(),
    maxResources: resourcesSchema.optional(),
    /** Default: every zone of the region. */
    zones: z.array(z.string().min(1)).min(1).optional(),
    /** Whether one cluster may span zones. Default false. */
    crossZoneScaling: z.boolean().default(false),
    flags: flagsSchema.optional(),
    advancedInstanceConfig: z.record(z.string().min(1), z.unknown()).optional(),
  })
  .refine(({ autoSelectWorkers, workerNodes }) => !autoSelectWorkers || workerNodes === undefined, {
    path: ["autoSelectWorkers"],
    message: "must be false beside workerNodes",
  })
  .refine(({ workerNodes = [] }) => new Set(workerNodes.map(groupName)).size === workerNodes.length, {
    path: ["workerNodes"],
    message: "names must be unique; give each group its own",
  });

/** The machines of a job or service, given inline: each use makes a new anonymous compute config. One cloud resource only. */
export type ComputeConfig = z.input<typeof computeConfigSchema>;

type CheckedConfig = z.output<typeof computeConfigSchema>;
type CheckedNode = z.output<typeof headNodeSchema>;
type CheckedGroup = z.output<typeof workerGroupSchema>;

/** Ray takes nothing for zero but an explicit zero: without it the machine's own CPUs would count. */
const UNSCHEDULABLE = { cpu: 0, gpu: 0 };

/**
 * The body's `config` of a compute config.
 *
 * @param defaultHead head of the cloud's default config, for a config without one
 */
export function templateOf(config: CheckedConfig, cloudId: string, defaultHead: NodeTemplate | null): ComputeTemplate {
  const headWorks = !config.autoSelectWorkers && (config.workerNodes ?? []).length === 0;
  const head: NodeTemplate =
    config.headNode === undefined
      ? { name: "head-node", instance_type: defaultHead?.instance_type, flags: defaultHead?.flags }
      : { name: "head-node", ...nodeOf(config.headNode) };
  const deployment: DeploymentTemplate = {
    allowed_azs: config.zones,
    head_node_type: { ...head, resources: head.resources ?? (headWorks ? undefined : UNSCHEDULABLE) },
    worker_node_types: config.workerNodes?.map(groupOf),
    auto_select_worker_config: config.autoSelectWorkers,
    flags: {
      ...config.flags,
      "allow-cross-zone-autoscaling": config.crossZoneScaling,
      min_resources: config.minResources,
      max_resources: config.maxResources,
    },
    advanced_configurations_json: config.advancedInstanceConfig,
  };
  // Older readers look at the top level, newer ones at the deployments.
  return { cloud_id: cloudId, deployment_configs: [deployment], ...deployment };
}

function groupOf(group: CheckedGroup): WorkerTemplate {
  return {
    name: groupName(group),
    ...nodeOf(group),
    min_workers: group.minNodes,
    max_workers: group.maxNodes,
    use_spot: group.marketType !== "ON_DEMAND",
    fallback_to_ondemand: group.marketType === "PREFER_SPOT",
  };
}

function nodeOf(node: CheckedNode): Omit<NodeTemplate, "name"> {
  const required = node.requiredResources;
  return {
    instance_type: node.instanceType ?? "custom",
    resources: node.resources && nodeResourcesOf(node.resources),
    required_resources: required && {
      cpu: required.cpu,
      memory: required.memoryBytes,
      gpu: required.gpu,
      accelerator: required.accelerator,
      tpu: required.tpu,
      "anyscale/tpu_hosts": required.tpuHosts,
      cpu_architecture: required.cpuArchitecture,
    },
    labels: node.labels,
    required_labels: node.requiredLabels,
    flags: node.flags,
    advanced_configurations_json: node.advancedInstanceConfig,
  };
}

/** Resources with a field of their own on the wire, by Ray's name; any other is a custom one. */
const TYPED_RESOURCES = new Map([
  ["CPU", "cpu"],
  ["GPU", "gpu"],
  ["memory", "memory"],
  ["object_store_memory", "object_store_memory"],
  ["system_reserved_cpu_millicpu", "system_reserved_cpu_millicpu"],
  ["system_reserved_memory_bytes", "system_reserved_memory_bytes"],
]);

function nodeResourcesOf(resources: Record<string, number>): NodeResources {
  const typed: NodeResources = {};
  const custom: Record<string, number> = {};
  for (const [name, count] of Object.entries(resources)) {
    const field = TYPED_RESOURCES.get(name);
    if (field === undefined) custom[name] = count;
    else typed[field] = count;
  }
  return Object.keys(custom).length === 0 ? typed : { ...typed, custom_resources: custom };
}

/** Label that names the kind of accelerator. */
const ACCELERATOR_LABEL = "ray.io/accelerator-type";

/** A group's name as the official client chooses it when it is left out. */
function groupName({ name, instanceType, requiredResources, requiredLabels, labels }: CheckedGroup): string {
  if (name !== undefined || instanceType !== undefined || requiredResources === undefined)
    return name ?? instanceType ?? "";
  const { cpu, memoryBytes, gpu, tpu, tpuHosts, cpuArchitecture } = requiredResources;
  const labelled = requiredLabels?.[ACCELERATOR_LABEL] ?? labels?.[ACCELERATOR_LABEL];
  const accelerator = requiredResources.accelerator ?? labelled;
  const parts = [`FP-${cpu}CPU-${Math.floor(memoryBytes / 2 ** 30)}GB`];
  if (tpu) parts.push(`${tpu}TPU`, ...(tpuHosts ? [`${tpuHosts}TPUHost`] : []));
  else if (gpu) parts.push(`${gpu}GPU`);
  if ((tpu || gpu) && accelerator) parts.push(accelerator);
  if (cpuArchitecture === "arm64") parts.push("ARM64");
  return parts.join("-");
}

function needsOneKind(node: { instanceType?: string; requiredResources?: object }, context: z.RefinementCtx): void {
  if ((node.instanceType === undefined) === (node.requiredResources === undefined)) {
    context.addIssue({ code: "custom", message: "needs either instanceType or requiredResources" });
  }
}
