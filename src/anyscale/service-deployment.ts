/** What a caller says of a service to deploy: checks, defaults and types. */
import { z } from "zod";
import { tagsSchema } from "./input.ts";
import { placementFields } from "./placement.ts";
import { runtimeEnvFields } from "./runtime-env.ts";

/** A share of requests or of capacity. */
export const percentSchema = z.int("must be a whole number").min(0, "must be 0 to 100").max(100, "must be 0 to 100");

/** Two names around one colon, as `main:app` and `package.module:app`. */
const IMPORT_PATH = /^[^:.\s][^:\s]*:[^:\s]*[^:.\s]$/;

const applicationSchema = z.strictObject({
  /** What is served: `module:attribute`. */
  importPath: z.string().regex(IMPORT_PATH, 'must be of the form "module:attribute"'),
  /** Unique in the service. Default: Ray Serve's, `default`. */
  name: z.string().min(1).optional(),
  /** Where it hangs below the service's URL. Default `/`. */
  routePrefix: z.string().startsWith("/").optional(),
  /** Arguments of a builder function. */
  args: z.record(z.string(), z.unknown()).optional(),
  /** Settings of single deployments of the application, as Ray Serve takes them. */
  deployments: z.array(z.record(z.string(), z.unknown())).readonly().optional(),
  /** Files and environment of this application alone; the version's own win, lists of both are joined. */
  runtimeEnv: z.strictObject(runtimeEnvFields).optional(),
});

const { cloud, project, ...machineFields } = placementFields;

/** Whose the versions are. */
const ownerFields = { name: z.string().min(1), cloud, project };

/** What a version runs, in what and on what. */
const versionFields = {
  ...machineFields,
  ...runtimeEnvFields,
  /** The short form of `applications` for one. */
  application: applicationSchema.optional(),
  applications: z.array(applicationSchema).min(1).readonly().optional(),
  /** Whether queries need a token. Default true; an update in place keeps what the service has. */
  queryAuthTokenEnabled: z.boolean().default(true),
  /** Tags of the service; those it has besides stay. */
  tags: tagsSchema.default({}),
};

/** A version as checked, with its defaults. */
export type CheckedVersion = z.output<z.ZodObject<typeof versionFields>>;

/** Checks and defaults of {@link ServiceDeployment}. */
export const serviceDeploymentSchema = z
  .strictObject({
    ...versionFields,
    ...ownerFields,
    /** Name of the version; the same one again moves only its weight. Default: chosen by the server, new each time. */
    version: z.string().min(1).nullish(),
    description: z.string().optional(),
    /**
     * Share of requests for the new version beside the one that serves, 0..100. Default and null: Anyscale moves all of them
     * step by step. A service that serves nothing yet takes no notice.
     */
    canaryPercent: percentSchema.nullish(),
    /** Capacity beyond the service's own during a rollout, in percent of it, 0..100. Default: the server's. */
    maxSurgePercent: percentSchema.optional(),
    /** Whether reaching 100 % ends the rollout and takes the old version down. Default true. */
    autoCompleteRollout: z.boolean().default(true),
    /** Changes the applications of the version that runs, on the machines that it has. Default false. */
    inPlace: z.boolean().default(false),
  })
  .superRefine(hasApplications)
  .superRefine((deployment, context) => {
    if (!deployment.inPlace) return;
    for (const field of ["canaryPercent", "maxSurgePercent", "computeConfig", "imageUri", "containerfile"] as const) {
      if (deployment[field] != null) refuse(context, field, "is for a new version; leave it out with inPlace");
    }
  });

/** A version of a service to bring up, or to move the weight of. */
export type ServiceDeployment = z.input<typeof serviceDeploymentSchema>;

/** A deployment as checked, with its defaults. */
export type CheckedDeployment = z.output<typeof serviceDeploymentSchema>;

const sharedVersionSchema = z
  .strictObject({
    ...versionFields,
    version: z.string().min(1),
    /** Share of requests, 0..100; 0 ends the version. */
    trafficPercent: percentSchema,
  })
  .superRefine((version, context) => {
    if (isToRun(version)) return hasApplications(version, context);
    for (const field of [...Object.keys(machineFields), ...Object.keys(runtimeEnvFields)]) {
      if (field in version) refuse(context, field, "needs application: without one the version stays as it runs");
    }
  });

/** Checks and defaults of {@link ServiceVersionsDeployment}. */
export const serviceVersionsDeploymentSchema = z
  .strictObject({ ...ownerFields, versions: z.array(sharedVersionSchema).min(1).readonly() })
  .superRefine(({ versions }, context) => {
    if (hasTwice(versions.map(({ version }) => version))) refuse(context, "versions", "has a name twice");
    const sum = versions.reduce((total, { trafficPercent }) => total + trafficPercent, 0);
    if (sum !== 100) refuse(context, "versions", `trafficPercent adds up to ${sum}, must be 100`);
  });

/** All versions that a service shall have, with their shares of requests. */
export type ServiceVersionsDeployment = z.input<typeof serviceVersionsDeploymentSchema>;

/** Versions as checked, with their defaults. */
export type CheckedVersions = z.output<typeof serviceVersionsDeploymentSchema>;

/** Checks of {@link ServiceWeights}. */
export const serviceWeightsSchema = z
  .record(z.string().min(1), percentSchema)
  .refine((weights) => Object.keys(weights).length > 0, "names no version");

/** Shares of requests in percent, by version. */
export type ServiceWeights = Readonly<z.input<typeof serviceWeightsSchema>>;

/** The applications of a version, at least one. */
export function applicationsOf({ application, applications }: VersionApplications): readonly CheckedApplication[] {
  return applications ?? (application === undefined ? [] : [application]);
}

/** Whether a version says what to run; else it is one that runs already. */
export function isToRun(version: VersionApplications): boolean {
  return applicationsOf(version).length > 0;
}

/** An application as checked. */
export type CheckedApplication = z.output<typeof applicationSchema>;
type VersionApplications = { application?: CheckedApplication; applications?: readonly CheckedApplication[] };

function hasApplications(version: VersionApplications, context: z.RefinementCtx): void {
  if ((version.application === undefined) === (version.applications === undefined)) {
    refuse(context, "application", "or applications must say what to run, one of the two");
  }
  const applications = applicationsOf(version);
  // As Ray Serve has them when they are left out.
  if (hasTwice(applications.map(({ name = "default" }) => name))) refuse(context, "applications", "has a name twice");
  if (hasTwice(applications.map(({ routePrefix = "/" }) => routePrefix))) {
    refuse(context, "applications", "has a routePrefix twice");
  }
}

function hasTwice(names: readonly string[]): boolean {
  return new Set(names).size < names.length;
}

function refuse(context: z.RefinementCtx, field: string, message: string): void {
  context.addIssue({ code: "custom", path: [field], message });
}
