import { Refusal } from "./refusal.ts";

const DEFAULT_COUNT = 50;

/**
 * One page of a list in the API's form, `count` entries (default 50) after the one that the page before ended with. What
 * is added before that entry meanwhile does not shift the next page. Throws `Refusal` for a count or token that is none.
 */
export function page<T extends { id: string }>(all: T[], count: string | undefined, token: string | undefined) {
  const limit = count === undefined ? DEFAULT_COUNT : Number(count);
  if (!Number.isInteger(limit) || limit < 1) throw new Refusal(422, `count "${count}" is not a whole number from 1 on`);
  const start = token === undefined ? 0 : startAfter(all, token);
  const end = start + limit;
  const last = all[end - 1];
  const more = last !== undefined && end < all.length;
  return {
    results: all.slice(start, end),
    metadata: { total: all.length, next_paging_token: more ? `${end}.${last.id}` : null },
  };
}

/** A list of which everything is shown at once. */
export function wholePage<T>(all: T[]) {
  return { results: all, metadata: { total: all.length, next_paging_token: null } };
}

/** A token is the number of entries shown and the id of the last: the number counts when that entry is gone. */
function startAfter(all: { id: string }[], token: string): number {
  const [, shown, id] = /^(\d+)\.(.+)$/.exec(token) ?? [];
  if (shown === undefined) throw new Refusal(400, `paging_token "${token}" is none that this API gave out`);
  const index = all.findIndex((entry) => entry.id === id);
  return index === -1 ? Number(shown) : index + 1;
}
