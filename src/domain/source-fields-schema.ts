/** Fields that kinds of sources share. */
import { z } from "zod";
import { slugSchema } from "./slug-schema.ts";

/** What every source has. */
export const sourceFields = {
  id: slugSchema,
  /** How far back to read: items received before this date or time are left out. Default: everything. */
  since: z
    .union([z.iso.date(), z.iso.datetime({ offset: true })], {
      error: "must be a date such as 2026-01-31, or a time such as 2026-01-31T12:00:00Z",
    })
    .optional(),
};

/** What every source has that is read by requests. */
export const requestFields = {
  ...sourceFields,
  /** An own cap, for services that would allow more than one wants; what their headers say always holds. */
  requestsPerMinute: z.number().gt(0).max(60_000).optional(),
};

/** Beginnings of variables that hold what Tuneloop itself runs on: no source may send these to a service. */
const ownVariables = /^(AWS|ANYSCALE|TUNELOOP|TEMPORAL|NODE)_/;

/** The name of an environment variable of the worker that holds a secret; never the secret. */
export const secretNameSchema = z
  .string()
  .regex(
    /^[A-Z][A-Z0-9_]{0,99}$/,
    "must be the name of an environment variable such as SLACK_TOKEN, not the secret itself",
  )
  .refine((name) => !ownVariables.test(name), "is a variable of Tuneloop itself, which may not be named here");

/** An http(s) address without credentials in it. Whether it may be reached is checked when it is. */
export const webAddressSchema = z
  .string()
  .max(2000)
  .superRefine((text, context) => {
    const url = URL.canParse(text) ? new URL(text) : null;
    const problem =
      url === null || !/^https?:$/.test(url.protocol)
        ? "must be an address such as https://example.com/feedback.jsonl"
        : url.username !== "" || url.password !== ""
          ? "must not have a name or password in it: put the secret into the worker's environment and name the variable"
          : null;
    if (problem !== null) context.addIssue({ code: "custom", message: problem });
  });
