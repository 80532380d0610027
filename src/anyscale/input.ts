import { z } from "zod";
import { InvalidRequestError } from "./errors.ts";

/** Names a thing by the id that the API answered, where a bare string would be taken for its name. */
export interface ById {
  id: string;
}

/** A cloud, project or compute config, by name or by id; null means the account's default. */
export type Reference = string | ById | null;

/** Schema of {@link Reference}. */
export const referenceSchema: z.ZodType<Reference> = z.custom<Reference>(
  (value) =>
    value === null ||
    (typeof value === "string" && value !== "") ||
    (typeof value === "object" && "id" in value && typeof value.id === "string" && value.id !== ""),
  "must be a name, { id } or null",
);

/** An environment variable's name, as every shell takes it. */
const VARIABLE = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** Schema of environment variables: names that a shell can set, values without NUL. */
export const envVarsSchema = z
  .record(
    z.string(),
    z.string().refine((value) => !value.includes("\0"), "must not have a NUL character"),
  )
  .superRefine((variables, context) => {
    for (const name of Object.keys(variables)) {
      if (VARIABLE.test(name)) continue;
      context.addIssue({
        code: "custom",
        path: [name],
        message: "is no name of a variable; use letters, digits and _",
      });
    }
  });

/** Schema of tags. */
export const tagsSchema = z.record(z.string().min(1), z.string());

/**
 * A caller's options as their schema takes them. Throws `InvalidRequestError` with every field that is wrong and why: before
 * anything is sent.
 *
 * @param what the options are of: `job`
 */
export function checked<T extends z.ZodType>(what: string, schema: T, options: unknown): z.output<T> {
  const parsed = schema.safeParse(options);
  if (parsed.success) return parsed.data;
  throw new InvalidRequestError(`${what}: ${issuesOf(parsed.error).join("; ")}`);
}

function issuesOf(error: z.ZodError): string[] {
  return error.issues.map(({ path, message }) => (path.length === 0 ? message : `${path.join(".")}: ${message}`));
}
