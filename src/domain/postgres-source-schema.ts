import { z } from "zod";
import { mappingSchema } from "./mapping-schema.ts";
import { secretNameSchema, sourceFields } from "./source-fields-schema.ts";

const columnSchema = z.string().min(1).max(63);

/** Rows of a query on a PostgreSQL of version 13 or newer. */
export const postgresSourceSchema = z.strictObject({
  ...sourceFields,
  kind: z.literal("postgres"),
  /** Names the variable that holds `postgresql://user:password@host/database`; `sslmode` and the like are obeyed. */
  urlSecret: secretNameSchema,
  /** One SELECT without ORDER BY, LIMIT and parameters; it is read page by page. */
  query: z
    .string()
    .max(20_000)
    .regex(/^\s*(select|with)\b/i, "must be one SELECT"),
  /** A column that grows when a row is added or changed, such as updated_at. Rows without a value there are not read. */
  cursorColumn: columnSchema,
  /** A column that tells rows apart. */
  idColumn: columnSchema.default("id"),
  /** Rows before the last one met that are read again: transactions may end in another order than they began. */
  revisitRows: z.int().min(0).max(100_000).default(1000),
  /** Rows read at once. */
  pageRows: z.int().min(1).max(10_000).default(500),
  /** How long the database may take for one page. */
  statementTimeoutSeconds: z.int().min(1).max(3600).default(60),
  /** Without one, rows must be chat records already. */
  map: mappingSchema.optional(),
});
export type PostgresSource = z.infer<typeof postgresSourceSchema>;
