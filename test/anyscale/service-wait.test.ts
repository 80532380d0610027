import { describe, expect, it } from "vitest";
import { UnavailableError } from "../../src/anyscale/errors.ts";
import { judgeService, type ServiceTarget, type ServiceWait, waitForService } from "../../src/anyscale/service-wait.ts";
import { type Service, serviceSchema, type ServiceVersion } from "../../src/anyscale/services-wire.ts";

function aVersion(version: string, weight: number, current_state = "RUNNING"): ServiceVersion {
  return {
    id: `srvver_${version}`,
    version,
    weight,
    current_state,
    ray_serve_config: { applications: [{ import_path: "app:app" }] },
    build_id: "bld_1",
    compute_config_id: "cpt_1",
    production_job_ids: [],
  };
}

function aService(current_state: string, versions: ServiceVersion[] = [], more: Partial<Service> = {}): Service {
  const [primary_version, canary_version] = versions;
  const ids = { id: "service2_1", name: "games", project_id: "prj_1", cloud_id: "cld_1" };
  return serviceSchema.parse({ ...ids, current_state, primary_version, canary_version, versions, ...more });
}

const rollout = (canary: ServiceVersion, state = "ROLLING_OUT", more: Partial<Service> = {}) =>
  aService(state, [aVersion("v1", 100 - canary.weight), canary], more);
const alone = (state = "RUNNING", versionState = state) => aService(state, [aVersion("v1", 100, versionState)]);
const v2 = (more: Partial<ServiceTarget> = {}): ServiceTarget => ({ version: "v2", state: "RUNNING", ...more });
const whole = (state = "RUNNING"): ServiceTarget => ({ state });

describe("judgeService", () => {
  it.each<[string, Service, ServiceTarget, "reached" | "waiting" | "lost"]>([
    ["a service in the state", alone(), whole(), "reached"],
    ["a service that starts", alone("STARTING"), whole(), "waiting"],
    ["a service in a state that is not known", alone("DREAMING"), whole(), "waiting"],
    ["a service that is unhealthy", alone("UNHEALTHY"), whole(), "waiting"],
    ["a service whose code fails", alone("USER_ERROR_FAILURE"), whole(), "lost"],
    ["a service that the system lost", alone("SYSTEM_FAILURE"), whole(), "lost"],
    ["a service that ends", alone("TERMINATING"), whole(), "lost"],
    ["a service that has ended", alone("TERMINATED"), whole(), "lost"],
    [
      "one that has ended and is being restarted",
      aService("TERMINATED", [], { goal_state: "RUNNING" }),
      whole(),
      "waiting",
    ],
    ["the end of a service that runs", alone(), whole("TERMINATED"), "waiting"],
    ["the end of a service that failed", alone("SYSTEM_FAILURE"), whole("TERMINATED"), "waiting"],
    ["the end of a service that has ended", alone("TERMINATED"), whole("TERMINATED"), "reached"],

    ["a canary that runs", rollout(aVersion("v2", 0)), v2(), "reached"],
    ["a canary that starts", rollout(aVersion("v2", 0, "STARTING")), v2(), "waiting"],
    ["a canary in a state that is not known", rollout(aVersion("v2", 0, "DREAMING")), v2(), "waiting"],
    ["a canary with the weight", rollout(aVersion("v2", 30)), v2({ weightPercent: 30 }), "reached"],
    ["a canary on its way to the weight", rollout(aVersion("v2", 20)), v2({ weightPercent: 30 }), "waiting"],
    [
      "a canary with the weight that does not run",
      rollout(aVersion("v2", 30, "UNHEALTHY")),
      v2({ weightPercent: 30 }),
      "waiting",
    ],
    ["a canary that the system lost", rollout(aVersion("v2", 0, "SYSTEM_FAILURE")), v2(), "lost"],
    ["a canary that is going back", rollout(aVersion("v2", 10), "ROLLING_BACK"), v2({ weightPercent: 30 }), "lost"],
    ["a canary that ends", rollout(aVersion("v2", 0, "TERMINATING")), v2(), "lost"],
    ["a canary that was rolled back", alone(), v2(), "lost"],
    ["a version that an update in place brings", alone("UPDATING"), v2(), "waiting"],
    ["a version that a restart brings", aService("TERMINATED", [], { goal_state: "RUNNING" }), v2(), "waiting"],
    ["a version that the service may still get", alone("DREAMING"), v2(), "waiting"],
    ["a canary beside an unhealthy primary", rollout(aVersion("v2", 0, "STARTING"), "UNHEALTHY"), v2(), "waiting"],
    ["a canary of a service that failed", rollout(aVersion("v2", 0, "STARTING"), "USER_ERROR_FAILURE"), v2(), "lost"],
    ["a canary of a service that ends", rollout(aVersion("v2", 0), "TERMINATING"), v2({ weightPercent: 30 }), "lost"],
    ["the end of a version that is gone", alone(), v2({ state: "TERMINATED" }), "reached"],
    ["the end of a version that runs", rollout(aVersion("v2", 0)), v2({ state: "TERMINATED" }), "waiting"],

    ["the primary after its rollout", alone(), { version: "v1", state: "RUNNING", weightPercent: 100 }, "reached"],
    [
      "the primary giving way",
      rollout(aVersion("v2", 20)),
      { version: "v1", state: "RUNNING", weightPercent: 50 },
      "waiting",
    ],
    ["the primary without a rollout", alone(), { version: "v1", state: "RUNNING", weightPercent: 50 }, "lost"],
    [
      "one of several versions",
      aService("RUNNING", [aVersion("v1", 100)], {
        is_multi_version: true,
        versions: [aVersion("v1", 100), aVersion("v2", 0)],
      }),
      v2({ weightPercent: 40 }),
      "waiting",
    ],
  ])("%s", (_case, service, target, is) => {
    expect(judgeService(service, target).is).toBe(is);
  });
});

