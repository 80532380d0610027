import { describe, expect, it } from "vitest";
import { allSinks, countPasses, newsOf, notReapedAlert, reapedAlert, unreadAlert } from "../../src/domain/janitor.ts";
import type { Orphan } from "../../src/domain/janitor-schema.ts";

const owner = { workflowId: "retrain/games/2", status: "terminated" } as const;
const job: Orphan = {
  kind: "job",
  id: "prodjob_1",
  name: "retrain-games-2-fine-tune",
  pipeline: "games",
  model: "games-2",
  since: "2026-01-01T00:00:00.000Z",
  owner: { workflowId: "retrain/games/2/fine-tune", status: "not-found" },
};
const version: Orphan = {
  kind: "version",
  service: "pipeline-games",
  version: "games-2",
  pipeline: "games",
  champion: "games-1",
  percent: 50,
  owner,
};
const service: Orphan = { kind: "service", service: "pipeline-games", version: "games-2", pipeline: "games", owner };
const trouble = { pipeline: "games", what: "the service of games", reason: "Unavailable: 503" };

describe("reapedAlert", () => {
  it("says what was ended and why, what users get, and how to see more of what Temporal still knows", () => {
    const { title, text, next } = reapedAlert("janitor-1", "games", [job, version, service]);
    expect(title).toBe("games: the janitor has ended what nobody waited for: 3 things");
    expect(text.slice(0, 3)).toEqual([
      "Job retrain-games-2-fine-tune (prodjob_1), which has trained games-2 since 2026-01-01T00:00:00.000Z, was terminated: its workflow retrain/games/2/fine-tune is gone.",
      "games-2 was taken down: its cycle retrain/games/2 is terminated. It had 50 % of the users' traffic; games-1 gets all of it.",
      "Service pipeline-games was terminated: its cycle retrain/games/2 is terminated. It had the first model alone, games-2, which is not champion; nobody serves games now.",
    ]);
    expect(next.map(({ command }) => command)).toEqual([
      "temporal workflow show --workflow-id retrain/games/2",
      "tuneloop models games",
    ]);
  });
});

describe("notReapedAlert", () => {
  it.each<[Orphan, string, boolean]>([
    [job, "anyscale job terminate --id prodjob_1", false],
    [version, "anyscale service rollback --name pipeline-games", true],
    [service, "anyscale service terminate --name pipeline-games", false],
  ])("says how to end a $kind by hand", (orphan, command, isMet) => {
    const what = {
      job: "job retrain-games-2-fine-tune (prodjob_1)",
      version: "games-2 beside the champion of pipeline-games",
      service: "service pipeline-games with games-2",
    }[orphan.kind];
    const alert = notReapedAlert(
      "janitor-1",
      "games",
      [orphan],
      [{ pipeline: "games", what, reason: "Refused: 403", passes: 2 }],
    );
    expect(alert.severity).toBe("error");
    expect(alert.text[0]).toBe(`${what}: Refused: 403`);
    expect(alert.text.some((said) => said.startsWith("Users get 50 % of their answers"))).toBe(isMet);
    expect(alert.next).toEqual([{ what: `End ${what} by hand`, command }]);
  });
});

describe("unreadAlert", () => {
  it("names the pipeline, or how many there are", () => {
    const one = { ...trouble, passes: 2 };
    expect(unreadAlert("janitor-1", [one])).toMatchObject({
      pipeline: "games",
      title: expect.stringMatching(/ something of games is /),
    });
    const all = [one, { ...one, pipeline: "chess", what: "the service of chess" }];
    expect(unreadAlert("janitor-1", all)).toMatchObject({
      pipeline: "janitor",
      title: expect.stringMatching(/ something of 2 pipelines is /),
    });
  });
});

describe("countPasses", () => {
  it("goes on counting what was there in the pass before, and begins with what was not", () => {
    const first = countPasses([trouble], undefined, "unreadable");
    expect(first).toEqual([{ ...trouble, passes: 1 }]);
    const other = { ...trouble, what: "the jobs of games-2" };
    const second = countPasses([{ ...trouble, reason: "another" }, other], { unreadable: first }, "unreadable");
    expect(second.map(({ passes }) => passes)).toEqual([2, 1]);
    expect(newsOf(second)).toEqual([{ ...trouble, reason: "another", passes: 2 }]);
    expect(newsOf(countPasses([trouble], { unreadable: second }, "unreadable"))).toEqual([]);
  });

  it.each([null, "done", { unreadable: 3 }, { unreadable: [null, { what: 1, passes: 1 }, { what: trouble.what }] }])(
    "begins where the pass before has answered something else: %j",
    (before) => {
      expect(countPasses([trouble], before, "unreadable")).toEqual([{ ...trouble, passes: 1 }]);
    },
  );
});

describe("allSinks", () => {
  it("has those of both, and none twice", () => {
    const hook = { kind: "slack" as const, webhookSecret: "SLACK_WEBHOOK_URL" };
    expect(allSinks([{ kind: "log" }, hook], [{ ...hook }, { kind: "log" }])).toEqual([{ kind: "log" }, hook]);
  });
});
