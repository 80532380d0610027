/**
 * Chooses one of the labels of the training data for a text: a softmax over what the text says, with weights per label and
 * weights that all labels share for how much of a label's own words the text has.
 */
import { z } from "zod";
import type { Answer } from "./answer.ts";
import { EvidenceFinder } from "./evidence.ts";
import type { Evidence } from "./evidence.ts";
import { Heads, savedHeadsSchema } from "./heads.ts";
import type { Observation } from "./heads.ts";
import { stripTemplate } from "./template.ts";
import { functionFeatures, plainText } from "./text-features.ts";
import { tokenise } from "./tokeniser.ts";

/** Version of a label model's file; a file of another version is refused. */
export const LABELS_FORMAT = 1;

/** A label model as its file holds it; everything in it comes from the training records. */
export const savedLabelsSchema = z.object({
  format: z.literal(LABELS_FORMAT),
  task: z.literal("labels"),
  /** Prefix of the inputs that is no part of the text. */
  template: z.string(),
  /** Words of labels that tell nothing, because many texts without such a label have them too. */
  commonWords: z.array(z.string()),
  /** One head, whose labels are the answers. */
  head: savedHeadsSchema,
});
export type SavedLabels = z.infer<typeof savedLabelsSchema>;

/** One list for all labels that have an evidence: there are as many as labels times texts. */
const NAMES: Record<Evidence, readonly string[]> = {
  whole: ["whole"],
  covered: ["covered"],
  apart: ["apart"],
  some: ["some"],
  none: ["none"],
  wordless: ["wordless"],
};

/** Observes texts for the head of a label model. */
export class LabelObserver {
  readonly #finder: EvidenceFinder;

  constructor(labels: readonly string[], commonWords: readonly string[]) {
    this.#finder = new EvidenceFinder("", labels, new Set(commonWords));
  }

  /** Features of a text without its template, and the evidence for each label. */
  observe(text: string): Observation {
    const plain = plainText(tokenise(text), []);
    return {
      features: functionFeatures(plain),
      evidence: this.#finder.ofLabels(plain).map((evidence) => NAMES[evidence]),
    };
  }
}

/** Answers texts with one of the labels it was trained on. */
export class LabelModel {
  readonly task = "labels";
  readonly #template: string;
  readonly #labels: readonly string[];
  readonly #head: Heads;
  readonly #observer: LabelObserver;

  constructor(saved: SavedLabels) {
    this.#template = saved.template;
    this.#labels = saved.head.heads.flatMap(({ labels }) => labels.map((label) => label ?? ""));
    this.#head = new Heads(saved.head);
    this.#observer = new LabelObserver(this.#labels, saved.commonWords);
  }

  /** The likeliest label of an input. */
  answer(input: string): Answer {
    const probabilities = this.#head.probabilities(this.#observer.observe(stripTemplate(input, this.#template)));
    return { text: this.#labels[probabilities.indexOf(Math.max(...probabilities))] ?? "", similarity: null };
  }
}
