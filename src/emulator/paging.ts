/** One page of a list in the API's form; `token` is the offset that the page before answered. */
export function page<T>(all: T[], count: string | undefined, token: string | undefined) {
  const start = Number(token ?? 0) || 0;
  const end = start + Math.max(1, Number(count ?? 50) || 50);
  return {
    results: all.slice(start, end),
    metadata: { total: all.length, next_paging_token: end < all.length ? String(end) : null },
  };
}
