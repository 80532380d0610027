/** When what is built in was made. */
export const BIRTH = "2026-01-01T00:00:00+00:00";

const USER_ID = "usr_local0001";

/** The one organization. */
export const ORGANIZATION_ID = "org_local0001";
/** The one cloud. */
export const CLOUD_ID = "cld_local0001";
/** The one project. */
export const PROJECT_ID = "prj_local0001";

/** The one user, short form. */
export const creator = { id: USER_ID, name: "Local", username: "local", email: "local@example.com" };

/** What every compute config and image says of its owner. */
export const owner = { creator_id: USER_ID, organization_id: ORGANIZATION_ID };

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
