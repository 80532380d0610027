import { z } from "zod";
import { type JobCreate, jobCreateSchema } from "../anyscale/jobs-wire.ts";
import type { RuntimeEnv } from "../anyscale/wire.ts";
import type { ComputeConfigs } from "./compute-configs.ts";
import type { Images } from "./images.ts";

const pipSchema = z.union([
  z.array(z.string()),
  z.looseObject({ packages: z.array(z.string()) }).transform(({ packages }) => packages),
]);

const withoutNul = z.string().refine((text) => !text.includes("\0"), "must not have a NUL character");

/** What of a job's request the emulator reads beyond the client's own schema. */
const extrasSchema = z.looseObject({
  config: z.looseObject({
    entrypoint: withoutNul.refine((text) => text.trim() !== "", "must name a command"),
    image_uri: z.string().min(1).nullish(),
    compute_config: z.record(z.string(), z.unknown()).nullish(),
    runtime_env: z
      .looseObject({
        env_vars: z.record(withoutNul, withoutNul).optional(),
        pip: pipSchema.optional(),
        py_modules: z.array(z.string()).optional(),
        py_executable: z.string().optional(),
      })
      .optional(),
  }),
});

/** What a job or an application wants to find where it runs. */
export interface Provisions {
  /** Lines of a requirements file; empty for none. */
  requirements: string[];
  /** URIs of archives whose content is importable. */
  pyModules: string[];
  /** What the interpreter would be started through; null for nothing. */
  pyExecutable: string | null;
}

/** The provisions that the runtime environment of a job or an application names. Throws `ZodError` for what is none. */
export function provisionsOf(wanted: RuntimeEnv | undefined): Provisions {
  const runtimeEnv = extrasSchema.shape.config.shape.runtime_env.parse(wanted);
  return {
    requirements: runtimeEnv?.pip ?? [],
    pyModules: runtimeEnv?.py_modules ?? [],
    pyExecutable: runtimeEnv?.py_executable ?? null,
  };
}

/**
 * Reads the body of a job's create and answers the request with the compute config and the build that it means: those
 * named, those made from what stands inline, or the defaults. Throws `ZodError` for a body that is wrong and `Refusal` for
 * an id that is not known.
 */
export function readJobRequest(
  body: unknown,
  { computeConfigs, images }: { computeConfigs: ComputeConfigs; images: Images },
): { request: JobCreate; computeConfigId: string; buildId: string } {
  const request = jobCreateSchema.parse(body);
  const { image_uri: imageUri, compute_config: inline } = extrasSchema.parse(body).config;
  const { compute_config_id: namedConfig, build_id: namedBuild, ...config } = request.config;
  const build = () => (imageUri ? images.fromUri(imageUri, {}) : images.defaultBuild());
  const computeConfig = () => (inline ? computeConfigs.create(null, inline, true) : computeConfigs.default);
  const buildId = (namedBuild === undefined ? build() : images.build(namedBuild))[1].id;
  const computeConfigId = (namedConfig === undefined ? computeConfig() : computeConfigs.get(namedConfig)).id;
  const resolved = { ...config, build_id: buildId, compute_config_id: computeConfigId };
  return { request: { ...request, config: resolved }, computeConfigId, buildId };
}
