/** The Anyscale client as the package exports it: `import { AnyscaleClient } from "tuneloop/anyscale"`. */
export { AnyscaleClient } from "./client.ts";
export type { ComputeConfig } from "./compute-config.ts";
export {
  AnyscaleError,
  ConflictError,
  ForbiddenError,
  InvalidRequestError,
  JobFailedError,
  NotFoundError,
  RateLimitedError,
  UnauthorizedError,
  UnavailableError,
  UnexpectedReplyError,
  WaitFailedError,
  WaitTimeoutError,
  type AnyscaleErrorKind,
} from "./errors.ts";
export type { BuildOptions, Images } from "./images.ts";
export type { ById, Reference } from "./input.ts";
export type { JobLogOptions } from "./job-logs.ts";
export type { JobQueueChange, JobQueueFilter, JobQueues } from "./job-queues.ts";
export type { JobQueueTarget, JobSubmission } from "./job-submission.ts";
export type { EndedJob, JobOutcome, JobWait } from "./job-wait.ts";
export type { JobFilter, Jobs, TimeRange } from "./jobs.ts";
export type { JobQueue, JobRun, ProductionJob } from "./jobs-wire.ts";
export type { Lookups } from "./lookups.ts";
export type { Build, User } from "./lookups-wire.ts";
export type { LogReading } from "./log-stream.ts";
export type { ImageChoice, Placement } from "./placement.ts";
export type { PollOptions } from "./poll.ts";
export type { RuntimeEnvOptions } from "./runtime-env.ts";
export type { ServiceDeployment, ServiceVersionsDeployment, ServiceWeights } from "./service-deployment.ts";
export type { ServiceFilter, ServiceScope } from "./service-list.ts";
export type { ControllerLogReading } from "./service-logs.ts";
export type { QueriedService, ServiceQuery } from "./service-query.ts";
export type { ServiceWait } from "./service-wait.ts";
export type { RollbackOptions, Services, WeightMove } from "./services.ts";
export type { Service, ServiceVersion } from "./services-wire.ts";
export type { ResourceTags } from "./tags.ts";
export type { CallOptions, TransportOptions } from "./transport.ts";
export type { Usage, UsagePeriod } from "./usage.ts";
export type { ClusterUsage } from "./usage-wire.ts";
