import { z } from "zod";
import { parseHyperparameters } from "../hyperparameters.ts";

/** What a user may set of the embedded recipe; each has a default that was picked on held-out data. */
export const embeddedHyperparametersSchema = z.strictObject({
  /** Of shuffles, dropout and hiding: the same seed and data give the same model. */
  seed: z.int().min(0).max(4294967295).default(42),
  /** Passes of the label, function and attribute heads over the data. */
  epochs: z.int().min(1).max(200).default(15),
  /** Passes of the tagger of copied values over the data. */
  taggerEpochs: z.int().min(1).max(100).default(6),
  /** First step of each weight of the heads. */
  learningRate: z.number().gt(0).max(2).default(0.1),
  /** Pull of the heads' weights towards 0. */
  l2: z.number().min(0).max(1).default(1e-4),
  /** Share of a text's features that the label and function heads do without in each pass. */
  dropout: z.number().min(0).max(0.9).default(0.3),
  /** Share of the training texts whose own values count as unknown to the tagger. */
  hiding: z.number().min(0).max(1).default(0.7),
  /** Models kept from within the training, besides the one it ends with. */
  checkpoints: z.int().min(0).max(20).default(0),
  /** Retrieval has no answer to a question that is less like every known one than this, 0..1. */
  minSimilarity: z.number().min(0).max(1).default(0.2),
});
export type EmbeddedHyperparameters = z.infer<typeof embeddedHyperparametersSchema>;

/** Fills in defaults. Throws one line that names each field that is unknown or out of range. */
export function parseEmbeddedHyperparameters(value: unknown): EmbeddedHyperparameters {
  const known = Object.keys(embeddedHyperparametersSchema.shape);
  return parseHyperparameters({ name: "embedded", schema: embeddedHyperparametersSchema, known }, value);
}
