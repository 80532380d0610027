import type { z } from "zod";
import { TypedFailure } from "../src/domain/failures.ts";
import {
  alertPeopleInputSchema,
  evaluateModelInputSchema,
  fineTuneInputSchema,
  ingestSourceInputSchema,
  janitorInputSchema,
  ingestSourcesInputSchema,
  pipelineInputSchema,
  retrainInputSchema,
  rollBackInputSchema,
  rollOutInputSchema,
  updateDatasetInputSchema,
} from "../src/domain/workflow-input-schema.ts";
import type { Ports } from "../src/ports.ts";
import type { InputActivities, WithoutSources } from "./interfaces.ts";
import { firstIssue } from "./failures.ts";

/** Checks of workflow inputs: here and not in workflows, because schemas in the sandbox cost memory per cached workflow. */
export function createInputActivities({
  recipes,
  metrics,
  gates,
}: Pick<Ports, "recipes" | "metrics" | "gates">): InputActivities {
  return {
    checkUpdateDataset: async (input) => withoutSources(parse(updateDatasetInputSchema, input)),
    checkIngestSources: async (input) => withoutSources(parse(ingestSourcesInputSchema, input)),
    checkIngestSource: async (input) => parse(ingestSourceInputSchema, input),
    checkPipeline: async (input) => {
      const pipeline = parse(pipelineInputSchema, input);
      await metrics.check(pipeline);
      await gates.check(pipeline.rollout.gates.own);
      return withoutSources({ ...pipeline, recipe: recipes.check(pipeline.recipe) });
    },
    checkRetrain: async (input) => {
      const retrain = parse(retrainInputSchema, input);
      await metrics.check(retrain.pipeline);
      await gates.check(retrain.pipeline.rollout.gates.own);
      const recipe = recipes.check(retrain.pipeline.recipe);
      return { ...retrain, pipeline: withoutSources({ ...retrain.pipeline, recipe }) };
    },
    checkFineTune: async (input) => {
      const fineTune = parse(fineTuneInputSchema, input);
      return { ...fineTune, recipe: recipes.check(fineTune.recipe) };
    },
    checkEvaluateModel: async (input) => {
      const request = parse(evaluateModelInputSchema, input);
      const { metrics: choices, prices } = request.evaluate;
      if (choices !== "auto")
        await metrics.open(choices, { vocabulary: { functions: [], attributeTypes: [] }, prices });
      return request;
    },
    checkJanitor: async (input) => parse(janitorInputSchema, input),
    checkRollBack: async (input) => {
      const rollBack = parse(rollBackInputSchema, input);
      const recipe = recipes.check(rollBack.pipeline.recipe);
      return { ...rollBack, pipeline: withoutSources({ ...rollBack.pipeline, recipe }) };
    },
    checkAlertPeople: async (input) => parse(alertPeopleInputSchema, input),
    checkRollOut: async (input) => {
      const request = parse(rollOutInputSchema, input);
      await gates.check(request.policy.gates.own);
      return request;
    },
  };
}

function withoutSources<T extends { sources?: unknown }>(input: T): WithoutSources<T> {
  const { sources: _, ...rest } = input;
  return rest;
}

function parse<T extends z.ZodType>(schema: T, input: unknown): z.infer<T> {
  const parsed = schema.safeParse(input);
  if (!parsed.success) throw new TypedFailure("InvalidInput", firstIssue(parsed.error));
  return parsed.data;
}
