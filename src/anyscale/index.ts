/** The Anyscale client as the package exports it: `import { AnyscaleClient } from "tuneloop/anyscale"`. */
export { AnyscaleClient } from "./client.ts";
export {
  AnyscaleError,
  ConflictError,
  ForbiddenError,
  InvalidRequestError,
  NotFoundError,
  RateLimitedError,
  UnauthorizedError,
  UnavailableError,
  UnexpectedReplyError,
  type AnyscaleErrorKind,
} from "./errors.ts";
export type { JobFilter, Jobs, JobSubmission } from "./jobs.ts";
export type { Placement } from "./lookups.ts";
export type { ServiceDeployment, Services } from "./services.ts";
export type { CallOptions, TransportOptions } from "./transport.ts";
