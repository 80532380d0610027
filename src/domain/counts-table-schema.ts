import { z } from "zod";
import { secretNameSchema } from "./source-fields-schema.ts";

/** A table of a SQL database that record counts are merged into. */
export const countsTableSchema = z.strictObject({
  /** Environment variable of the worker with the database's address, such as `postgresql://user:password@host/database`. */
  urlSecret: secretNameSchema,
  /** `table` or `schema.table`; made when it is not there. */
  table: z
    .string()
    .regex(
      /^[A-Za-z_][A-Za-z0-9_]{0,62}(\.[A-Za-z_][A-Za-z0-9_]{0,62})?$/,
      "must be a table's name, or schema.table: letters, digits and _, 63 of them at most",
    )
    .default("tuneloop_dataset_counts"),
});
export type CountsTarget = z.infer<typeof countsTableSchema>;
