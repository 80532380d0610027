import type { Advise } from "./service-call.ts";

/** For a limit that GitHub names without saying for how long. */
const secondaryLimitMs = 60_000;

/** What every request to GitHub carries. */
export function githubHeaders(token: string | null): Record<string, string> {
  return {
    accept: "application/vnd.github+json",
    "x-github-api-version": "2022-11-28",
    ...(token === null ? {} : { authorization: `Bearer ${token}` }),
  };
}

/** What GitHub means by its refusals. */
export function githubAdvice(source: { repository: string; tokenSecret?: string | undefined }): Advise {
  const token =
    source.tokenSecret === undefined ? "a token, named by tokenSecret," : `the token in ${source.tokenSecret}`;
  return ({ status, said }) => {
    if (status === 403 && /secondary rate limit|abuse detection/i.test(said))
      return { type: "RateLimited", retryAfterMs: secondaryLimitMs, advice: "it is asked again later" };
    if (status === 401) return { advice: `${token} is not valid, or no longer: make a new one` };
    if (status === 403) return { advice: `${token} needs to read ${source.repository}` };
    if (status === 404) return { advice: `check the name; to see a private repository, ${token} needs the right to` };
    if (status === 410) return { advice: `${source.repository} has this switched off` };
    return null;
  };
}
