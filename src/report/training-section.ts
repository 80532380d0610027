/** What more data has brought, and how the training went. */
import { html } from "hono/html";
import { countText, timeText, usdText, secondsText, valueText, intervalText } from "../domain/report-numbers.ts";
import { chosenSentence } from "../domain/report.ts";
import type { LearningPoint, Report, Training } from "../domain/report-schema.ts";
import { learningSpec, lossSpec, phasesSpec } from "./chart-specs.ts";
import { code, figure, none, outside, section, sentence, table, type Html } from "./html.ts";

/** Cycles in the table; the chart has all. */
const mostCycles = 20;

/** The learning curve over the pipeline's cycles and the loss of this training; nothing when there is neither. */
export function learningSection(report: Report): Html {
  const { learningCurve, training } = report;
  const chosen = chosenSentence(report);
  const charts = [curve(report), training === null ? none : lossFigure(training)].filter((chart) => chart !== none);
  if (charts.length === 0 && training === null) return none;
  return section("learning", "What it has learnt", [
    training === null ? none : html`<p>${trainingText(training)}</p>`,
    chosen === null ? none : html`<p>${sentence(chosen)}</p>`,
    html`<div class="pair">${charts}</div>`,
    curveTable(learningCurve, report),
  ]);
}

/** How long each phase took, and what it cost. */
export function timeSection({ phases, costUsd, job }: Report): Html {
  const entries = Object.entries(phases);
  if (entries.length === 0) return none;
  const total = entries.reduce((sum, [, seconds]) => sum + seconds, 0);
  const cost = (phase: string): string =>
    phase !== "train" ? "" : costUsd === null ? "not counted" : usdText(costUsd);
  const rows = entries.map(([phase, seconds]) => [outside(phase), secondsText(seconds), cost(phase)]);
  const ofTraining = job === null ? none : html` The training program itself ran for ${secondsText(job.trainSeconds)}.`;
  return section("time", "Time and cost", [
    html`<div class="pair">
      ${figure(
        {
          spec: phasesSpec(phases),
          label: `Seconds of each phase, ${secondsText(total)} in all; the table has the numbers`,
        },
        html`${secondsText(total)} in all.${ofTraining}`,
      )}
      <div>
        ${table("Phases", [{ head: "phase" }, { head: "time", as: "number" }, { head: "cost", as: "number" }], rows)}
        <p class="note">Costs are those of the training job as its provider counts them; serving is not among them.</p>
      </div>
    </div>`,
  ]);
}

function trainingText({ recipe, baseModel, task, taskReason }: Training): Html {
  const base = baseModel === null ? none : html` on top of ${code(baseModel)}`;
  return html`Recipe ${code(recipe)}${base}, task
  ${code(task)}.${taskReason === null ? none : html` ${outside(taskReason)}`}`;
}

function curve({ learningCurve, metrics }: Report): Html {
  const [primary] = metrics;
  if (learningCurve.length === 0 || primary === undefined) return none;
  const label = `${primary.title} by training records, ${learningCurve.length} cycles; the table has the numbers`;
  const caption =
    learningCurve.length === 1
      ? "The first cycle on this test set: each further one adds a point."
      : "Each point is the challenger of one cycle, all on the same test set; the blue one is this cycle.";
  return figure({ spec: learningSpec(learningCurve, primary.unit, primary.title), label }, html`${caption}`);
}

function curveTable(points: readonly LearningPoint[], { metrics }: Report): Html {
  const [primary] = metrics;
  if (points.length < 2 || primary === undefined) return none;
  const rows = points
    .slice(-mostCycles)
    .map(({ cycle, endedAt, outcome, trainedRecords, measured }) => [
      outside(cycle),
      timeText(endedAt),
      outcome,
      countText(trainedRecords),
      valueText(measured.value, primary.unit),
      measured.interval === null ? "" : intervalText(measured.interval, primary.unit),
    ]);
  return table(
    `${primary.title} of the newest cycles`,
    [
      { head: "cycle" },
      { head: "ended" },
      { head: "outcome" },
      { head: "training records", as: "number" },
      { head: "value", as: "number" },
      { head: "interval", as: "number" },
    ],
    rows,
  );
}

function lossFigure({ loss }: Training): Html {
  const [first, last] = [loss[0], loss.at(-1)];
  if (first === undefined || last === undefined) return none;
  const text = `Training loss from ${rounded(first.loss)} to ${rounded(last.loss)} in ${countText(last.step)} steps.`;
  return figure({ spec: lossSpec(loss), label: text }, html`${text}`);
}

function rounded(loss: number): string {
  return String(Number(loss.toPrecision(3)));
}
