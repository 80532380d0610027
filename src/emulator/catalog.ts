import { createHash } from "node:crypto";
import type { LookupRecord, Store } from "./state.ts";
import { newId } from "./ids.ts";

const BIRTH = "2026-01-01T00:00:00+00:00";
const USER_ID = "usr_local0001";
const ORGANIZATION_ID = "org_local0001";

/** The one cloud. */
export const CLOUD_ID = "cld_local0001";
/** The one project. */
export const PROJECT_ID = "prj_local0001";

/** The one user, short form. */
export const creator = { id: USER_ID, name: "Local", username: "local", email: "local@example.com" };

/** `GET /api/v2/userinfo/`. */
export const userInfo = {
  ...creator,
  lastname: "User",
  verified: true,
  organization_permission_level: "owner",
  organization_ids: [ORGANIZATION_ID],
  organizations: [
    {
      id: ORGANIZATION_ID,
      name: "local",
      public_identifier: "local",
      default_cloud_id: CLOUD_ID,
      is_general_platform_enabled: true,
      is_private_endpoints_enabled: false,
      is_usage_blocked: false,
    },
  ],
  ld_hash: "none",
  ld_hash_fields: [],
  pylon_hash: "none",
};

/** The cloud as any name or id is answered. */
export const cloud = {
  id: CLOUD_ID,
  name: "local",
  provider: "AWS",
  compute_stack: "VM",
  region: "us-west-2",
  credentials: "",
  config: null,
  is_k8s: false,
  is_aioa: false,
  type: "PUBLIC",
  creator_id: USER_ID,
  created_at: BIRTH,
  status: "ready",
  state: "ACTIVE",
  is_default: true,
  customer_aggregated_logs_config_id: "none",
};

/** The project, with the fields of the internal and the external form. */
export const project = {
  id: PROJECT_ID,
  name: "default",
  description: "",
  cluster_config: "{}",
  parent_cloud_id: CLOUD_ID,
  created_at: BIRTH,
  creator_id: USER_ID,
  organization_id: ORGANIZATION_ID,
  is_owner: true,
  is_read_only: false,
  is_default: true,
  directory_name: "default",
};

const defaultComputeConfig = {
  cloud_id: CLOUD_ID,
  head_node_type: { name: "head-node", instance_type: "local", resources: { cpu: 0, gpu: 0 } },
  worker_node_types: [],
  auto_select_worker_config: true,
  flags: {},
  deployment_configs: null,
};

/** Compute configs and images: any name is taken, remembered and echoed, as everything runs on this machine anyway. */
export class Catalog {
  readonly #store: Store<LookupRecord>;

  constructor(store: Store<LookupRecord>) {
    this.#store = store;
  }

  /** The default compute config. */
  defaultComputeConfig() {
    return computeConfig({ id: "cpt_default0001", name: "local-default", config: defaultComputeConfig });
  }

  /** The compute config of this id; null when it was never named. */
  computeConfig(id: string) {
    if (id === "cpt_default0001") return this.defaultComputeConfig();
    const record = this.#store.get(id);
    return record === undefined ? null : computeConfig(record);
  }

  /** The compute config of a name and version; the same two give the same id. */
  computeConfigNamed(name: string, version: number) {
    return computeConfig(this.#named("cpt", name, `${name}:${version}`, defaultComputeConfig));
  }

  /** A new anonymous compute config, or a new version of a named one. */
  createComputeConfig(name: string | undefined, config: Record<string, unknown>) {
    const id = newId("cpt");
    const record: LookupRecord = { id, name: name ?? `anonymous-${id}`, config };
    this.#store.save(record);
    return computeConfig(record);
  }

  /** The default image's build. */
  defaultBuild(rayVersion: string, pythonVersion: string) {
    return build({ id: "bld_default0001", name: `anyscale/ray:${rayVersion}-${pythonVersion}`, config: {} });
  }

  /** The build of an image; the same image gives the same id. */
  buildOf(imageUri: string) {
    return build(this.#named("bld", imageUri, imageUri, {}));
  }

  /** The build of this id; null when its image was never named. */
  build(id: string) {
    if (id === "bld_default0001") return this.defaultBuild("2.59.0", "py311");
    const record = this.#store.get(id);
    return record === undefined ? null : build(record);
  }

  /** The cluster environment that a build of an image belongs to. */
  environment(id: string) {
    return this.build(id.replace("apt_", "bld_"))?.application_template ?? null;
  }

  #named(prefix: string, name: string, key: string, config: Record<string, unknown>): LookupRecord {
    const id = `${prefix}_${createHash("sha256").update(key).digest("hex").slice(0, 24)}`;
    const known = this.#store.get(id);
    if (known !== undefined) return known;
    const record: LookupRecord = { id, name, config };
    this.#store.save(record);
    return record;
  }
}

function computeConfig({ id, name, config }: LookupRecord) {
  return {
    id,
    name,
    creator_id: USER_ID,
    organization_id: ORGANIZATION_ID,
    created_at: BIRTH,
    last_modified_at: BIRTH,
    config: {
      ...config,
      cloud: { id: CLOUD_ID, name: cloud.name, provider: cloud.provider },
    },
    version: 1,
    anonymous: name === `anonymous-${id}`,
    creator,
  };
}

function build({ id, name }: LookupRecord) {
  const template = {
    id: id.replace("bld_", "apt_"),
    // Shown as `anyscale/image/<name>:<revision>`, which must be a well-formed image name.
    name: name.replace(/[^A-Za-z0-9_.-]/g, "-"),
    organization_id: ORGANIZATION_ID,
    creator_id: USER_ID,
    created_at: BIRTH,
    last_modified_at: BIRTH,
    anonymous: false,
  };
  return {
    id,
    cluster_environment_id: template.id,
    application_template_id: template.id,
    application_template: template,
    docker_image_name: name,
    ray_version: "2.59.0",
    revision: 1,
    creator_id: USER_ID,
    creator,
    status: "succeeded",
    created_at: BIRTH,
    last_modified_at: BIRTH,
    is_byod: true,
    containerfile: null,
    config_json: null,
    registry_login_secret: null,
    error_message: null,
  };
}
