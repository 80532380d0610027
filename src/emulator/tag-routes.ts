import type { Hono } from "hono";
import { z } from "zod";
import { ORGANIZATION_ID } from "./catalog.ts";
import type { EmulatorEnv } from "./guard.ts";
import { Refusal } from "./refusal.ts";
import { taggedTypes } from "./records.ts";
import type { State } from "./state.ts";
import type { TaggedType, Tags } from "./tags.ts";

const resourceSchema = z.object({ resource_type: z.enum(taggedTypes), resource_id: z.string().min(1) });
const putSchema = resourceSchema.extend({ tags: z.record(z.string().min(1), z.string()) });
const deleteSchema = resourceSchema.extend({ keys: z.array(z.string()) });

/** Tags of jobs, services and job queues. */
export function addTags(app: Hono<EmulatorEnv>, { state, tags }: { state: State; tags: Tags }): void {
  const check = (type: TaggedType, id: string) => {
    const store = { job: state.jobs, service: state.services, job_queue: state.queues }[type];
    if (store.get(id) === undefined) throw new Refusal(404, `there is no ${type} ${id}`);
  };
  app.put("/api/v2/tags/resource", (c) => {
    const { resource_type: type, resource_id: id, tags: wanted } = putSchema.parse(c.get("body"));
    check(type, id);
    tags.put(type, id, wanted);
    return c.json({});
  });
  app.delete("/api/v2/tags/resource", (c) => {
    const { resource_type: type, resource_id: id, keys } = deleteSchema.parse(c.get("body"));
    check(type, id);
    return c.json({ result: { deleted: tags.remove(id, keys) } });
  });
  app.get("/api/v2/tags/resource", (c) => {
    const { resource_type: type, resource_id: id } = resourceSchema.parse(c.req.query());
    check(type, id);
    const answer = tags.of(id).map((tag) => ({
      id: tag.id,
      organization_id: ORGANIZATION_ID,
      resource_type: type,
      resource_id: id,
      key: tag.key,
      value: tag.value,
      created_at: tag.createdAt,
      updated_at: tag.updatedAt,
    }));
    return c.json({ result: { tags: answer } });
  });
}
