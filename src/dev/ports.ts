/** Finds ports to listen on at the loopback address. */
import { randomInt } from "node:crypto";
import { createServer } from "node:net";

/** The one address everything of the local stack listens on. */
export const LOOPBACK = "127.0.0.1";

const TRIES = 100;

/**
 * Where a port that nobody prefers is taken from: below those that systems give to outgoing connections, one of which
 * would else take the port of a server that is about to start, or to be started again.
 */
const ANY_PORT = { from: 20_000, to: 32_000 };

/**
 * A free port at the loopback address: `preferred` or the next free one above it; 0 for any. Ports in `reserved` count as
 * taken, and the answer is added to it. Throws when 100 ports in a row are taken.
 */
export async function findPort(preferred: number, reserved: Set<number>): Promise<number> {
  const first = preferred === 0 ? randomInt(ANY_PORT.from, ANY_PORT.to) : preferred;
  for (let port = first; port < first + TRIES; port++) {
    if (reserved.has(port) || !(await canBind(port))) continue;
    reserved.add(port);
    return port;
  }
  throw new Error(`no free port from ${first} to ${first + TRIES - 1} on ${LOOPBACK}; choose another one`);
}

function canBind(port: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "EADDRINUSE" || error.code === "EACCES") resolve(false);
      else reject(error);
    });
    server.listen({ port, host: LOOPBACK, exclusive: true }, () => server.close(() => resolve(true)));
  });
}
