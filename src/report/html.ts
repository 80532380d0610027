/** Pieces that all parts of the page are made of. Whatever is put into a template is escaped, but for other templates. */
import { html, raw } from "hono/html";
import { drawChart, type Chart } from "./charts.ts";
import { isPlainUrl, oneLine, visible } from "./text.ts";

/** Escaped HTML, or a promise of it. */
export type Html = ReturnType<typeof html>;

/** Nothing. */
export const none: Html = html``;

/** Text from outside: unseen characters are shown, its direction stays its own. */
export function outside(text: string): Html {
  return html`<bdi>${visible(text)}</bdi>`;
}

/** A name or key from outside. */
export function code(text: string): Html {
  return html`<code><bdi>${visible(text)}</bdi></code>`;
}

/** A link where the address is a plain web address, else the text alone. */
export function link(url: string | null, text: Html): Html {
  return url !== null && isPlainUrl(url) ? html`<a href="${url}" rel="noopener noreferrer">${text}</a>` : text;
}

/** A part of the page with its heading. */
export function section(id: string, title: string, body: Html | Html[]): Html {
  return html`<section id="${id}" aria-labelledby="${id}-title">
    <h2 id="${id}-title">${title}</h2>
    ${body}
  </section>`;
}

/** A chart with what it says in words below. */
export async function figure(chart: Chart, caption: Html): Promise<Awaited<Html>> {
  const svg = await drawChart(chart);
  return html`<figure>
    ${raw(svg)}
    <figcaption>${caption}</figcaption>
  </figure>`;
}

/** How a column is set. */
export type Column = { head: string; as?: "text" | "number" | "hash" };

/** A table that scrolls by itself where the page is narrow; the first cell of a row names it. */
export function table(
  caption: string,
  columns: readonly Column[],
  rows: readonly (readonly (Html | string)[])[],
): Html {
  if (rows.length === 0) return none;
  const title = oneLine(caption);
  const classOf = (index: number): string => columns[index]?.as ?? "";
  const cell = (content: Html | string, index: number): Html =>
    index === 0
      ? html`<th scope="row" class="${classOf(index)}">${content}</th>`
      : html`<td class="${classOf(index)}">${content}</td>`;
  return html`<div class="scroll" role="region" aria-label="${title}" tabindex="0">
    <table>
      <caption>
        ${title}
      </caption>
      <thead>
        <tr>
          ${columns.map(({ head }, index) => html`<th scope="col" class="${classOf(index)}">${head}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${rows.map(
          (row) =>
            html`<tr>
              ${row.map(cell)}
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`;
}

/** A sentence whose numbers stay with their units at the end of a line. */
export function sentence(text: string): Html {
  return outside(text.replaceAll(/(?<=\d) (?=(%|points|ms|s|min|h|USD)(?!\p{L}))/gu, "\u00a0"));
}

/** Sentences, one below the other. */
export function sentences(said: readonly string[]): Html {
  if (said.length === 0) return none;
  return html`<ul class="sentences">
    ${said.map((one) => html`<li>${sentence(one)}</li>`)}
  </ul>`;
}
