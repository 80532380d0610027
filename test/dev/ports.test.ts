import { createServer, type Server } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { findPort } from "../../src/dev/ports.ts";

const servers: Server[] = [];

async function occupy(host: string): Promise<number> {
  const server = createServer();
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  const address = server.address();
  return typeof address === "object" && address !== null ? address.port : 0;
}

afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

describe("findPort", () => {
  it("takes the preferred port when it is free", async () => {
    const port = await occupy("127.0.0.1");
    await new Promise((resolve) => servers.pop()?.close(resolve));
    expect(await findPort(port, new Set())).toBe(port);
  });

  it.each(["127.0.0.1", "0.0.0.0"])("takes a later port when the preferred one is taken on %s", async (host) => {
    const port = await occupy(host);
    const found = await findPort(port, new Set());
    expect(found).toBeGreaterThan(port);
    expect(found).toBeLessThan(port + 100);
  });

  it("takes any port from below those of outgoing connections", async () => {
    const reserved = new Set<number>();
    for (let times = 0; times < 50; times++) expect(await findPort(0, reserved)).toBeLessThan(32_768);
    expect(Math.min(...reserved)).toBeGreaterThan(1024);
  });

  it("never gives one port twice", async () => {
    const reserved = new Set<number>();
    const first = await findPort(0, reserved);
    expect(await findPort(first, reserved)).toBeGreaterThan(first);
    expect(reserved.size).toBe(2);
  });
});
