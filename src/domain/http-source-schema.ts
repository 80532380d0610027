import { z } from "zod";
import { mappingSchema } from "./mapping-schema.ts";
import { requestFields, secretNameSchema, webAddressSchema } from "./source-fields-schema.ts";
import { parsePath } from "./template.ts";

const fieldPathSchema = z.string().refine((text) => !("problem" in parsePath(text)), "is not a path such as meta.next");

/** Where the next page is: in the Link header, or in a field of the JSON. */
const pagingSchema = z.discriminatedUnion("by", [
  z.strictObject({ by: z.literal("link") }),
  z.strictObject({
    by: z.literal("field"),
    /** Path of the field; missing, null, false or empty on the last page. */
    field: fieldPathSchema,
    /** Query parameter that takes what the field holds; without one the field holds the next page's address. */
    parameter: z.string().min(1).max(100).optional(),
  }),
]);

/** A file or an API that answers JSONL, JSON or CSV over HTTPS. */
export const httpSourceSchema = z
  .strictObject({
    ...requestFields,
    kind: z.literal("http"),
    url: webAddressSchema,
    /** Default: as the ending of the address or the content type says. */
    format: z.enum(["jsonl", "json", "csv"]).optional(),
    /** Of JSON: path of the list of items. Default: the whole is the list. */
    items: fieldPathSchema.optional(),
    /** Default: everything is in one answer. */
    paging: pagingSchema.optional(),
    /** Names the variable whose value is sent as `Authorization: Bearer`. */
    tokenSecret: secretNameSchema.optional(),
    /** Without one, items must be chat records already. */
    map: mappingSchema.optional(),
  })
  .refine((source) => source.items === undefined || source.format === undefined || source.format === "json", {
    path: ["items"],
    message: "belongs to format: json only",
  })
  .refine((source) => source.paging?.by !== "field" || source.format === undefined || source.format === "json", {
    path: ["paging", "by"],
    message: "a field for the next page belongs to format: json only; by: link goes with every format",
  });
export type HttpSource = z.infer<typeof httpSourceSchema>;