/** Waits through these answers, one after another, the last one for ever. */
function waitThrough(answers: (Service | Error | null)[], wait: ServiceWait = {}) {
  let count = 0;
  const find = async () => {
    const answer = answers[Math.min(count++, answers.length - 1)];
    if (answer instanceof Error) throw answer;
    return answer ?? null;
  };
  return { waited: waitForService("games", find, { pollMs: 1, timeoutMs: 10_000, ...wait }), looks: () => count };
}

describe("waitForService", () => {
  it("looks once per poll until the version has state and weight, and answers the service as it is then", async () => {
    const there = rollout(aVersion("v2", 30));
    const answers = [rollout(aVersion("v2", 0, "STARTING")), rollout(aVersion("v2", 10)), there];
    const { waited, looks } = waitThrough(answers, { version: "v2", weightPercent: 30 });
    expect(await waited).toEqual(there);
    expect(looks()).toBe(3);
  });

  it("survives failures that pass, states that are not known and states that go back", async () => {
    const failure = new UnavailableError("503", { status: 503 });
    const { waited } = waitThrough([
      alone("UPDATING"),
      failure,
      alone("DREAMING"),
      alone("STARTING"),
      failure,
      alone(),
    ]);
    expect((await waited).current_state).toBe("RUNNING");
  });

  it("takes a version that is unhealthy for a moment for one that restarts", async () => {
    const sick = rollout(aVersion("v2", 0, "UNHEALTHY"));
    const { waited } = waitThrough([sick, sick, rollout(aVersion("v2", 0))], { version: "v2" });
    await waited;
  });

  it("fails when a version stays unhealthy, with the server's reason, long before its time is up", async () => {
    const sick = rollout(aVersion("v2", 0, "UNHEALTHY"), "UNHEALTHY", { error_message: "replica exited with 7" });
    const { waited, looks } = waitThrough([sick], { version: "v2", unhealthyMs: 20, timeoutMs: 600_000 });
    await expect(waited).rejects.toMatchObject({
      kind: "failed",
      message: expect.stringMatching(/"games".*"v2".*RUNNING.*v2 UNHEALTHY at 0 %.*replica exited with 7.*20 ms/),
    });
    expect(looks()).toBeGreaterThan(1);
  });

  it("counts unhealthy time anew after the version was well", async () => {
    const sick = rollout(aVersion("v2", 0, "UNHEALTHY"));
    const well = rollout(aVersion("v2", 0, "STARTING"));
    const { waited } = waitThrough([sick, well, sick, well, rollout(aVersion("v2", 0))], {
      version: "v2",
      unhealthyMs: 15,
      pollMs: 10,
    });
    await waited;
  });

  it.each<[string, (Service | null)[], ServiceWait, string, RegExp]>([
    ["there is no such service", [null], {}, "not-found", /no service "games"/],
    ["it is deleted meanwhile", [alone("STARTING"), null], {}, "not-found", /no service "games"/],
    [
      "the version was rolled back",
      [rollout(aVersion("v2", 0, "STARTING")), alone()],
      { version: "v2" },
      "failed",
      /has v1 RUNNING at 100 %/,
    ],
    ["the service fails", [alone("STARTING"), alone("SYSTEM_FAILURE")], {}, "failed", /SYSTEM_FAILURE/],
    ["somebody terminates it", [alone("STARTING"), alone("TERMINATING")], {}, "failed", /TERMINATING/],
  ])("ends at once when %s", async (_case, answers, wait, kind, message) => {
    const { waited, looks } = waitThrough(answers, wait);
    await expect(waited).rejects.toMatchObject({ kind, message: expect.stringMatching(message) });
    expect(looks()).toBe(answers.length);
  });

  it("says what it saw last when the time is up", async () => {
    const { waited } = waitThrough([rollout(aVersion("v2", 10))], { version: "v2", weightPercent: 50, timeoutMs: 30 });
    await expect(waited).rejects.toMatchObject({
      kind: "timeout",
      message: expect.stringContaining("ROLLING_OUT with v1 RUNNING at 90 %, v2 RUNNING at 10 %"),
    });
  });

  it.each([
    [{ weightPercent: 50 }, "weightPercent needs version"],
    [{ version: "v2", weightPercent: 101 }, "weightPercent is 101"],
    [{ version: "v2", weightPercent: Number.NaN }, "weightPercent is NaN"],
    [{ version: "" }, "version is empty"],
    [{ unhealthyMs: -1 }, "unhealthyMs is -1"],
    [{ timeoutMs: 0 }, "timeoutMs is 0"],
  ])("refuses %j before the first look", async (wait, message) => {
    const { waited, looks } = waitThrough([alone()], wait);
    await expect(waited).rejects.toMatchObject({ kind: "invalid", message: expect.stringContaining(message) });
    expect(looks()).toBe(0);
  });
});
