/** Wire shapes of compute configs ("compute templates" on the wire); see `wire.ts`. */

/** What a node has or must have. `memory` is in bytes. */
export interface NodeResources {
  cpu?: number;
  gpu?: number;
  memory?: number;
  [resource: string]: unknown;
}

/** The head node, or what the worker nodes of a group have in common. */
export interface NodeTemplate {
  name: string;
  /** `custom` when `required_resources` chooses the machine. */
  instance_type?: string;
  resources?: NodeResources;
  required_resources?: NodeResources;
  labels?: Record<string, string>;
  required_labels?: Record<string, string>;
  flags?: Record<string, unknown>;
  advanced_configurations_json?: Record<string, unknown>;
}

/** A group of equal worker nodes. */
export interface WorkerTemplate extends NodeTemplate {
  min_workers: number;
  max_workers: number;
  use_spot: boolean;
  fallback_to_ondemand: boolean;
}

/** The machines of one cluster. */
export interface DeploymentTemplate {
  allowed_azs?: string[];
  head_node_type: NodeTemplate;
  worker_node_types?: WorkerTemplate[];
  auto_select_worker_config: boolean;
  flags: Record<string, unknown>;
  advanced_configurations_json?: Record<string, unknown>;
}

/** `config` of `POST /api/v2/compute_templates/`. */
export interface ComputeTemplate extends DeploymentTemplate {
  cloud_id: string;
  deployment_configs: DeploymentTemplate[];
}
