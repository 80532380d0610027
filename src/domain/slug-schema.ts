import { z } from "zod";

/** Names people choose: pipelines, datasets, sources. They become parts of workflow ids, keys and service names. */
export const slugSchema = z.string().regex(/^[a-z0-9-]{1,40}$/, "must be 1 to 40 of a-z, 0-9 and -");
