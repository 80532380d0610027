import { createHash } from "node:crypto";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { IdSet, idBytes } from "../../src/domain/id-set.ts";

const idOf = (text: string): Buffer => createHash("sha256").update(text).digest().subarray(0, idBytes);

describe("IdSet", () => {
  it("answers as a Set of strings does, whatever size it was made for", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(300), { maxLength: 400 }), fc.nat(100), (numbers, expected) => {
        const [ids, model] = [new IdSet(expected), new Set<number>()];
        for (const number of numbers) {
          expect(ids.add(idOf(String(number)))).toBe(!model.has(number));
          model.add(number);
        }
        expect(ids.size).toBe(model.size);
      }),
    );
  });

  it("tells ids apart that fall into one slot and differ in the last bit only", () => {
    const ids = new IdSet();
    const one = Buffer.alloc(idBytes, 0xff);
    const other = Buffer.from(one);
    other[idBytes - 1] = 0xfe;
    expect([ids.add(one), ids.add(other), ids.add(one), ids.add(other)]).toEqual([true, true, false, false]);
  });

  it("takes the id of zeros as one like any other", () => {
    const ids = new IdSet();
    expect([ids.add(Buffer.alloc(idBytes)), ids.add(Buffer.alloc(idBytes)), ids.size]).toEqual([true, false, 1]);
  });

  it("reads ids inside a larger buffer, from an offset and of a view that starts later", () => {
    const list = Buffer.concat(["a", "b", "c"].map(idOf));
    const ids = new IdSet();
    expect(ids.add(list, idBytes)).toBe(true);
    expect(ids.add(idOf("b"))).toBe(false);
    expect(ids.add(list.subarray(2 * idBytes))).toBe(true);
    expect(ids.add(idOf("c"))).toBe(false);
    ids.addAll(list);
    expect(ids.size).toBe(3);
  });

  it("keeps every id while it grows from far too small to 50,000", () => {
    const ids = new IdSet(1);
    const list = Buffer.concat(Array.from({ length: 50_000 }, (_, index) => idOf(String(index))));
    ids.addAll(list);
    expect(ids.size).toBe(50_000);
    ids.addAll(list);
    expect(ids.size).toBe(50_000);
  });
});
