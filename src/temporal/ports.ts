import type { Logger } from "pino";
import { AnyscaleClient } from "../anyscale/client.ts";
import { codeVersion } from "../code-version.ts";
import type { Config, SourceConfig } from "../config.ts";
import type { Ports, WorkflowLookup } from "../ports.ts";
import { createAlertSinks } from "../adapters/alert-sinks.ts";
import { createAnyscaleCompute } from "../adapters/anyscale-compute.ts";
import { createHttpModelEndpoint } from "../adapters/http-model-endpoint.ts";
import { createGateCatalog } from "../adapters/own-gates.ts";
import { createMetricCatalog } from "../adapters/metrics/catalog.ts";
import { createPostgresCountsTable } from "../adapters/postgres-counts-table.ts";
import { createRecipeCatalog } from "../recipes/catalog.ts";
import { loadRecipes } from "../recipes/index.ts";
import { createReportRenderer } from "../report/index.ts";
import { createS3Client, parseS3Uri, S3ObjectStore } from "../adapters/s3-object-store.ts";
import { createSafeHttp } from "../adapters/safe-http.ts";
import { createSourceReaders, type SourceAccess } from "../adapters/sources/index.ts";
import { readChatFile } from "../adapters/sources/s3-jsonl.ts";

/** Every port on its real adapter. Opens no connection. Throws for a recipe folder that cannot be used. */
export function createPorts(
  config: Config,
  outside: { log: Logger; workflows: WorkflowLookup; sources: SourceConfig },
): Ports {
  const s3 = createS3Client({ endpoint: config.s3Endpoint, region: config.s3Region });
  const store = new S3ObjectStore(s3, config.s3Uri);
  return {
    store,
    compute: createAnyscaleCompute(new AnyscaleClient({ host: config.anyscaleHost, token: config.anyscaleToken })),
    endpoint: createHttpModelEndpoint(),
    recipes: createRecipeCatalog(loadRecipes(config.recipeFolders), config.cacheDirectory),
    metrics: createMetricCatalog(config.metricFolders),
    gates: createGateCatalog(config.gateFolders),
    sources: createSourceReaders({
      own: store,
      open: (uri) => new S3ObjectStore(s3, uri),
      ...sourceServices(outside.sources),
    }),
    readChatFile: (uri, signal) => {
      const { bucket, key } = parseS3Uri(uri);
      return readChatFile(new S3ObjectStore(s3, `s3://${bucket}`), key, signal);
    },
    counts: createPostgresCountsTable(outside.sources.secret),
    alerts: createAlertSinks({ log: outside.log, store, ...sourceServices(outside.sources) }),
    temporalUi: config.temporalUi,
    reports: createReportRenderer(),
    workflows: outside.workflows,
    secret: outside.sources.secret,
    code: codeVersion(),
    authorKey: config.authorKey,
  };
}

/** What the readers of sources share, apart from storage. */
export function sourceServices({
  allowHosts,
  readerFolders,
  secret,
}: SourceConfig): Omit<SourceAccess, "own" | "open"> {
  return { http: createSafeHttp({ allowHosts }), readerFolders, secret, now: () => new Date() };
}
