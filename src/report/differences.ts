/** Two answers to one question, with the words marked that only one of them has. */
import { diffWordsWithSpace } from "diff";
import { html } from "hono/html";
import type { Answer, CutText } from "../domain/report-schema.ts";
import { none, type Html } from "./html.ts";
import { visible } from "./text.ts";

/** Milliseconds spent on one pair of answers; two that differ everywhere are shown without marks. */
const timeoutMs = 100;

/** The champion's and the challenger's answer. */
export function markedAnswers(champion: Answer, challenger: Answer): { champion: Html; challenger: Html } {
  if (champion.answer === null || challenger.answer === null)
    return { champion: plain(champion), challenger: plain(challenger) };
  const [old, now] = [visible(champion.answer.text), visible(challenger.answer.text)];
  const parts = diffWordsWithSpace(old, now, { timeout: timeoutMs });
  if (parts === undefined) return { champion: plain(champion), challenger: plain(challenger) };
  return {
    champion: said(
      parts.filter(({ added }) => !added).map(({ removed, value }) => (removed ? html`<del>${value}</del>` : value)),
      champion.answer.isCut,
    ),
    challenger: said(
      parts.filter(({ removed }) => !removed).map(({ added, value }) => (added ? html`<ins>${value}</ins>` : value)),
      challenger.answer.isCut,
    ),
  };
}

/** A text as it is, and that it goes on where it was cut. */
export function cutText({ text, isCut }: CutText): Html {
  return said([visible(text)], isCut);
}

function plain({ answer, error }: Answer): Html {
  if (answer !== null) return cutText(answer);
  return html`<p class="note">No answer${error === null ? "" : html`: <bdi>${visible(error)}</bdi>`}</p>`;
}

function said(parts: (Html | string)[], isCut: boolean): Html {
  const text = parts.every((part) => part === "") ? html`<span class="note">(empty)</span>` : parts;
  return html`<p class="said" dir="auto">${text}${isCut ? html`<span class="note"> … (cut)</span>` : none}</p>`;
}
