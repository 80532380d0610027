import type { Difference } from "../../support/recordings.ts";

/** A way in which our client differs from the official one on purpose. */
export interface KnownDifference {
  kind: Difference["kind"];
  /** Names of the recordings in which it is expected. */
  in: RegExp;
  /** Method and path, with `{id}` for every id. */
  call: RegExp;
  /** Of a change: the whole field's name. */
  field?: RegExp;
  reason: string;
}

/** Matches every name and call. */
const everywhere = /^/;

/** Every difference from the official client; one that is not here is a defect, and so is a row that no longer occurs. */
export const knownDifferences: readonly KnownDifference[] = [
  {
    kind: "changed",
    in: everywhere,
    call: everywhere,
    field: /^header (X-Anyscale-Client|User-Agent)$/,
    reason: "says what we are; nothing of the API depends on it",
  },
  {
    kind: "changed",
    in: everywhere,
    call: everywhere,
    field: /^header X-Anyscale-Client-Version$/,
    reason: "is the version of the official package",
  },
  {
    kind: "changed",
    in: /^cli_/,
    call: everywhere,
    field: /^header traceparent$/,
    reason: "ties the calls of one CLI command together in Anyscale's own tracing",
  },
  {
    kind: "omitted",
    in: /^cli_/,
    call: /^POST \/api\/v2\/cli_usage\/$/,
    reason: "tells Anyscale how its CLI is used",
  },
  {
    kind: "omitted",
    in: everywhere,
    call: /^GET \/api\/v2\/userinfo\/$/,
    reason: "checks the token, which every other call does as well; client.user() asks when it is wanted",
  },
  {
    kind: "changed",
    in: everywhere,
    call: /generate_cloud_data_bucket_presigned_url$/,
    field: /^body file_name$/,
    reason: "hashes our archive, which holds no times: equal content is uploaded once from every checkout",
  },
  {
    kind: "omitted",
    in: /^(cli_)?service_|^error_429_put_apply$/,
    call: /^GET \/ext\/v0\/cluster_computes\/{id}$/,
    reason: "asks a compute config's cloud: the default one is the default cloud's, a service tells its own",
  },
  {
    kind: "omitted",
    in: /^(cli_)?service_(deploy|canary|auto|in_place|multi)|^error_429_put_apply$/,
    call: /^GET \/(api\/v2\/compute_templates|ext\/v0\/clouds)\/{id}$/,
    reason: "asks which bucket a working directory goes to, which is the cloud's own one",
  },
  {
    kind: "omitted",
    in: /^service_/,
    call: /^GET \/ext\/v0\/cluster_environment_builds\/default$/,
    reason: "asks again for the default build, which is kept",
  },
  {
    kind: "order",
    in: /^(cli_)?service_(deploy|canary)|^error_429_put_apply$/,
    call: /^GET \/ext\/v0\/cluster_environment_builds\/default$/,
    reason: "comes after the project: a project that does not exist is told before an image is built",
  },
  {
    kind: "omitted",
    in: /^(cli_)?service_(status|list|auto_rollout|canary100|multi_version|token_rotation)/,
    call: /^GET \/(api\/v2\/(projects|compute_templates)|ext\/v0\/cluster_environment(_build)?s)\/{id}$/,
    reason: "fetches names to show beside a service; the answer has the ids",
  },
  {
    kind: "omitted",
    in: /^cli_service_wait$|^service_canary100$/,
    call: /^GET \/api\/v2\/services-v2\/$/,
    reason: "is a second look before the first pause",
  },
  {
    kind: "changed",
    in: /^cli_service_(rollback|terminate)$/,
    call: /^GET \/api\/v2\/services-v2\/$/,
    field: /^query (count|archive_status)$/,
    reason: "looks the service up as all other calls do",
  },
  {
    kind: "omitted",
    in: /^cli_service_rollback$/,
    call: /^POST \/ext\/v0\/services\/{id}\/rollback$/,
    reason: "is the CLI's own route; the SDK takes the other one",
  },
  {
    kind: "added",
    in: /^cli_service_rollback$/,
    call: /^POST \/api\/v2\/services-v2\/{id}\/rollback$/,
    reason: "is the SDK's route; the CLI takes the other one",
  },
  {
    kind: "added",
    in: /^error_429_put_apply$/,
    call: /^GET \/(api\/v2\/services-v2\/|ext\/v0\/cluster_computes\/default)$/,
    reason: "belongs to the second attempt: ours is the caller's, who repeats the whole deployment",
  },
  {
    kind: "omitted",
    in: /^(cli_)?job_(submit|terminate)|^error_\d+_(on|post)_create$/,
    call: /^GET \/ext\/v0\/cluster_computes\/{id}$/,
    reason:
      "asks a compute config's cloud: the default one is the default cloud's, a named one tells it when it is found",
  },
  {
    kind: "omitted",
    in: /^(cli_)?job_(submit|terminate)|^error_\d+_(on|post)_create$/,
    call: /^(GET \/ext\/v0\/cluster_computes\/default|POST \/api\/v2\/compute_templates\/search)$/,
    reason: "asks a second time for the compute config that the job is about to get",
  },
  {
    kind: "omitted",
    in: /^(cli_)?job_(submit|terminate)|^error_\d+_(on|post)_create$/,
    call: /^GET \/(api\/v2\/compute_templates|ext\/v0\/clouds)\/{id}$/,
    reason: "asks which bucket a working directory goes to, which is the cloud's own one",
  },
  {
    kind: "omitted",
    in: /^cli_job_terminate$/,
    call: /^GET \/ext\/v0\/(clouds\/default|projects\/default_project)$/,
    reason: "asks again for the default cloud and project, which are kept: the recording has two commands",
  },
  {
    kind: "omitted",
    in: /^(cli_)?job_(status|list)|^error_429_get/,
    call: /^GET \/(api\/v2\/(projects|compute_templates)|ext\/v0\/(clouds|cluster_environment(_build)?s))\/{id}$/,
    reason: "fetches names to show beside a job; the answer has the ids",
  },
  {
    kind: "omitted",
    in: /^(cli_job_list_v2|job_list)$/,
    call: /^POST \/api\/v2\/decorated_ha_jobs\/job_runs\/search$/,
    reason: "fetches the runs of every listed job to show them; jobs.runs() asks when they are wanted",
  },
  {
    kind: "changed",
    in: /^cli_job_list$/,
    call: /^GET \/api\/v2\/decorated_ha_jobs\/$/,
    field: /^query count$/,
    reason: "asks for more at once than the documented limit of 100",
  },
  {
    kind: "order",
    in: /^(cli_)?job_(get_)?logs/,
    call: /^GET \/api\/v2\/logs\/job_logs_download_v2\/{id}$/,
    reason: "comes after the chunks of the page before: a log is never held as a whole",
  },
  {
    kind: "omitted",
    in: /^job_terminate$/,
    call: /^GET \/ext\/v0\/production_jobs\/{id}$/,
    reason: "looks whether there is such a job, which the order answers as well",
  },
  {
    kind: "omitted",
    in: /^cli_job_wait$/,
    call: /^GET \/api\/v2\/decorated_ha_jobs\/$/,
    reason: "looks for the name at every poll; ours looks once and then polls the id",
  },
  {
    kind: "added",
    in: /^cli_job_wait$/,
    call: /^GET \/ext\/v0\/production_jobs\/{id}$/,
    reason: "polls by id what was found by name: another job of that name does not end the wait",
  },
  {
    kind: "changed",
    in: /^cli_job_logs_follow$/,
    call: /^GET \/api\/v2\/decorated_ha_jobs\/$/,
    field: /^query (archive_status|count)$/,
    reason: "looks the job up as all other calls do",
  },
  {
    kind: "changed",
    in: /^cli_job_(logs_follow|submit_wait)$/,
    call: /^GET \/api\/v2\/logs\/job_logs_download_v2\/{id}$/,
    field: /^query page_size$/,
    reason: "asks for the same pages whether it follows or not",
  },
  {
    kind: "added",
    in: /^cli_job_submit_wait$/,
    call: /^GET \/api\/v2\/logs\/job_logs_download_v2\/{id}$/,
    reason: "asks for what follows the first page; the CLI takes what that one has",
  },
  {
    kind: "omitted",
    in: /^cli_job_logs_follow$/,
    call: /^GET \/api\/v2\/(decorated_jobs|sessions)\/{id}(\/startup_logs)?$/,
    reason: "asks about one run and shows how its cluster starts; ours follows the job over all its runs",
  },
  {
    kind: "added",
    in: /^cli_job_logs_follow$/,
    call: /^(GET \/ext\/v0\/production_jobs\/{id}|POST \/api\/v2\/decorated_ha_jobs\/job_runs\/search)$/,
    reason: "tells when the job has ended, and which runs it had",
  },
  {
    kind: "omitted",
    in: /^cli_job_logs_follow$/,
    call: /^GET \/api\/v2\/logs\/job_logs_download_v2\/{id}$/,
    reason: "looks again after the end; ours stops when the job has ended and a look showed nothing new",
  },
  {
    kind: "changed",
    in: /^service_query/,
    call: /^GET \/s\//,
    field: /^header Accept$/,
    reason: "is what fetch sends",
  },
];

/** Whether a row is about this difference of this recording. */
export function covers(row: KnownDifference, recording: string, difference: Difference): boolean {
  return (
    row.kind === difference.kind &&
    row.in.test(recording) &&
    row.call.test(difference.call) &&
    (row.field === undefined || row.field.test(difference.field ?? ""))
  );
}
