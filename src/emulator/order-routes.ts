import type { Hono } from "hono";
import { faultSchema } from "./faults.ts";
import { type EmulatorEnv, errorAnswer, type GuardContext, isAuthorized, readBody } from "./guard.ts";

/** What only an emulator has: faults to order and the ledger to read. These calls are not in the ledger. */
export function addOrders(app: Hono<EmulatorEnv>, context: GuardContext): void {
  app.use("/emulator/*", async (c, next) => {
    if (!isAuthorized(c, context)) return errorAnswer(401, "the token is missing or wrong");
    return (await readBody(c)) ?? (await next());
  });
  app.get("/emulator/ledger", (c) => c.json({ entries: context.ledger.read(c.req.query("name") ?? null) }));
  app.get("/emulator/faults", (c) => c.json({ faults: context.faults.list() }));
  app.post("/emulator/faults", (c) => {
    context.faults.add(faultSchema.parse(c.get("body")));
    return c.json({ faults: context.faults.list() }, 201);
  });
  app.delete("/emulator/faults", (c) => {
    context.faults.clear();
    return c.json({ faults: [] });
  });
}
