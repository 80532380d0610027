/** How a source's item becomes a chat record: a small declarative template, checked before the first read. */
import { z } from "zod";
import { maxTemplateLength, parsePath, parseTemplate } from "./template.ts";

/** `user.name`, `replies.0.text`, `reactions.*.name`; `$.title` from within a list. */
const pathSchema = z.string().max(maxTemplateLength).superRefine(checked(parsePath));

/** Text with `{path}` and `{path|default}` in it. */
const templateSchema = z.string().max(maxTemplateLength).superRefine(checked(parseTemplate));

/** Deepest nesting of a mapping, so that no definition can exhaust the stack. */
const maxDepth = 32;

const plainSchema = z.union([z.string().max(maxTemplateLength), z.number(), z.boolean(), z.null()]);

/** What a field must be like; all tests that are named must hold. */
export interface FieldCondition {
  path: string;
  equals?: string | number | boolean | null | undefined;
  in?: (string | number | boolean | null)[] | undefined;
  /** Part of a text, or an element of a list. */
  contains?: string | number | undefined;
  /** Whether it is there: not missing, null or blank. */
  exists?: boolean | undefined;
  atLeast?: number | undefined;
  atMost?: number | undefined;
  /** Path of a field with the same value. */
  sameAs?: string | undefined;
  /** At least one element of the list is like this; paths in it start at the element. */
  some?: Condition | undefined;
}

/** What an item, or an element of a list of it, must be like. */
export type Condition = FieldCondition | { all: Condition[] } | { any: Condition[] } | { not: Condition };

const tests = ["equals", "in", "contains", "exists", "atLeast", "atMost", "sameAs", "some"] as const;

const fieldConditionSchema: z.ZodType<FieldCondition> = z
  .strictObject({
    path: pathSchema,
    equals: plainSchema.optional(),
    in: z.array(plainSchema).min(1).max(1000).optional(),
    contains: z.union([z.string().min(1).max(maxTemplateLength), z.number()]).optional(),
    exists: z.boolean().optional(),
    atLeast: z.number().optional(),
    atMost: z.number().optional(),
    sameAs: pathSchema.optional(),
    get some() {
      return conditionSchema.optional();
    },
  })
  .refine(
    (condition) => tests.some((test) => condition[test] !== undefined),
    `says nothing of the field: add one of ${tests.join(", ")}`,
  );

const conditionSchema: z.ZodType<Condition> = chosen((value): z.ZodType<Condition> => {
  const several = z.array(conditionSchema).min(1).max(100);
  if (isObject(value)) {
    if ("all" in value) return z.strictObject({ all: several });
    if ("any" in value) return z.strictObject({ any: several });
    if ("not" in value) return z.strictObject({ not: conditionSchema });
  }
  return fieldConditionSchema;
});

const roleNames = ["system", "user", "assistant", "tool"] as const;
const roleNameSchema = z.enum(roleNames);

/** A role, or roles with what decides for them: the first of system, assistant, user, tool that holds, else `otherwise`. */
const roleChoiceSchema = z
  .strictObject({
    system: conditionSchema.optional(),
    assistant: conditionSchema.optional(),
    user: conditionSchema.optional(),
    tool: conditionSchema.optional(),
    otherwise: roleNameSchema.optional(),
  })
  .refine((roles) => Object.values(roles).some((role) => role !== undefined), "names no role");
export type RoleChoice = z.infer<typeof roleNameSchema> | z.infer<typeof roleChoiceSchema>;

const roleSchema = chosen((value): z.ZodType<RoleChoice> => (isObject(value) ? roleChoiceSchema : roleNameSchema));

/** A text, or whether a condition holds. A text of one `{path}` keeps numbers, true and false as they are. */
const labelSchema = chosen((value): z.ZodType<string | Condition> =>
  isObject(value) ? conditionSchema : templateSchema,
);

const messageMappingSchema = z.strictObject({
  /** Path of a list: a message for each element, to which the paths beside it then belong. */
  each: pathSchema.optional(),
  where: conditionSchema.optional(),
  role: roleSchema,
  text: templateSchema,
});
export type MessageMapping = z.infer<typeof messageMappingSchema>;

const fields = z.strictObject({
  /** Items that are not like this are left out. */
  where: conditionSchema.optional(),
  messages: z
    .array(messageMappingSchema)
    .max(100)
    .refine(
      (messages) => messages.some(canAnswer),
      "no message can be the assistant's: there would be nothing to learn",
    ),
  /** Default: the item's id at its source. */
  id: templateSchema.optional(),
  author: templateSchema.optional(),
  /** What is never torn apart between training and test. Default: the question. */
  group: templateSchema.optional(),
  /** ISO 8601, or seconds or milliseconds since 1970. Default: as the source says. */
  receivedAt: templateSchema.optional(),
  labels: z
    .record(z.string().min(1).max(100), labelSchema)
    .refine((labels) => Object.keys(labels).length <= 50, "at most 50 labels")
    .optional(),
});

/** How an item becomes a chat record. */
export const mappingSchema = z
  .unknown()
  .refine((value) => isFlat(value, maxDepth), { error: `is nested deeper than ${maxDepth} levels`, abort: true })
  .pipe(fields);
export type Mapping = z.infer<typeof mappingSchema>;

function canAnswer({ role }: MessageMapping): boolean {
  return typeof role === "string"
    ? role === "assistant"
    : role.assistant !== undefined || role.otherwise === "assistant";
}

/** A zod check of what `parse` takes apart. */
function checked(parse: (text: string) => object): (text: string, context: z.RefinementCtx) => void {
  return (text, context) => {
    const parsed = parse(text);
    if ("problem" in parsed) context.addIssue({ code: "custom", message: String(parsed.problem) });
  };
}

/** A schema picked by what a value looks like and not tried as a union, so that an error names the field that is wrong. */
function chosen<T>(schemaOf: (value: unknown) => z.ZodType<T>): z.ZodType<T> {
  return z.unknown().transform((value, context): T => {
    const parsed = schemaOf(value).safeParse(value);
    if (parsed.success) return parsed.data;
    for (const { path, message } of parsed.error.issues) context.addIssue({ code: "custom", path, message });
    return z.NEVER;
  });
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

function isFlat(value: unknown, depth: number): boolean {
  if (!isObject(value)) return true;
  return depth > 0 && Object.values(value).every((inner) => isFlat(inner, depth - 1));
}
