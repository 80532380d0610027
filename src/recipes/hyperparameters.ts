import type { z } from "zod";

/**
 * Checks a recipe's hyperparameters and fills in defaults. Throws one line that names each field that is unknown, missing
 * or out of range.
 */
export function parseHyperparameters<T extends z.ZodType>(
  recipe: { name: string; schema: T; known: readonly string[] },
  value: unknown,
): z.infer<T> {
  const parsed = recipe.schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const known = recipe.known.length === 0 ? "none" : recipe.known.join(", ");
  const reasons = parsed.error.issues.map((issue) =>
    issue.code === "unrecognized_keys"
      ? `${issue.keys.map((key) => `hyperparameters.${key}`).join(", ")}: not known, the ${recipe.name} recipe has ${known}`
      : `${["hyperparameters", ...issue.path].join(".")}: ${issue.message}`,
  );
  throw new Error(reasons.join("; "));
}
