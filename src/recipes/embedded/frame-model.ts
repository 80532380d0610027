import { z } from "zod";
import { AttributeObserver, labelledAttributes } from "./attribute-labels.ts";
import type { LabelledAttribute } from "./attribute-labels.ts";
import type { Answer } from "./answer.ts";
import { renderFrame } from "./frame.ts";
import type { Frame, Slot } from "./frame.ts";
import { Gazetteer } from "./gazetteer.ts";
import { Heads, savedHeadsSchema } from "./heads.ts";
import { savedTaggerSchema, Tagger } from "./tagger.ts";
import type { Span } from "./tagger.ts";
import { taggerFeatures } from "./tagger-features.ts";
import { stripTemplate } from "./template.ts";
import { functionFeatures, plainText, wordFeature } from "./text-features.ts";
import type { PlainText } from "./text-features.ts";
import { tokenise } from "./tokeniser.ts";
import type { Token } from "./tokeniser.ts";

/** Version of a frame model's file; a file of another version is refused. */
export const FRAMES_FORMAT = 1;

const attributeSchema = z.object({
  name: z.string(),
  kind: z.enum(["copy", "list", "choice"]),
  values: z.array(z.string()),
  allowsEmpty: z.boolean(),
  ordered: z.boolean(),
});

/** A frame model as its file holds it; everything in it comes from the training records. */
export const savedFramesSchema = z.object({
  format: z.literal(FRAMES_FORMAT),
  task: z.literal("frames"),
  /** Prefix of the inputs that is no part of the text. */
  template: z.string(),
  schema: z.object({
    functions: z.array(z.string()),
    attributes: z.array(attributeSchema),
    ordered: z.boolean(),
    minSlots: z.int().min(0),
  }),
  commonWords: z.record(z.string(), z.array(z.string())),
  tagger: savedTaggerSchema,
  functionHead: savedHeadsSchema,
  attributeHeads: savedHeadsSchema,
});
export type SavedFrames = z.infer<typeof savedFramesSchema>;

/** A slot with what places it among the others, and how likely it is, for slots that are not certain. */
interface Candidate extends Slot {
  position: number;
  probability: number;
}

/** Answers texts with frames: tags the copied values, then decides the function, then the other attributes. */
export class FrameModel {
  readonly task = "frames";
  readonly #saved: SavedFrames;
  readonly #gazetteer: Gazetteer;
  readonly #tagger: Tagger;
  readonly #functionHead: Heads;
  readonly #attributeHeads: Heads;
  readonly #attributes: LabelledAttribute[];
  readonly #observer: AttributeObserver;

  constructor(saved: SavedFrames) {
    this.#saved = saved;
    this.#gazetteer = new Gazetteer(saved.schema.attributes);
    this.#tagger = new Tagger(saved.tagger);
    this.#functionHead = new Heads(saved.functionHead);
    this.#attributeHeads = new Heads(saved.attributeHeads);
    this.#attributes = labelledAttributes(saved.schema);
    this.#observer = new AttributeObserver(this.#attributes, saved.commonWords);
  }

