/** One `attribute[value]` of a frame; the value may be empty, which asks for it. */
export interface Slot {
  attribute: string;
  value: string;
}

/** What an output says: a function and its attributes, in the order written. */
export interface Frame {
  fn: string;
  slots: Slot[];
}

/** The part of an output that is a frame: what follows the last `Output: `. */
export function framePart(output: string): string {
  return (output.split("Output: ").at(-1) ?? "").trim();
}

/**
 * Reads `fn(attribute[value], ...)` from what follows the last `Output: `; `\_` is read as `_`. Null when the text is
 * anything else. `fn()` is a frame without slots.
 */
export function parseFrame(text: string): Frame | null {
  const call = /^([^\s()[\],]+)\((.*)\)$/s.exec(framePart(text).replaceAll("\\_", "_"));
  const fn = call?.[1];
  const body = call?.[2];
  if (fn === undefined || body === undefined) return null;
  const slots: Slot[] = [];
  const slot = /(\w+)\[([^\]]*)\](?:,\s*(?=\w+\[)|$)/y;
  while (slot.lastIndex < body.length) {
    const found = slot.exec(body);
    if (found === null) return null;
    slots.push({ attribute: found[1] ?? "", value: (found[2] ?? "").trim() });
  }
  return { fn, slots };
}

/** The frame as plain text, in its own order: `fn(attribute[value], ...)`. */
export function renderFrame(frame: Frame): string {
  return `${frame.fn}(${frame.slots.map((slot) => `${slot.attribute}[${slot.value}]`).join(", ")})`;
}
