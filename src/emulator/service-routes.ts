import type { Context, Hono } from "hono";
import { z } from "zod";
import { serviceApplySchema, serviceApplyVersionsSchema, serviceRollbackSchema } from "../anyscale/services-wire.ts";
import { PROJECT_ID } from "./catalog.ts";
import type { Faults } from "./faults.ts";
import type { EmulatorEnv } from "./guard.ts";
import { page } from "./paging.ts";
import { Refusal } from "./refusal.ts";
import { eventAnswer, serviceAnswer, versionAnswer } from "./service-answers.ts";
import { selectServices } from "./service-list.ts";
import { type ServiceRecord, versionsOf } from "./service-records.ts";
import type { Services } from "./services.ts";
import type { State } from "./state.ts";
import type { Tags } from "./tags.ts";

const BASE = "/api/v2/services-v2";

const weightsSchema = z.object({
  versions: z.array(
    z.object({ id: z.string().optional(), name: z.string(), traffic_percent: z.int().min(0).max(100) }),
  ),
});

/** What the routes of services need from the rest of the emulator. */
export interface ServiceRoutesContext {
  state: State;
  services: Services;
  tags: Tags;
  faults: Faults;
}

/** Services, their versions and events, without the proxy that answers their queries. */
export function addServices(app: Hono<EmulatorEnv>, { state, services, tags, faults }: ServiceRoutesContext): void {
  const answer = (service: ServiceRecord, c: Context<EmulatorEnv>) => shownService(faults, service, c);
  app.put(`${BASE}/apply`, (c) => {
    const request = serviceApplySchema.parse(c.get("body"));
    const service = services.apply(request, request.project_id ?? PROJECT_ID);
    c.set("createdId", service.id);
    return c.json({ result: answer(service, c) });
  });
  app.put(`${BASE}/apply_multi_version`, (c) => {
    const service = services.applyVersions(serviceApplyVersionsSchema.parse(c.get("body")));
    c.set("createdId", service.id);
    return c.json({ result: answer(service, c) });
  });
  app.get(`${BASE}/`, (c) => {
    const query = { one: (key: string) => c.req.query(key), all: (key: string) => c.req.queries(key) ?? [] };
    const found = page(
      selectServices(state.services.all(), query, tags),
      query.one("count"),
      query.one("paging_token"),
    );
    return c.json({ ...found, results: found.results.map((service) => answer(service, c)) });
  });
  const find = serviceFinder(state);
  app.get(`${BASE}/:id`, (c) => c.json({ result: answer(find(c), c) }));
  const orders: Record<string, (service: ServiceRecord, c: Context<EmulatorEnv>) => void> = {
    rollback: (service, c) => {
      serviceRollbackSchema.parse(c.get("body") ?? {});
      services.rollBack(service);
    },
    terminate: (service) => services.terminate(service),
    restart: (service) => services.restart(service),
    add_secondary_auth_token: (service) => services.addToken(service),
    delete_secondary_auth_token: (service, c) => services.removeToken(service, c.req.query("auth_token")),
  };
  for (const [name, order] of Object.entries(orders)) {
    for (const path of name === "rollback" ? [BASE, "/ext/v0/services"] : [BASE]) {
      app.post(`${path}/:id/${name}`, (c) => {
        const service = find(c);
        order(service, c);
        return c.json({ result: answer(service, c) });
      });
    }
  }
  app.put(`${BASE}/:id/update_weights`, (c) => {
    const service = find(c);
    services.updateWeights(service, weightsSchema.parse(c.get("body")).versions);
    return c.json({ result: answer(service, c) });
  });
  app.post(`${BASE}/:id/archive`, (c) => {
    services.archive(find(c));
    return c.json(null);
  });
  app.delete(`${BASE}/:id`, (c) => {
    services.remove(find(c));
    return c.json(null);
  });
  addServiceHistory(app, state);
}

/** A service as an answer shows it, which for a look may be another state than it has. */
function shownService(faults: Faults, service: ServiceRecord, c: Context<EmulatorEnv>) {
  const facts = { method: c.req.method, path: c.req.path, name: service.name };
  const fault = c.req.method === "GET" ? faults.take(["service-state"], facts) : null;
  const shown = serviceAnswer(service, new URL(c.req.url).origin);
  return fault?.kind === "service-state" ? inState(shown, fault.state) : shown;
}

/** A service, and its canary or only version, in a state that they are not in. */
function inState(shown: ReturnType<typeof serviceAnswer>, state: string) {
  const newest = shown.canary_version ?? shown.primary_version;
  const other = { ...newest, current_state: state };
  const versions = shown.canary_version === null ? { primary_version: other } : { canary_version: other };
  return { ...shown, ...versions, current_state: state };
}

/** What was and is of a service: its versions and its events. */
function addServiceHistory(app: Hono<EmulatorEnv>, state: State): void {
  const find = serviceFinder(state);
  app.get(`${BASE}/:id/versions`, (c) => {
    const service = find(c);
    const states = c.req.queries("state_filter");
    const found = [...versionsOf(service), ...service.ending, ...service.past]
      .filter(({ state: own }) => states?.includes(own) ?? true)
      .filter(({ id }, index, all) => all.findIndex((version) => version.id === id) === index);
    const { results, metadata } = page(found, c.req.query("count"), c.req.query("paging_token"));
    return c.json({ results: results.map((version) => versionAnswer(version)), metadata });
  });
  app.get(`${BASE}/:id/versions/:version`, (c) => {
    const service = find(c);
    const name = c.req.param("version");
    const version = [...versionsOf(service), ...service.ending, ...service.past].find((one) => one.version === name);
    if (version === undefined) throw new Refusal(404, `service ${service.name} has no version "${name}"`);
    return c.json({ result: versionAnswer(version) });
  });
  for (const path of [`${BASE}/:id/events`, "/api/v2/events/service/:id/events"]) {
    app.get(path, (c) => {
      const service = find(c);
      const events = /^true$/i.test(c.req.query("ascending_order") ?? "")
        ? service.events.toReversed()
        : service.events;
      const { results, metadata } = page(events, c.req.query("count"), c.req.query("paging_token"));
      return c.json({ results: results.map((event) => eventAnswer(service, event)), metadata });
    });
  }
}

function serviceFinder(state: State) {
  return (c: Context<EmulatorEnv>): ServiceRecord => {
    const id = c.req.param("id") ?? "";
    const service = state.services.get(id);
    if (service === undefined) throw new Refusal(404, `there is no service ${id}`);
    return service;
  };
}
