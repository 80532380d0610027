import { newId, now } from "./ids.ts";
import type { Store } from "./state.ts";
import type { taggedTypes, TagsRecord } from "./records.ts";

/** What can be tagged, in the wire's words. */
export type TaggedType = (typeof taggedTypes)[number];

/** Tags of jobs, services and job queues: one value per key. */
export class Tags {
  readonly #store: Store<TagsRecord>;

  constructor(store: Store<TagsRecord>) {
    this.#store = store;
  }

  /** Adds tags, or changes the value of those that are there. */
  put(type: TaggedType, id: string, tags: Record<string, string>): void {
    const record = this.#store.get(id) ?? { id, type, tags: [] };
    const at = now();
    for (const [key, value] of Object.entries(tags)) {
      const known = record.tags.find((tag) => tag.key === key);
      if (known === undefined) record.tags.push({ id: newId("tag"), key, value, createdAt: at, updatedAt: at });
      else Object.assign(known, { value, updatedAt: at });
    }
    this.#store.save(record);
  }

  /** The tags of one, in the order of their keys' arrival. */
  of(id: string): TagsRecord["tags"] {
    return this.#store.get(id)?.tags ?? [];
  }

  /** Takes tags away; answers how many there were of these keys. */
  remove(id: string, keys: readonly string[]): number {
    const record = this.#store.get(id);
    if (record === undefined) return 0;
    const before = record.tags.length;
    record.tags = record.tags.filter(({ key }) => !keys.includes(key));
    this.#store.save(record);
    return before - record.tags.length;
  }

  /** Forgets all tags of one that is no more. */
  forget(id: string): void {
    this.#store.remove(id);
  }

  /** Whether one has, for every key that is asked for, one of the values asked for. Filters are `key:value`. */
  match(id: string, filters: readonly string[]): boolean {
    const wanted = Map.groupBy(filters, (filter) => filter.split(":", 1)[0] ?? "");
    const tags = this.of(id);
    return [...wanted].every(([key, texts]) =>
      tags.some((tag) => tag.key === key && texts.includes(`${key}:${tag.value}`)),
    );
  }
}
