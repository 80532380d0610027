import { z } from "zod";

/** Something people are told. Texts hold ids and numbers, never records or secrets. */
export const alertSchema = z.object({
  severity: z.enum(["info", "warning", "error"]),
  /** Pipeline it is about. */
  pipeline: z.string(),
  /** Workflow that sends it. */
  workflowId: z.string(),
  title: z.string(),
  /** Sentences, one per element. */
  text: z.array(z.string()),
});
export type Alert = z.infer<typeof alertSchema>;
