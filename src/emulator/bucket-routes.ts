import { existsSync } from "node:fs";
import type { Hono } from "hono";
import { z } from "zod";
import type { Attempts } from "./attempts.ts";
import type { Bucket } from "./bucket.ts";
import { type EmulatorEnv, errorAnswer } from "./guard.ts";
import { readLog } from "./logs.ts";

const presignSchema = z.object({ file_name: z.string() });

/** Uploads of working directories and downloads of logs, behind signed URLs. */
export function addBucket(app: Hono<EmulatorEnv>, { bucket, attempts }: { bucket: Bucket; attempts: Attempts }): void {
  app.post("/api/v2/clouds/:id/generate_cloud_data_bucket_presigned_url", (c) => {
    const { file_name: fileName } = presignSchema.parse(c.get("body"));
    const result = bucket.presign(fileName, new URL(c.req.url).origin);
    return result === null ? errorAnswer(400, `file_name "${fileName}" is not a plain name`) : c.json({ result });
  });
  app.put("/bucket/runtime_env_packages/:file", async (c) => {
    const stored = await bucket.receive(c.req.param("file"), c.env.incoming);
    return stored ? c.body(null, 200) : errorAnswer(413, "the package is too large");
  });
  app.get("/bucket/joblogs/:attempt", (c) => {
    const { from = "0", to = "0" } = c.req.query();
    const path = attempts.logPath(c.req.param("attempt"));
    if (!existsSync(path)) return errorAnswer(404, "this log is gone: its job was deleted");
    return new Response(readLog(path, Number(from), Number(to)));
  });
}
