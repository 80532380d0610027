import { objectKeys } from "../src/domain/object-keys.ts";
import { reportMarkdown } from "../src/domain/report.ts";
import type { Ports } from "../src/ports.ts";
import { writeDocument } from "./documents.ts";
import type { ReportActivities } from "./interfaces.ts";

export function createReportActivities({ store }: Pick<Ports, "store">): ReportActivities {
  return {
    async writeReport(report) {
      const key = objectKeys.reportMarkdown(report.cycle);
      await writeDocument(store, objectKeys.reportJson(report.cycle), report);
      await store.put(key, reportMarkdown(report), { contentType: "text/markdown; charset=utf-8" });
      return { key, uri: store.uri(key) };
    },
  };
}
