import { Hono } from "hono";
import { z } from "zod";
import type { Attempts } from "./attempts.ts";
import { addBucket } from "./bucket-routes.ts";
import type { Bucket } from "./bucket.ts";
import { addComputeConfigs } from "./compute-routes.ts";
import { type EmulatorEnv, errorAnswer, guard, type GuardContext } from "./guard.ts";
import { addImages } from "./image-routes.ts";
import { addJobPages } from "./job-page.ts";
import { addJobs, type JobRoutesContext } from "./job-routes.ts";
import { addLookups } from "./lookup-routes.ts";
import { addOrders } from "./order-routes.ts";
import { addQueues } from "./queue-routes.ts";
import { Refusal } from "./refusal.ts";
import { addRuns } from "./run-routes.ts";
import { addServiceLogs } from "./service-log-routes.ts";
import { addServices } from "./service-routes.ts";
import type { Services } from "./services.ts";
import { addTags } from "./tag-routes.ts";
import { addUsage } from "./usage-routes.ts";

/** What the API needs from the rest of the emulator. */
export interface ApiContext extends GuardContext, JobRoutesContext {
  bucket: Bucket;
  attempts: Attempts;
  services: Services;
  versionsDirectory: string;
}

/** The emulator's HTTP API, without the proxy of services. */
export function createApi(context: ApiContext): Hono<EmulatorEnv> {
  const app = new Hono<EmulatorEnv>({ strict: true });
  const guarded = guard(context);
  for (const family of ["/api/*", "/ext/*", "/bucket/*"]) app.use(family, guarded);
  app.onError((error) => {
    if (error instanceof Refusal) return errorAnswer(error.status, error.message);
    if (error instanceof z.ZodError) {
      const body = { error: { message: z.prettifyError(error), detail: error.issues } };
      return Response.json(body, { status: 422 });
    }
    return errorAnswer(500, String(error));
  });
  app.notFound((c) => errorAnswer(404, `${c.req.method} ${c.req.path} is no route of the emulator`));
  addLookups(app);
  addComputeConfigs(app, context);
  addImages(app, context);
  addBucket(app, context);
  addTags(app, context);
  addServiceLogs(app, context);
  addJobs(app, context);
  addRuns(app, context);
  addQueues(app, context);
  addUsage(app, context);
  addJobPages(app, context);
  addServices(app, context);
  addOrders(app, context);
  return app;
}
