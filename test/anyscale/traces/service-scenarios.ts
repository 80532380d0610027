import type { ServiceDeployment } from "../../../src/anyscale/service-deployment.ts";
import type { Service } from "../../../src/anyscale/services-wire.ts";
import type { Scenario, Stage } from "../../support/recordings.ts";

/** The service that the recordings deploy, as their arguments were. */
function svc({ directory }: Stage, version: string): ServiceDeployment {
  return {
    name: "svc",
    version,
    application: { importPath: "app:app", name: "default", routePrefix: "/" },
    workingDirectory: directory("svc", { "app.py": "" }),
    envVars: { APP_VERSION: version },
  };
}

/** The same by the CLI's options, which name neither the application nor a version. */
function clisvc({ directory }: Stage, appVersion: string): ServiceDeployment {
  return {
    name: "clisvc",
    application: { importPath: "app:app" },
    workingDirectory: directory("svc", { "app.py": "" }),
    envVars: { APP_VERSION: appVersion },
  };
}

/** Recorded after other deployments of the same process: cloud and project are known. */
const before = async ({ client }: Stage) =>
  await client.services.deploy({ name: "svc", application: { importPath: "app:app" } });

const deploys = (version: string, more: Partial<ServiceDeployment> = {}): Scenario => ({
  before,
  run: async (stage) => await stage.client.services.deploy({ ...svc(stage, version), ...more }),
});

async function found({ client }: Stage, name: string): Promise<Service> {
  const service = await client.services.find(name);
  if (service === null) throw new Error(`the recording has no service ${name}`);
  return service;
}

const looksUp = (name: string): Scenario => ({ run: async ({ client }) => await client.services.find(name) });

const rollsBack = (name: string, maxSurgePercent?: number): Scenario => ({
  run: async (stage) => {
    const { id } = await found(stage, name);
    // One of the recordings is of a refusal.
    await stage.client.services.rollback(id, { maxSurgePercent }).catch(() => null);
  },
});

const terminates = (name: string): Scenario => ({
  run: async (stage) => await stage.client.services.terminate((await found(stage, name)).id),
});

const waits = (name: string, state?: string): Scenario => ({
  run: async ({ client }) => await client.services.wait(name, { state, pollMs: 1 }),
});

const readsLogs = (name: string): Scenario => ({
  run: async ({ client }) => {
    for await (const line of client.services.controllerLogs(name)) if (line === "") throw new Error("an empty line");
  },
});

/** The service as the recordings of queries call it; its URL is the stage's own. */
async function queried(stage: Stage, queries: { token: string | null; pin?: string }[]): Promise<void> {
  const service = stage.recording.steps[0];
  const path = service?.request.path ?? "";
  for (const { token, pin } of queries) {
    const address = { name: "svc", base_url: `${stage.host}${path}`, auth_token: token };
    await stage.client.services.query(address, "/", { pin });
  }
}

/** What the official client was asked in the recordings of services, asked of ours. */
export const serviceScenarios: Record<string, Scenario> = {
  service_deploy_new: {
    run: async (stage) => await stage.client.services.deploy({ ...svc(stage, "v1"), tags: { team: "ft" } }),
  },
  service_deploy_canary0: deploys("v2", { canaryPercent: 0, maxSurgePercent: 50 }),
  service_canary50: deploys("v2", { canaryPercent: 50 }),
  service_canary100: {
    before,
    run: async (stage) => {
      await stage.client.services.deploy({ ...svc(stage, "v2"), canaryPercent: 100 });
      await stage.client.services.wait("svc", { pollMs: 1 });
      await found(stage, "svc");
    },
  },
  service_auto_rollout: {
    before,
    run: async (stage) => {
      await stage.client.services.deploy(svc(stage, "v4"));
      await found(stage, "svc");
    },
  },
  service_in_place: deploys("v3", { inPlace: true }),
  service_weights_via_versions: {
    run: async ({ client }) => await client.services.setWeights("svc", { v1: 70, v2: 30 }),
  },
  service_multi_version: {
    before,
    run: async (stage) => {
      const version = (name: string, trafficPercent: number) => ({
        version: name,
        trafficPercent,
        application: { importPath: "app:app" },
        workingDirectory: stage.directory("svc", { "app.py": "" }),
        envVars: { APP_VERSION: name },
        queryAuthTokenEnabled: false,
      });
      await stage.client.services.deployVersions({ name: "mv", versions: [version("a", 40), version("b", 60)] });
      await found(stage, "mv");
    },
  },
  service_rollback: rollsBack("svc", 100),
  service_rollback_error: rollsBack("svc"),
  service_terminate: terminates("svc"),
  service_archive_delete: {
    run: async ({ client }) => {
      await client.services.archive("service2_97018ec770d077caf5a5c6c6");
      await client.services.delete("service2_97018ec770d077caf5a5c6c6");
    },
  },
  service_token_rotation: {
    run: async (stage) => {
      const { id } = await found(stage, "svc");
      await stage.client.services.addToken(id);
      await found(stage, "svc");
      await found(stage, "svc");
      await stage.client.services.deleteToken(id);
    },
  },
  service_status: looksUp("svc"),
  service_status_rollout: looksUp("svc"),
  service_list: {
    run: async ({ client }) => await client.services.list({ name: "svc", states: ["RUNNING"], pageSize: 5 }),
  },
  service_list_by_id: {
    run: async ({ client }) => await client.services.get("service2_97018ec770d077caf5a5c6c6"),
  },
  service_not_found: {
    run: async (stage) => {
      await stage.client.services.find("zzz");
      await stage.client.services.terminate((await found(stage, "mv")).id);
    },
  },
  service_wait_running: waits("svc"),
  service_wait_terminated: waits("svc", "TERMINATED"),
  service_controller_logs: readsLogs("svc"),
  service_query: {
    run: async (stage) => await queried(stage, [{ token: null }, { token: "<QUERY_TOKEN_3>" }, { token: "bad" }]),
  },
  service_query_canary: {
    run: async (stage) => {
      const token = "<QUERY_TOKEN_3>";
      await queried(stage, [{ token }, { token, pin: "canary" }, { token, pin: "v2" }]);
    },
  },
  error_429_put_apply: {
    retryAfterSeconds: 0,
    run: async ({ client }) => {
      const deployment = { name: "e", application: { importPath: "a:b" } };
      await client.services.deploy(deployment).catch(() => null);
      await client.services.deploy(deployment);
    },
  },
  cli_service_deploy: { run: async (stage) => await stage.client.services.deploy(clisvc(stage, "c1")) },
  cli_service_canary: {
    run: async (stage) => await stage.client.services.deploy({ ...clisvc(stage, "c2"), canaryPercent: 0 }),
  },
  cli_service_status: looksUp("clisvc"),
  cli_service_list: {
    run: async ({ client }) => await client.services.list({ sortOrder: "ASC", pageSize: 10 }),
  },
  cli_service_wait: waits("clisvc"),
  cli_service_rollback: rollsBack("clisvc"),
  cli_service_terminate: terminates("clisvc"),
  cli_service_controller_logs: readsLogs("clisvc"),
};
