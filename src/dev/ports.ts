/** Finds ports to listen on at the loopback address. */
import { createServer } from "node:net";

/** The one address everything of the local stack listens on. */
export const LOOPBACK = "127.0.0.1";

const TRIES = 100;

/**
 * A free port at the loopback address: `preferred` or the next free one above it; 0 leaves the choice to the system.
 * Ports in `reserved` count as taken, and the answer is added to it. Throws when 100 ports in a row are taken.
 */
export async function findPort(preferred: number, reserved: Set<number>): Promise<number> {
  for (let port = preferred; port < preferred + TRIES; port += preferred === 0 ? 0 : 1) {
    if (port !== 0 && reserved.has(port)) continue;
    const bound = await bindOnce(port);
    if (bound === null || reserved.has(bound)) continue;
    reserved.add(bound);
    return bound;
  }
  throw new Error(`no free port from ${preferred} to ${preferred + TRIES - 1} on ${LOOPBACK}; choose another one`);
}

/** The port that could be bound; null when it is taken. */
function bindOnce(port: number): Promise<number | null> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "EADDRINUSE" || error.code === "EACCES") resolve(null);
      else reject(error);
    });
    server.listen({ port, host: LOOPBACK, exclusive: true }, () => {
      const address = server.address();
      server.close(() => resolve(address !== null && typeof address === "object" ? address.port : null));
    });
  });
}
