import type { Hono } from "hono";
import { serviceApplySchema } from "../anyscale/services-wire.ts";
import { serviceAnswer, serviceState } from "./answers.ts";
import { PROJECT_ID } from "./catalog.ts";
import { type EmulatorEnv, errorAnswer } from "./guard.ts";
import { page } from "./paging.ts";
import type { Services } from "./services.ts";
import type { State } from "./state.ts";

/** Services and their versions, without the proxy that answers their queries. */
export function addServices(app: Hono<EmulatorEnv>, { state, services }: { state: State; services: Services }): void {
  const base = "/api/v2/services-v2";
  app.put(`${base}/apply`, (c) => {
    const request = serviceApplySchema.parse(c.get("body"));
    const service = services.apply(request, request.project_id ?? PROJECT_ID);
    c.set("createdId", service.id);
    return c.json({ result: serviceAnswer(service, new URL(c.req.url).origin) });
  });
  app.get(`${base}/`, (c) => {
    const { name, project_id: projectId, count, paging_token: token } = c.req.query();
    const states = c.req.queries("state_filter");
    const found = state.services
      .all()
      .filter((service) => name === undefined || service.name === name)
      .filter((service) => projectId === undefined || service.projectId === projectId)
      .filter((service) => states?.includes(serviceState(service)) ?? true);
    return c.json(
      page(
        found.map((service) => serviceAnswer(service, new URL(c.req.url).origin)),
        count,
        token,
      ),
    );
  });
  app.get(`${base}/:id`, (c) => {
    const service = state.services.get(c.req.param("id"));
    if (service === undefined) return errorAnswer(404, `there is no service ${c.req.param("id")}`);
    return c.json({ result: serviceAnswer(service, new URL(c.req.url).origin) });
  });
  for (const path of [`${base}/:id/:order{rollback|terminate}`, "/ext/v0/services/:id/:order{rollback}"]) {
    app.post(path, (c) => {
      const service = state.services.get(c.req.param("id") ?? "");
      if (service === undefined) return errorAnswer(404, `there is no service ${c.req.param("id")}`);
      if (c.req.param("order") === "rollback") services.rollBack(service);
      else services.terminate(service);
      return c.json({ result: serviceAnswer(service, new URL(c.req.url).origin) });
    });
  }
}
