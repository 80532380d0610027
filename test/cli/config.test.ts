import { describe, expect, it } from "vitest";
import { loadBucketConfig, loadConfig, loadSourceConfig } from "../../src/config.ts";

const least = { TUNELOOP_S3_URI: "s3://bucket/prefix", ANYSCALE_CLI_TOKEN: "aph0_secret" };
const messageOf = (environment: Record<string, string | undefined>): string => {
  try {
    loadConfig(environment);
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  throw new Error("the environment was taken");
};

describe("loadConfig", () => {
  const defaults = {
    s3Uri: "s3://bucket/prefix",
    s3Endpoint: null,
    s3Region: null,
    anyscaleHost: "https://console.anyscale.com",
    anyscaleToken: "aph0_secret",
    authorKey: null,
    cacheDirectory: null,
    recipeFolders: [],
    metricFolders: [],
    gateFolders: [],
    temporalUi: null,
    logLevel: "info",
  };

  it("needs a bucket and a token, and has a default for all else", () => {
    expect(loadConfig(least)).toEqual(defaults);
  });

  it("takes everything that is set, and ignores what it does not know", () => {
    expect(
      loadConfig({
        ...least,
        AWS_ENDPOINT_URL: "http://127.0.0.1:7070",
        AWS_REGION: "eu-west-1",
        ANYSCALE_HOST: "http://127.0.0.1:7071",
        TUNELOOP_AUTHOR_KEY: "key",
        TUNELOOP_CACHE: "/var/cache/tune loop",
        TUNELOOP_RECIPES: "/opt/my recipes/majority: ./other ::",
        TUNELOOP_METRICS: "/opt/metrics: ./more",

        TUNELOOP_GATES: "/opt/gates",
        TUNELOOP_TEMPORAL_UI: "https://temporal.internal/ui/",
        TUNELOOP_LOG_LEVEL: "debug",
        PATH: "/bin",
      }),
    ).toEqual({
      ...defaults,
      s3Endpoint: "http://127.0.0.1:7070",
      s3Region: "eu-west-1",
      anyscaleHost: "http://127.0.0.1:7071",
      authorKey: "key",
      cacheDirectory: "/var/cache/tune loop",
      recipeFolders: ["/opt/my recipes/majority", "./other"],
      metricFolders: ["/opt/metrics", "./more"],
      gateFolders: ["/opt/gates"],
      temporalUi: "https://temporal.internal/ui",
      logLevel: "debug",
    });
  });

  it.each(["", "  ", "\t\n", undefined])("takes %j for not set", (blank) => {
    const optional = [
      "AWS_ENDPOINT_URL",
      "AWS_REGION",
      "ANYSCALE_HOST",
      "TUNELOOP_AUTHOR_KEY",
      "TUNELOOP_CACHE",
      "TUNELOOP_TEMPORAL_UI",
      "TUNELOOP_RECIPES",
      "TUNELOOP_LOG_LEVEL",
    ];
    expect(loadConfig({ ...least, ...Object.fromEntries(optional.map((name) => [name, blank])) })).toEqual(defaults);
    expect(messageOf({ TUNELOOP_S3_URI: blank, ANYSCALE_CLI_TOKEN: blank })).toBe(
      "the environment is not complete:\n  TUNELOOP_S3_URI: is not set\n  ANYSCALE_CLI_TOKEN: is not set",
    );
  });

  it("cuts the space around a value, such as the newline at the end of a secret's file", () => {
    const spaced = Object.fromEntries(Object.entries(least).map(([name, value]) => [name, ` ${value}\r\n`]));
    expect(loadConfig({ ...spaced, AWS_ENDPOINT_URL: " http://localhost:1\n", TUNELOOP_LOG_LEVEL: "warn\n" })).toEqual({
      ...defaults,
      s3Endpoint: "http://localhost:1",
      logLevel: "warn",
    });
  });

  it.each([
    ["TUNELOOP_S3_URI", "secret/prefix"],
    ["TUNELOOP_S3_URI", "https://bucket.s3.amazonaws.com/secret"],
    ["TUNELOOP_S3_URI", "s3://Bucket/secret"],
    ["AWS_ENDPOINT_URL", "localhost:7070"],
    ["AWS_ENDPOINT_URL", "secret"],
    ["ANYSCALE_HOST", "console.anyscale.com"],
    ["ANYSCALE_HOST", "ftp://secret"],
    ["ANYSCALE_CLI_TOKEN", "aph0_secret\nx-header: 1"],
    ["ANYSCALE_CLI_TOKEN", "aph0 secret"],
    ["ANYSCALE_CLI_TOKEN", "aph0_secret\u0000"],
    ["TUNELOOP_LOG_LEVEL", "secret"],
  ])("names %s and not its value when that is %j", (name, value) => {
    const message = messageOf({ ...least, [name]: value });
    expect(message).toMatch(new RegExp(`^the environment is not complete:\n  ${name}: .+$`));
    expect(message).not.toContain(value);
    expect(message).not.toContain("secret");
  });
});

describe("loadBucketConfig", () => {
  it("needs nothing but the bucket, and is the same part of the whole", () => {
    const environment = { ...least, AWS_ENDPOINT_URL: "http://127.0.0.1:9000", AWS_REGION: "eu-west-1" };
    const bucket = loadBucketConfig({ ...environment, ANYSCALE_CLI_TOKEN: undefined });
    expect(bucket).toEqual({ s3Uri: "s3://bucket/prefix", s3Endpoint: "http://127.0.0.1:9000", s3Region: "eu-west-1" });
    expect(loadConfig(environment)).toMatchObject(bucket);
    expect(() => loadBucketConfig({})).toThrow("the environment is not complete:\n  TUNELOOP_S3_URI: is not set");
  });
});

describe("loadSourceConfig", () => {
  it("allows nothing by default", () => {
    const { secret: _, ...rest } = loadSourceConfig({});
    expect(rest).toEqual({ s3Endpoint: null, s3Region: null, allowHosts: [], readerFolders: [] });
  });

  it("takes hosts with their ports, those of https without one, and folders as in PATH", () => {
    const config = loadSourceConfig({
      TUNELOOP_ALLOW_HOSTS: " 127.0.0.1:9999, Reviews.Internal ,[::1]:8080",
      TUNELOOP_SOURCES: "/opt/sources: ./more",
    });
    expect(config.allowHosts).toEqual(["127.0.0.1:9999", "reviews.internal:443", "[::1]:8080"]);
    expect(config.readerFolders).toEqual(["/opt/sources", "./more"]);
  });

  it.each(["http://reviews.internal", "reviews.internal:x", "*.internal", "a b", "10.0.0.0/8", ","])(
    "refuses %j for hosts, and names the variable",
    (list) => {
      expect(() => loadSourceConfig({ TUNELOOP_ALLOW_HOSTS: list })).toThrow(
        /TUNELOOP_ALLOW_HOSTS: must be hosts such as/,
      );
    },
  );

  it("gives secrets by name, and names the variable that is not set", () => {
    const { secret } = loadSourceConfig({ SLACK_TOKEN: " xoxb-canary\n", EMPTY: " " });
    expect(secret("SLACK_TOKEN")).toBe("xoxb-canary");
    for (const name of ["EMPTY", "NOWHERE"])
      expect(() => secret(name)).toThrow(`${name} is not set: put the secret into the worker's environment`);
  });

  it.each(["TUNELOOP_AUTHOR_KEY", "AWS_SECRET_ACCESS_KEY", "ANYSCALE_CLI_TOKEN", "TEMPORAL_API_KEY", "path"])(
    "gives no source %s, though it is set",
    (name) => {
      expect(() => loadSourceConfig({ [name]: "canary" }).secret(name)).toThrow(new RegExp(`^${name}: (?!.*canary)`));
    },
  );
});
