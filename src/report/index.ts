import type { ReportRenderer } from "../ports.ts";
import { reportMarkdown } from "./markdown.ts";
import { reportPage } from "./page.ts";

/** Renders reports in this process. What draws charts is loaded with the first of them: 40 MB and half a second. */
export function createReportRenderer(): ReportRenderer {
  return {
    html: reportPage,
    markdown: reportMarkdown,
  };
}
