import { z } from "zod";
import { mappingSchema, type Condition, type Mapping } from "./mapping-schema.ts";
import { requestFields, secretNameSchema, webAddressSchema } from "./source-fields-schema.ts";

/** Who speaks for a repository, as GitHub says. */
const maintainers = ["OWNER", "MEMBER", "COLLABORATOR"];

/** A maintainer's words, unless the question was theirs. */
const fromMaintainer: Condition = {
  all: [{ path: "author_association", in: maintainers }, { not: { path: "user.login", sameAs: "$.user.login" } }],
};

/** Issues that were closed as completed: maintainers' comments are the assistant's, everything else the user's. */
export const githubMapping: Mapping = {
  where: {
    all: [
      { path: "state_reason", equals: "completed" },
      { path: "comments.0", exists: true },
    ],
  },
  messages: [
    { role: "user", text: "{title}\n\n{body|}" },
    { each: "comments", role: { assistant: fromMaintainer, otherwise: "user" }, text: "{body|}" },
  ],
  author: "{user.login}",
  group: "{html_url}",
  labels: { labels: "{labels.*.name}", thumbsUp: "{reactions.+1}" },
};

/** Discussions with a chosen answer: that is the assistant's. */
export const githubDiscussionsMapping: Mapping = {
  where: { path: "isAnswered", equals: true },
  messages: [
    { role: "user", text: "{title}\n\n{body|}" },
    { each: "comments", where: { path: "isAnswer", equals: true }, role: "assistant", text: "{body|}" },
  ],
  author: "{author.login}",
  group: "{url}",
  labels: { category: "{category.name}", labels: "{labels.*.name}", upvotes: "{upvoteCount}" },
};

const fields = {
  ...requestFields,
  /** `owner/name`. */
  repository: z
    .string()
    .regex(/^[A-Za-z0-9-]{1,39}\/(?!\.\.?$)[A-Za-z0-9._-]{1,100}$/, "must be owner/name, such as acme/widgets"),
  /** Where the REST API is; of GitHub Enterprise Server `https://host/api/v3`. */
  apiUrl: webAddressSchema.default("https://api.github.com"),
};

/** Issues of a repository with their comments; pull requests are left out. */
export const githubSourceSchema = z.strictObject({
  ...fields,
  kind: z.literal("github"),
  /** Names the variable that holds a token. Public repositories can be read without, 60 requests an hour. */
  tokenSecret: secretNameSchema.optional(),
  map: mappingSchema.default(githubMapping),
});
export type GithubSource = z.infer<typeof githubSourceSchema>;

/** Discussions of a repository with their comments. */
export const githubDiscussionsSourceSchema = z.strictObject({
  ...fields,
  kind: z.literal("github-discussions"),
  /** Names the variable that holds a token; GitHub answers nobody without. */
  tokenSecret: secretNameSchema,
  map: mappingSchema.default(githubDiscussionsMapping),
});
export type GithubDiscussionsSource = z.infer<typeof githubDiscussionsSourceSchema>;
