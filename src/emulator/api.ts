import { Hono } from "hono";
import { z } from "zod";
import { addBucket } from "./bucket-routes.ts";
import type { Bucket } from "./bucket.ts";
import { type EmulatorEnv, errorAnswer, guard, type GuardContext } from "./guard.ts";
import { addJobPages } from "./job-page.ts";
import { addJobs } from "./job-routes.ts";
import type { Jobs } from "./jobs.ts";
import { addLookups } from "./lookup-routes.ts";
import { addOrders } from "./order-routes.ts";
import { addServices } from "./service-routes.ts";
import { ServiceRefusal, type Services } from "./services.ts";

/** What the API needs from the rest of the emulator. */
export interface ApiContext extends GuardContext {
  bucket: Bucket;
  jobs: Jobs;
  services: Services;
}

/** The emulator's HTTP API, without the proxy of services. */
export function createApi(context: ApiContext): Hono<EmulatorEnv> {
  const app = new Hono<EmulatorEnv>({ strict: true });
  const guarded = guard(context);
  for (const family of ["/api/*", "/ext/*", "/bucket/*"]) app.use(family, guarded);
  app.onError((error) => {
    if (error instanceof ServiceRefusal) return errorAnswer(error.status, error.message);
    if (error instanceof z.ZodError) {
      const body = { error: { message: z.prettifyError(error), detail: error.issues } };
      return Response.json(body, { status: 422 });
    }
    return errorAnswer(500, String(error));
  });
  app.notFound((c) => errorAnswer(404, `${c.req.method} ${c.req.path} is no route of the emulator`));
  addLookups(app, context);
  addBucket(app, context);
  addJobs(app, context);
  addJobPages(app, context);
  addServices(app, context);
  addOrders(app, context);
  return app;
}
