import { describe, expect, it } from "vitest";
import { type ComputeConfig, computeConfigSchema, templateOf } from "../../src/anyscale/compute-config.ts";

const GIB = 2 ** 30;
const cloudDefault = { name: "head-node", instance_type: "m5.2xlarge", flags: { a: 1 } };
const idle = { cpu: 0, gpu: 0 };
const onDemand = { min_workers: 0, max_workers: 10, use_spot: false, fallback_to_ondemand: false };

describe("templateOf", () => {
  // What version 0.26.112 of the official package makes of the same configs.
  it.each<[string, ComputeConfig, object]>([
    [
      "nothing: the cloud's head, which works",
      {},
      {
        head_node_type: cloudDefault,
        auto_select_worker_config: false,
        flags: { "allow-cross-zone-autoscaling": false },
      },
    ],
    [
      "workers by what tasks ask for, beside an idle head",
      { autoSelectWorkers: true },
      {
        head_node_type: { ...cloudDefault, resources: idle },
        auto_select_worker_config: true,
        flags: { "allow-cross-zone-autoscaling": false },
      },
    ],
    [
      "a head alone, which works",
      { headNode: { instanceType: "g5.xlarge" }, workerNodes: [] },
      {
        head_node_type: { name: "head-node", instance_type: "g5.xlarge" },
        worker_node_types: [],
        auto_select_worker_config: false,
        flags: { "allow-cross-zone-autoscaling": false },
      },
    ],
    [
      "a head that works beside spot workers",
      {
        headNode: {
          instanceType: "m5.large",
          resources: { CPU: 2, memory: 1024, my_thing: 3 },
          flags: { f: true },
          labels: { l: "1" },
        },
        workerNodes: [{ instanceType: "g5.xlarge", marketType: "SPOT", maxNodes: 1 }],
      },
      {
        head_node_type: {
          name: "head-node",
          instance_type: "m5.large",
          resources: { cpu: 2, memory: 1024, custom_resources: { my_thing: 3 } },
          flags: { f: true },
          labels: { l: "1" },
        },
        worker_node_types: [
          { ...onDemand, name: "g5.xlarge", instance_type: "g5.xlarge", max_workers: 1, use_spot: true },
        ],
        auto_select_worker_config: false,
        flags: { "allow-cross-zone-autoscaling": false },
      },
    ],
    [
      "machines by what they must have",
      {
        headNode: { requiredResources: { cpu: 4, memoryBytes: 8 * GIB } },
        workerNodes: [
          {
            requiredResources: { cpu: 8, memoryBytes: 32 * GIB, gpu: 1, accelerator: "A10G" },
            requiredLabels: { "ray.io/accelerator-type": "A10G" },
            advancedInstanceConfig: { x: 1 },
          },
        ],
        zones: ["us-west-2a"],
        advancedInstanceConfig: { y: 2 },
        flags: { z: 3 },
      },
      {
        allowed_azs: ["us-west-2a"],
        advanced_configurations_json: { y: 2 },
        head_node_type: {
          name: "head-node",
          instance_type: "custom",
          required_resources: { cpu: 4, memory: 8 * GIB },
          resources: idle,
        },
        worker_node_types: [
          {
            ...onDemand,
            name: "FP-8CPU-32GB-1GPU-A10G",
            instance_type: "custom",
            required_resources: { cpu: 8, memory: 32 * GIB, gpu: 1, accelerator: "A10G" },
            required_labels: { "ray.io/accelerator-type": "A10G" },
            advanced_configurations_json: { x: 1 },
          },
        ],
        auto_select_worker_config: false,
        flags: { "allow-cross-zone-autoscaling": false, z: 3 },
      },
    ],
    [
      "TPUs whose kind is in a label",
      {
        headNode: { instanceType: "a" },
        workerNodes: [
          {
            requiredResources: { cpu: 7, memoryBytes: 12 * GIB, tpu: 4, tpuHosts: 2, cpuArchitecture: "arm64" },
            requiredLabels: { "ray.io/accelerator-type": "TPU-V6E", "ray.io/tpu-topology": "2x2" },
          },
        ],
      },
      {
        head_node_type: { name: "head-node", instance_type: "a", resources: idle },
        worker_node_types: [
          {
            ...onDemand,
            name: "FP-7CPU-12GB-4TPU-2TPUHost-TPU-V6E-ARM64",
            instance_type: "custom",
            required_resources: {
              cpu: 7,
              memory: 12 * GIB,
              tpu: 4,
              "anyscale/tpu_hosts": 2,
              cpu_architecture: "arm64",
            },
            required_labels: { "ray.io/accelerator-type": "TPU-V6E", "ray.io/tpu-topology": "2x2" },
          },
        ],
        auto_select_worker_config: false,
        flags: { "allow-cross-zone-autoscaling": false },
      },
    ],
  ])("says as the official client does: %s", (_case, config, deployment) => {
    const template = templateOf(computeConfigSchema.parse(config), "cld_1", cloudDefault);
    const sent: unknown = JSON.parse(JSON.stringify(template));
    expect(sent).toEqual({ cloud_id: "cld_1", deployment_configs: [deployment], ...deployment });
  });
});
