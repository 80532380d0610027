/** What got better and what got worse: the questions whose answers changed, side by side, to be filtered. */
import { html } from "hono/html";
import { countText } from "../domain/report-numbers.ts";
import type { ChangedAnswer, Changes, Report } from "../domain/report-schema.ts";
import { cutText, markedAnswers } from "./differences.ts";
import { code, none, outside, section, type Html } from "./html.ts";
import { oneLine, visible } from "./text.ts";

/** Changes that are seen at once; the others are folded up, so that the page is not all of answers. */
const openChanges = 8;
/** Choices of a filter; a page with more would be no help. */
const mostChoices = 100;

/** The questions whose answers changed; nothing without two models to compare. */
export function changesSection(report: Report): Html {
  const { changes } = report;
  if (changes === null) return none;
  const titles = new Map(report.metrics.map(({ metric, title }) => [metric, oneLine(title, 60)]));
  return section("changes", "What got better and what got worse", [
    html`<p>${countsText(changes)}</p>`,
    changes.shown.length < changes.better + changes.worse ? restNote(report, changes) : none,
    changes.instructions === null
      ? none
      : html`<details>
          <summary>Instructions that all these questions begin with</summary>
          ${cutText(changes.instructions)}
        </details>`,
    filterForm(changes, titles),
    ...changes.shown.slice(0, openChanges).map((change) => changedAnswer(change, titles)),
    folded(changes.shown.slice(openChanges), titles),
  ]);
}

function folded(changes: readonly ChangedAnswer[], titles: ReadonlyMap<string, string>): Html {
  if (changes.length === 0) return none;
  const what = changes.length === 1 ? "1 more" : `${countText(changes.length)} more`;
  return html`<details id="more">
    <summary>${what}</summary>
    ${changes.map((change) => changedAnswer(change, titles))}
  </details>`;
}

function countsText({ better, worse }: Changes): string {
  if (better + worse === 0) return "No answer changed from right to wrong or from wrong to right.";
  const questions = (count: number): string => `${countText(count)} ${count === 1 ? "question" : "questions"}`;
  return `The challenger answers ${questions(better)} better than the champion, and ${questions(worse)} worse.`;
}

function restNote({ arms }: Report, { shown, better, worse }: Changes): Html {
  const keys = arms.filter(({ name }) => name === "champion" || name === "challenger");
  const where = keys.map(
    ({ evaluation }, index) => html`${index > 0 ? " and " : ""}${code(`evaluations/${evaluation}/`)}`,
  );
  return html`<p class="note">
    ${countText(shown.length)} of ${countText(better + worse)} are shown, those that changed most. All answers are in
    the bucket under ${where}.
  </p>`;
}

/** Shown by the page's script only: without it, nothing could be filtered. */
function filterForm({ shown }: Changes, titles: ReadonlyMap<string, string>): Html {
  if (shown.length < 2) return none;
  const metrics = [...new Set(shown.flatMap(({ metrics }) => Object.keys(metrics)))];
  const subsets = [...new Set(shown.flatMap(({ subsets }) => subsets))].toSorted();
  return html`<form class="filter" id="filter" hidden aria-label="Filter the answers">
    ${choice("direction", "Direction", [
      ["better", "better"],
      ["worse", "worse"],
    ])}
    ${choice(
      "metric",
      "Metric",
      metrics.map((metric) => [metric, titles.get(metric) ?? metric]),
    )}
    ${
      subsets.length === 0
        ? none
        : choice(
            "subset",
            "Part of the questions",
            subsets.map((subset) => [subset, oneLine(subset, 60)]),
          )
    }
    <output id="shown" aria-live="polite"></output>
  </form>`;
}

function choice(name: string, title: string, values: [string, string][]): Html {
  return html`<label
    >${title}
    <select name="${name}">
      <option value="">all</option>
      ${values.slice(0, mostChoices).map(([value, text]) => html`<option value="${visible(value)}">${visible(text)}</option>`)}
    </select></label
  >`;
}

/** The attributes are lists, one value a line: no value has a line end. */
function changedAnswer(change: ChangedAnswer, titles: ReadonlyMap<string, string>): Html {
  const { direction, metrics, subsets, question, expected, champion, challenger, id } = change;
  const marked = markedAnswers(champion, challenger);
  const list = (values: string[]): string => values.map((value) => visible(value).replaceAll("\n", " ")).join("\n");
  return html`<article
    class="change"
    data-direction="${direction}"
    data-metrics="${list(Object.keys(metrics))}"
    data-subsets="${list(subsets)}"
  >
    <header>
      <span class="badge ${direction === "better" ? "good" : "bad"}">${direction}</span>
      <span class="note"
        >${Object.entries(metrics).map(([metric, how], index) => html`${index > 0 ? "; " : ""}${visible(titles.get(metric) ?? metric)}: ${how}`)}</span
      >
      ${subsets.length === 0 ? none : html`<span class="note">${outside(oneLine(subsets.join(", ")))}</span>`}
    </header>
    ${question.map(
      ({ role, content }) =>
        html`<h4>${role === "user" ? "Question" : visible(role)}</h4>
          ${cutText(content)}`,
    )}
    <div class="meant">
      <h4>Expected</h4>
      ${cutText(expected)}
    </div>
    <div class="answers">
      <div class="who-champion">
        <h4>Champion${matchText(champion, expected)}</h4>
        ${marked.champion}
      </div>
      <div class="who-challenger">
        <h4>Challenger${matchText(challenger, expected)}</h4>
        ${marked.challenger}
      </div>
    </div>
    <p class="note path">Record ${code(id.slice(0, 16))}</p>
  </article>`;
}

function matchText({ answer }: ChangedAnswer["champion"], expected: ChangedAnswer["expected"]): string {
  if (answer === null || answer.isCut || expected.isCut) return "";
  return answer.text.trim() === expected.text.trim() ? ": as expected" : "";
}
