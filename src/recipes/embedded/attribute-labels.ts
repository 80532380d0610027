import { EvidenceFinder, findCommonWords, textStems } from "./evidence.ts";
import type { Head, Observation } from "./heads.ts";
import type { Attribute, FrameExample, FrameSchema } from "./schema.ts";
import { itemsOf } from "./schema.ts";
import { attributeFeatures } from "./text-features.ts";
import type { PlainText } from "./text-features.ts";

/** An attribute that has a head: every choice and list, and a copied one that may be empty. */
export interface LabelledAttribute {
  attribute: Attribute;
  head: Head;
}

/** Words that tell nothing about an attribute's labels, per attribute. */
export type CommonWords = Record<string, string[]>;

/** The heads of a schema, in the order of its attributes. The empty value is the label ``, absence is null. */
export function labelledAttributes(schema: FrameSchema): LabelledAttribute[] {
  return schema.attributes.flatMap((attribute): LabelledAttribute[] => {
    const empty = attribute.allowsEmpty ? [""] : [];
    switch (attribute.kind) {
      case "copy":
        return attribute.allowsEmpty ? [{ attribute, head: { kind: "one", labels: [null, ""] } }] : [];
      case "list":
        return [{ attribute, head: { kind: "any", labels: [...attribute.values, ...empty] } }];
      case "choice":
        return [{ attribute, head: { kind: "one", labels: [null, ...attribute.values, ...empty] } }];
    }
  });
}

/** Labels of an attribute's head that are true of a value; `undefined` when the frame lacks the attribute. */
function trueLabels({ attribute }: LabelledAttribute, value: string | undefined): (string | null)[] {
  if (attribute.kind === "list") return value === undefined ? [] : value === "" ? [""] : itemsOf(value);
  if (attribute.kind === "copy") return [value === "" ? "" : null];
  return [value ?? null];
}

/** A 1 for each true label of an example, over all heads in a row. */
export function truthOf(attributes: readonly LabelledAttribute[], example: FrameExample): Uint8Array {
  const values = new Map(example.frame.slots.map((slot) => [slot.attribute, slot.value]));
  return Uint8Array.from(
    attributes.flatMap((labelled) => {
      const truth = new Set(trueLabels(labelled, values.get(labelled.attribute.name)));
      return labelled.head.labels.map((label) => (truth.has(label) ? 1 : 0));
    }),
  );
}

/** Finds the common words of each attribute in the training texts. */
export function learnCommonWords(
  attributes: readonly LabelledAttribute[],
  examples: readonly FrameExample[],
): CommonWords {
  const stems = examples.map(({ text }) => textStems(text));
  return Object.fromEntries(
    attributes.map((labelled) => {
      const texts = examples.map(({ frame }, number) => {
        const value = frame.slots.find((slot) => slot.attribute === labelled.attribute.name)?.value;
        return {
          stems: stems[number] ?? new Set<string>(),
          labels: trueLabels(labelled, value).map((label) => label ?? ""),
        };
      });
      const labels = labelled.head.labels.map((label) => label ?? "");
      return [labelled.attribute.name, findCommonWords(labels, texts)];
    }),
  );
}

/** Observes texts for the attribute heads. */
export class AttributeObserver {
  readonly #finders: { head: Head; finder: EvidenceFinder }[];

  constructor(attributes: readonly LabelledAttribute[], common: CommonWords) {
    this.#finders = attributes.map(({ attribute, head }) => {
      const labels = head.labels.map((label) => label ?? "");
      return { head, finder: new EvidenceFinder(attribute.name, labels, new Set(common[attribute.name])) };
    });
  }

  /**
   * Features of the text and the evidence for each label: for the label's words, for the attribute's name, for both,
   * and for the label's text beside the name, which lets `no` mean the same for all attributes that know it.
   */
  observe(text: PlainText, fn: string): Observation {
    return {
      features: attributeFeatures(text, fn),
      evidence: this.#finders.flatMap(({ head, finder }) => {
        const name = finder.ofName(text);
        return finder.ofLabels(text).map((evidence, number) => {
          const label = head.labels[number] ?? null;
          if (label === null) return [];
          return [
            `${head.kind} ${evidence}`,
            `${head.kind} name ${name.evidence}`,
            `${head.kind} ${evidence} name ${name.evidence}`,
            `[${label}] name ${name.evidence}${name.negated ? " negated" : ""}`,
          ];
        });
      }),
    };
  }
}
