import { AttributeObserver, labelledAttributes, learnCommonWords, truthOf } from "./attribute-labels.ts";
import type { CommonWords, LabelledAttribute } from "./attribute-labels.ts";
import { Gazetteer } from "./gazetteer.ts";
import { HeadTrainer } from "./heads.ts";
import type { EmbeddedHyperparameters } from "./hyperparameters.ts";
import { FRAMES_FORMAT } from "./frame-model.ts";
import type { SavedFrames } from "./frame-model.ts";
import { seededRandom } from "./random.ts";
import type { Random } from "./random.ts";
import { learnSchema, wordsOf } from "./schema.ts";
import type { FrameExample, FrameSchema } from "./schema.ts";
import { TaggerTrainer } from "./tagger.ts";
import type { Span } from "./tagger.ts";
import { taggerFeatures } from "./tagger-features.ts";
import { functionFeatures, plainText } from "./text-features.ts";
import { findTokens, tokenise } from "./tokeniser.ts";
import type { Token } from "./tokeniser.ts";
import { checkpointSteps } from "./training-watch.ts";
import type { TrainingWatch } from "./training-watch.ts";

/** The three learners of a model. */
interface Learners {
  tagger: TaggerTrainer;
  functionHead: HeadTrainer;
  attributeHeads: HeadTrainer;
}

/**
 * Trains a frame model. The same examples in the same order with the same hyperparameters give the same model, byte by
 * byte, with checkpoints and without. The loss is that of the function and attribute heads. Takes seconds of CPU and blocks
 * meanwhile.
 */
export function trainFrames(
  template: string,
  examples: readonly FrameExample[],
  hyperparameters: EmbeddedHyperparameters,
  watch: TrainingWatch<SavedFrames>,
): SavedFrames {
  const schema = learnSchema(examples);
  const attributes = labelledAttributes(schema);
  const commonWords = learnCommonWords(attributes, examples);
  const random = seededRandom(hyperparameters.seed);
  const learners = createLearners(schema, attributes, hyperparameters);
  addExamples(learners, examples, { schema, attributes, commonWords, hiding: hyperparameters.hiding, random });
  const saved = (): SavedFrames => ({
    format: FRAMES_FORMAT,
    task: "frames",
    template,
    schema,
    commonWords,
    tagger: learners.tagger.finish(),
    functionHead: learners.functionHead.finish(),
    attributeHeads: learners.attributeHeads.finish(),
  });
  const { epochs, taggerEpochs } = hyperparameters;
  const total = Math.max(epochs, taggerEpochs);
  const kept = checkpointSteps(total, hyperparameters.checkpoints);
  let loss = 0;
  for (let step = 1; step <= total; step++) {
    if (step <= taggerEpochs) learners.tagger.epoch(random);
    if (step <= epochs) {
      loss = (learners.functionHead.epoch(random) + learners.attributeHeads.epoch(random)) / examples.length;
    }
    watch.onStep?.(step, total, loss);
    if (kept.has(step)) watch.onCheckpoint?.(step, saved());
  }
  return saved();
}

function createLearners(
  schema: FrameSchema,
  attributes: readonly LabelledAttribute[],
  { learningRate, l2, dropout }: EmbeddedHyperparameters,
): Learners {
  const copied = schema.attributes.filter(({ kind }) => kind === "copy").map(({ name }) => name);
  return {
    tagger: new TaggerTrainer(copied),
    functionHead: new HeadTrainer([{ kind: "one", labels: schema.functions }], { learningRate, l2, dropout }),
    attributeHeads: new HeadTrainer(
      attributes.map(({ head }) => head),
      { learningRate, l2, dropout: 0 },
    ),
  };
}

function addExamples(
  learners: Learners,
  examples: readonly FrameExample[],
  context: {
    schema: FrameSchema;
    attributes: readonly LabelledAttribute[];
    commonWords: CommonWords;
    hiding: number;
    random: Random;
  },
): void {
  const { schema, attributes } = context;
  const gazetteer = new Gazetteer(schema.attributes);
  const observer = new AttributeObserver(attributes, context.commonWords);
  for (const example of examples) {
    const tokens = tokenise(example.text);
    const spans = goldSpans(tokens, example, schema);
    const own =
      context.random() < context.hiding ? example.frame.slots.map(({ value }) => wordsOf(value).join(" ")) : [];
    learners.tagger.add(taggerFeatures(tokens, gazetteer.match(tokens, new Set(own))), spans);
    const text = plainText(tokens, spans);
    learners.functionHead.add(
      { features: functionFeatures(text), evidence: [] },
      Uint8Array.from(schema.functions, (fn) => (fn === example.frame.fn ? 1 : 0)),
    );
    learners.attributeHeads.add(observer.observe(text, example.frame.fn), truthOf(attributes, example));
  }
}

/** Where the text spells the copied values; longer values first, so that a value inside of another finds its own place. */
function goldSpans(tokens: readonly Token[], { frame }: FrameExample, schema: FrameSchema): Span[] {
  const copied = new Set(schema.attributes.filter(({ kind }) => kind === "copy").map(({ name }) => name));
  const wanted = frame.slots
    .filter(({ attribute, value }) => copied.has(attribute) && value !== "")
    .map(({ attribute, value }) => ({ attribute, words: wordsOf(value) }))
    .sort((a, b) => b.words.length - a.words.length);
  const spans: Span[] = [];
  for (const { attribute, words } of wanted) {
    let start = findTokens(tokens, words);
    while (start >= 0 && spans.some((span) => start < span.end && span.start < start + words.length)) {
      start = findTokens(tokens, words, start + 1);
    }
    if (start >= 0) spans.push({ attribute, start, end: start + words.length });
  }
  return spans.sort((a, b) => a.start - b.start);
}
