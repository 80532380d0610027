/**
 * Lines of UTF-8 text, without their ends, in the memory of one piece and one line. Only `\n` ends a line: JSON leaves
 * other separators, such as U+2028, in its strings as they are. Throws a TypeError on bytes that are not UTF-8.
 */
export async function* textLines(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  let rest = "";
  for await (const piece of bytes) {
    const lines = (rest + decoder.decode(piece, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    yield* lines;
  }
  rest += decoder.decode();
  if (rest !== "") yield rest;
}
