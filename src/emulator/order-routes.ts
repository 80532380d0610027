import type { Hono } from "hono";
import { faultSchema } from "./faults.ts";
import { type EmulatorEnv, errorAnswer, type GuardContext, isAuthorized } from "./guard.ts";

/** What only an emulator has: faults to order and the ledger to read. These calls are not in the ledger. */
export function addOrders(app: Hono<EmulatorEnv>, context: GuardContext): void {
  app.use("/emulator/*", async (c, next) => {
    if (isAuthorized(c, context)) return await next();
    return errorAnswer(401, "the token is missing or wrong");
  });
  app.get("/emulator/ledger", (c) => c.json({ entries: context.ledger.read(c.req.query("name") ?? null) }));
  app.get("/emulator/faults", (c) => c.json({ faults: context.faults.list() }));
  app.post("/emulator/faults", async (c) => {
    context.faults.add(faultSchema.parse(await c.req.json()));
    return c.json({ faults: context.faults.list() }, 201);
  });
  app.delete("/emulator/faults", (c) => {
    context.faults.clear();
    return c.json({ faults: [] });
  });
}
