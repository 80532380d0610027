/**
 * A Slack workspace and a Zendesk account to try sources on: stand-ins on loopback that answer as the services do.
 *
 *     npx node examples/sources/serve.ts
 */
import { slackToken, startSlackFake } from "../../test/support/slack-fake.ts";
import { startZendeskFake, zendeskAccess } from "../../test/support/zendesk-fake.ts";

const slackPort = 4501;
const zendeskPort = 4502;

const slack = await startSlackFake(undefined, slackPort);
const zendesk = await startZendeskFake(undefined, zendeskPort);
process.stdout.write(`Slack is at ${slack.url}/api, Zendesk at ${zendesk.url}; Ctrl-C ends them. For the worker:

export TUNELOOP_ALLOW_HOSTS=${slack.host},${zendesk.host}
export SLACK_TOKEN=${slackToken}
export ZENDESK_TOKEN=${zendeskAccess.apiToken}
`);
