/** A judge that speaks OpenAI's wire on loopback, and judges by a function of what it is shown. */
import { serveFake, type ServiceFake } from "./service-fake.ts";

/** A request as the judge understands it. */
export interface JudgedCase {
  kind: "pointwise" | "pairwise";
  token: string;
  /** Texts between marks, by their titles. */
  texts: Record<string, string>;
  system: string;
  user: string;
  model: string;
}

/** A running judge. */
export interface JudgeFake extends ServiceFake {
  cases: JudgedCase[];
}

/** Starts a judge; `reply` gives the text of its reply. `stop()` it in the end. */
export async function serveJudge(reply: (asked: JudgedCase) => string | Promise<string>): Promise<JudgeFake> {
  const cases: JudgedCase[] = [];
  const fake = await serveFake((app) =>
    app.post("/v1/chat/completions", async (context) => {
      const body = (await context.req.json()) as { model: string; messages: { role: string; content: string }[] };
      const [system = "", user = ""] = body.messages.map(({ content }) => content);
      const token = /the token ([0-9a-f]{32})\./.exec(system)?.[1] ?? "";
      const marked = user.matchAll(new RegExp(`<<${token} ([^>]*)>>\\n([^]*?)\\n<</${token}>>`, "g"));
      const texts = Object.fromEntries([...marked].map(([, title = "", text = ""]) => [title, text]));
      const kind = system.includes('"score"') ? "pointwise" : "pairwise";
      const asked: JudgedCase = { kind, token, texts, system, user, model: body.model };
      cases.push(asked);
      const content = await reply(asked);
      const usage = { prompt_tokens: 100, completion_tokens: 10, total_tokens: 110 };
      return context.json({ choices: [{ index: 0, message: { role: "assistant", content } }], usage });
    }),
  );
  return Object.assign(fake, { cases });
}

/** A reply as it must be: the answer with more letters is better, 5 for ten letters and more. */
export function longerIsBetter({ kind, token, texts }: JudgedCase): string {
  if (kind === "pointwise") {
    const score = Math.min(5, 1 + Math.floor((texts["answer"] ?? "").length / 2.5));
    return JSON.stringify({ reason: "by its length", score, token });
  }
  const [first, second] = [texts["first answer"] ?? "", texts["second answer"] ?? ""];
  const better = first.length === second.length ? "tie" : first.length > second.length ? "first" : "second";
  return JSON.stringify({ reason: "by their lengths", better, token });
}