  /** The frame of an input. Always one of the trained shape: known function and attributes, never fewer slots than trained. */
  predict(input: string): Frame {
    const source = stripTemplate(input, this.#saved.template);
    const tokens = tokenise(source);
    const features = taggerFeatures(tokens, this.#gazetteer.match(tokens, new Set()));
    const spans = firstOfEach(this.#tagger.spans(features));
    const text = plainText(tokens, spans);
    const fn = this.#function(text);
    const copied = spans.map((span) => this.#copy(source, tokens, span));
    const found = new Set(copied.map((slot) => slot.attribute));
    const candidates = this.#candidates(text, fn).filter((candidate) => !found.has(candidate.attribute));
    const slots = [...copied, ...candidates.filter((candidate) => candidate.probability > 0.5)];
    const others = candidates
      .filter((candidate) => candidate.probability <= 0.5)
      .sort((a, b) => b.probability - a.probability);
    slots.push(...others.slice(0, Math.max(0, this.#saved.schema.minSlots - slots.length)));
    if (slots.length < this.#saved.schema.minSlots) {
      const nearest = this.#tagger.nearest(features);
      if (nearest !== null) slots.push(this.#copy(source, tokens, nearest));
    }
    return { fn, slots: this.#inOrder(slots).map(({ attribute, value }) => ({ attribute, value })) };
  }

  /** The frame of an input as text. */
  answer(input: string): Answer {
    return { text: renderFrame(this.predict(input)), similarity: null };
  }

  #function(text: PlainText): string {
    const probabilities = this.#functionHead.probabilities({ features: functionFeatures(text), evidence: [] });
    return this.#saved.schema.functions[probabilities.indexOf(Math.max(...probabilities))] ?? "";
  }

  /** The span's words as the text has them, or as the training data write the same words. */
  #copy(source: string, tokens: readonly Token[], span: Span): Candidate {
    const words = tokens.slice(span.start, span.end);
    const known = this.#gazetteer.valueOf(
      words.map((token) => token.lower),
      span.attribute,
    );
    // Brackets end a value, whoever wrote them.
    const written = source
      .slice(words[0]?.start ?? 0, words.at(-1)?.end ?? 0)
      .replaceAll(/[[\]\s]+/g, " ")
      .trim();
    return { attribute: span.attribute, value: known ?? written, position: span.start, probability: 1 };
  }

  /** For each attribute with a head its best value, however unlikely. */
  #candidates(text: PlainText, fn: string): Candidate[] {
    const probabilities = this.#attributeHeads.probabilities(this.#observer.observe(text, fn));
    let from = 0;
    return this.#attributes.map(({ attribute, head }) => {
      const labels = head.labels.map((label, number) => ({
        label,
        number: from + number,
        probability: probabilities[from + number] ?? 0,
      }));
      from += head.labels.length;
      const best = labels
        .filter(({ label }) => label !== null)
        .reduce((best, label) => (label.probability > best.probability ? label : best));
      const absent = labels.find(({ label }) => label === null)?.probability ?? 0;
      const position = this.#saved.schema.ordered ? 0 : this.#positionOf(text, best.number);
      if (head.kind === "one") {
        return { attribute: attribute.name, value: best.label ?? "", position, probability: 1 - absent };
      }
      const chosen = labels.filter(({ probability, label }) => probability > 0.5 && label !== "");
      const items = chosen.length > 0 ? chosen : [best];
      if (!attribute.ordered) items.sort((a, b) => this.#positionOf(text, a.number) - this.#positionOf(text, b.number));
      return {
        attribute: attribute.name,
        value: items.map(({ label }) => label ?? "").join(", "),
        position,
        probability: best.probability,
      };
    });
  }

  /** Token of the word that spoke most for a label; needed only where slots follow the text. */
  #positionOf(text: PlainText, label: number): number {
    let best = 0;
    let most = -Infinity;
    text.words.forEach((_, at) => {
      const weight = this.#attributeHeads.weight(wordFeature(text, at), label);
      if (weight > most) [best, most] = [text.positions[at] ?? 0, weight];
    });
    return best;
  }

  #inOrder(slots: readonly Candidate[]): Candidate[] {
    if (!this.#saved.schema.ordered) return slots.toSorted((a, b) => a.position - b.position);
    const places = new Map(this.#saved.schema.attributes.map(({ name }, place) => [name, place]));
    return slots.toSorted((a, b) => (places.get(a.attribute) ?? 0) - (places.get(b.attribute) ?? 0));
  }
}

/** One span per attribute: the first. */
function firstOfEach(spans: readonly Span[]): Span[] {
  return spans.filter((span, number) => spans.findIndex((other) => other.attribute === span.attribute) === number);
}
