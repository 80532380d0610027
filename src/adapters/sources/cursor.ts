import type { z } from "zod";
import { TypedFailure } from "../../domain/failures.ts";

/** What a cursor of a kind says. Throws InvalidData when it is of another kind, or of none. */
export function parseCursor<T extends z.ZodType>(source: string, schema: T, text: string): z.infer<T> {
  try {
    return schema.parse(JSON.parse(text));
  } catch (error) {
    const message = `source ${source}: its cursor is not one of this kind; start the source without it`;
    throw new TypedFailure("InvalidData", message, { cause: error });
  }
}
