import type { SourceDefinition } from "../../domain/source-schema.ts";
import type { ObjectStore } from "../../ports.ts";
import { createCustomReader } from "./custom.ts";
import { readDiscord } from "./discord.ts";
import { readGithubDiscussions } from "./github-discussions.ts";
import { readGithub } from "./github.ts";
import { readHttp } from "./http.ts";
import { mapped, type ExaminableReader, type ReaderServices } from "./mapped.ts";
import { readPostgres } from "./postgres.ts";
import { createS3JsonlReader } from "./s3-jsonl.ts";
import { readSlack } from "./slack.ts";
import { readZendesk } from "./zendesk.ts";

/** Where the readers find what they read. */
export interface SourceAccess extends ReaderServices {
  /** Tuneloop's own store. */
  own: ObjectStore;
  /** Opens the store of an `s3://` URI. */
  open: (uri: string) => ObjectStore;
  /** Folders of readers that are not part of Tuneloop. */
  readerFolders: readonly string[];
}

/** The reader of each kind of source. Opens no connection. */
export function createSourceReaders(access: SourceAccess): Record<SourceDefinition["kind"], ExaminableReader> {
  return {
    "s3-jsonl": createS3JsonlReader(access.own, access.open),
    http: mapped("http", readHttp, access),
    slack: mapped("slack", readSlack, access),
    zendesk: mapped("zendesk", readZendesk, access),
    github: mapped("github", readGithub, access),
    "github-discussions": mapped("github-discussions", readGithubDiscussions, access),
    discord: mapped("discord", readDiscord, access),
    postgres: mapped("postgres", readPostgres, access),
    custom: mapped("custom", createCustomReader(access.readerFolders), access),
  };
}
