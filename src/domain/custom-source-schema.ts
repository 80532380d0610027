import { z } from "zod";
import { mappingSchema } from "./mapping-schema.ts";
import { slugSchema } from "./slug-schema.ts";
import { requestFields } from "./source-fields-schema.ts";

/** A source that is read by a file of one's own. */
export const customSourceSchema = z.strictObject({
  ...requestFields,
  kind: z.literal("custom"),
  /** Name of the file, without its ending, in a folder that the worker's TUNELOOP_SOURCES names. */
  reader: slugSchema,
  /** For the reader, which checks them. */
  options: z.record(z.string(), z.json()).default({}),
  /** Without one, items must be chat records already. */
  map: mappingSchema.optional(),
});
export type CustomSourceDefinition = z.infer<typeof customSourceSchema>;
