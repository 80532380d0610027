import { findCommonWords, textStems } from "./evidence.ts";
import { HeadTrainer } from "./heads.ts";
import type { Observation } from "./heads.ts";
import type { EmbeddedHyperparameters } from "./hyperparameters.ts";
import { LabelObserver, LABELS_FORMAT } from "./label-model.ts";
import type { SavedLabels } from "./label-model.ts";
import { seededRandom } from "./random.ts";
import { checkpointSteps } from "./training-watch.ts";
import type { TrainingWatch } from "./training-watch.ts";

/** One training input, without its template, and its label. */
export interface LabelExample {
  text: string;
  label: string;
}

/** Weights that are learnt at most; each takes 8 bytes, with what its steps are scaled by. */
const MOST_WEIGHTS = 25_000_000;

/**
 * Trains a label model. The same examples in the same order with the same hyperparameters give the same model, byte by
 * byte, with checkpoints and without. Takes seconds of CPU and blocks meanwhile.
 */
export function trainLabels(
  template: string,
  examples: readonly LabelExample[],
  { seed, epochs, learningRate, l2, dropout, checkpoints }: EmbeddedHyperparameters,
  watch: TrainingWatch<SavedLabels>,
): SavedLabels {
  const labels = [...new Set(examples.map(({ label }) => label))];
  const texts = examples.map(({ text, label }) => ({ stems: textStems(text), labels: [label] }));
  const commonWords = findCommonWords(labels, texts);
  const observer = new LabelObserver(labels, commonWords);
  const head = new HeadTrainer([{ kind: "one", labels }], { learningRate, l2, dropout });
  const observations = examples.map(({ text }) => observer.observe(text));
  const kept = keptFeatures(observations, labels.length);
  examples.forEach(({ label }, number) => {
    const { features = [], evidence = [] } = observations[number] ?? {};
    const truth = Uint8Array.from(labels, (other) => (other === label ? 1 : 0));
    head.add({ features: features.filter((feature) => kept.has(feature)), evidence }, truth);
  });
  const saved = (): SavedLabels => ({
    format: LABELS_FORMAT,
    task: "labels",
    template,
    commonWords,
    head: head.finish(),
  });
  const random = seededRandom(seed);
  const checkpointAt = checkpointSteps(epochs, checkpoints);
  for (let step = 1; step <= epochs; step++) {
    const loss = head.epoch(random) / examples.length;
    watch.onStep?.(step, epochs, loss);
    if (checkpointAt.has(step)) watch.onCheckpoint?.(step, saved());
  }
  return saved();
}

/** The features to learn weights for: all, or those that the most texts have where the weights of all would be too many. */
function keptFeatures(observations: readonly Observation[], labels: number): ReadonlySet<string> {
  const counts = new Map<string, number>();
  for (const { features } of observations) {
    for (const feature of new Set(features)) counts.set(feature, (counts.get(feature) ?? 0) + 1);
  }
  let kept = [...counts];
  for (let fewest = 2; kept.length * labels > MOST_WEIGHTS; fewest++) {
    kept = kept.filter(([, count]) => count >= fewest);
  }
  return new Set(kept.map(([feature]) => feature));
}
