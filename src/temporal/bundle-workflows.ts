/** A process of its own that bundles the workflows at the path it is given, and sends the code to its parent. */
import { bundleWorkflowCode, DefaultLogger } from "@temporalio/worker";

const { code } = await bundleWorkflowCode({
  workflowsPath: process.argv[2] ?? "",
  logger: new DefaultLogger("WARN"),
});
process.send?.({ code }, () => process.disconnect());
