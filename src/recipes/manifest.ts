/** `recipe.yaml`: what the folder of a recipe says of itself. */
import { z } from "zod";
import { computeShapeSchema } from "../domain/compute-schema.ts";
import { slugSchema } from "../domain/slug-schema.ts";

const text = z.string().trim().min(1, "is empty");
const scalar = z.union([z.string(), z.number(), z.boolean()]);
const RANGE = ["minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum"] as const;

/** One hyperparameter, in the words of JSON Schema. Without a default it must be given. */
const parameterSchema = z
  .strictObject({
    type: z.enum(["integer", "number", "string", "boolean"]),
    description: z.string().optional(),
    default: scalar.optional(),
    enum: z.array(scalar).min(1).optional(),
    minimum: z.number().optional(),
    exclusiveMinimum: z.number().optional(),
    maximum: z.number().optional(),
    exclusiveMaximum: z.number().optional(),
  })
  .superRefine(({ default: usual, enum: values, ...rest }, context) => {
    const limits = RANGE.filter((limit) => rest[limit] !== undefined);
    if (limits.length > 0 && rest.type !== "integer" && rest.type !== "number") {
      context.addIssue({ code: "custom", path: [limits[0] ?? ""], message: `a ${rest.type} has no limits` });
      return;
    }
    const fits = (value: unknown, schema: z.core.JSONSchema.BaseSchema, path: PropertyKey[]): void => {
      const problem = z.fromJSONSchema(schema).safeParse(value).error?.issues[0];
      if (problem !== undefined) context.addIssue({ code: "custom", path, message: problem.message });
    };
    for (const [index, value] of (values ?? []).entries()) fits(value, rest, ["enum", index]);
    if (usual !== undefined) fits(usual, values === undefined ? rest : { enum: values }, ["default"]);
  });

/** What a job and a service have in common. */
const runFields = {
  image: text.optional(),
  containerfile: text.optional(),
  compute: computeShapeSchema.nullable().default(null),
  requirements: z.array(text).default([]),
  envVars: z
    .record(z.string().regex(/^[A-Za-z_]\w*$/, "must be letters, digits and _"), z.string("must be a text: quote it"))
    .default({}),
};

const hasOneImage = ({ image, containerfile }: { image?: string | undefined; containerfile?: string | undefined }) =>
  image === undefined || containerfile === undefined;
const secondImage = { path: ["containerfile"], message: "give either image or containerfile" };

const jobSchema = z
  .strictObject({
    /** The spec's URI follows as one more word. */
    entrypoint: text.regex(/^.*$/, "must be one line"),
    ...runFields,
  })
  .refine(hasOneImage, secondImage);

const serviceSchema = z
  .strictObject({
    importPath: text.regex(/^[^\s:]+:[A-Za-z_]\w*$/, "must be file.mjs:handler or module:attr"),
    /** `modelUri` is added. */
    args: z
      .record(z.string(), z.json())
      .refine((args) => !("modelUri" in args), { path: ["modelUri"], message: "is set by Tuneloop" })
      .default({}),
    modelName: text
      .refine((template) => !/[{}]/.test(template.replaceAll(/\{(version|baseModel)\}/g, "")), {
        message: "knows {version} and {baseModel} only",
      })
      .default("{version}"),
    ...runFields,
  })
  .refine(hasOneImage, secondImage);

const baseModelsSchema = z
  .strictObject({ default: text.optional(), allowed: z.array(text).min(1).optional() })
  .refine(({ default: usual, allowed }) => usual === undefined || allowed === undefined || allowed.includes(usual), {
    path: ["default"],
    message: "is not one of those allowed",
  });

export const recipeManifestSchema = z
  .strictObject({
    name: slugSchema,
    description: text,
    /** Without it models are trained from nothing. */
    baseModels: baseModelsSchema.optional(),
    hyperparameters: z
      .record(z.string().regex(/^[A-Za-z]\w*$/, "must be letters, digits and _"), parameterSchema)
      .default({}),
    job: jobSchema,
    service: serviceSchema,
  })
  .refine(({ baseModels, service }) => baseModels !== undefined || !service.modelName.includes("{baseModel}"), {
    path: ["service", "modelName"],
    message: "has {baseModel}, but there are no baseModels",
  });
export type RecipeManifest = z.infer<typeof recipeManifestSchema>;
