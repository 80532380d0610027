/** Draws charts as SVG. The library behind is large, so it is loaded with the first chart and not with the worker. */
import type { TopLevelSpec } from "vega-lite";
import { oneLine } from "./text.ts";
import { font } from "./theme.ts";

/** A chart to be drawn: what it shows, and what it is called for those who cannot see it. */
export interface Chart {
  /** In Vega-Lite; sizes in CSS pixels. Its texts are data or escaped by the library. */
  spec: TopLevelSpec;
  label: string;
}

/** Colours are variables of the page's style sheet: the same SVG is right in light and dark. */
const config: TopLevelSpec["config"] = {
  background: "transparent",
  font,
  aria: false,
  view: { stroke: null },
  axis: {
    domain: false,
    ticks: false,
    gridColor: "var(--line)",
    labelColor: "var(--muted)",
    labelFontSize: 12,
    // How wide a text is cannot be measured here: whoever makes a chart keeps its labels short.
    labelLimit: 0,
    labelFlush: false,
    labelPadding: 6,
    titleColor: "var(--muted)",
    titleFontSize: 12,
    titleFontWeight: "normal",
    titlePadding: 4,
  },
  axisY: { labelColor: "var(--ink)" },
};

/** Draws one chart; answers an `<svg>` without style attributes, scripts or addresses. */
export async function drawChart({ spec, label }: Chart): Promise<string> {
  const [{ compile }, { parse, View }] = await Promise.all([import("vega-lite"), import("vega")]);
  const view = new View(parse(compile({ ...spec, config }).spec), { renderer: "none" });
  try {
    const svg = await view.toSVG();
    return svg.replace(
      /^<svg [^>]*?(?= width=)/,
      `<svg role="img" aria-label="${escapeAttribute(oneLine(label, 500))}"`,
    );
  } finally {
    view.finalize();
  }
}

function escapeAttribute(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll('"', "&quot;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
