import { lookup } from "node:dns/promises";
import type { LookupAddress } from "node:dns";
import { isIP, type LookupFunction } from "node:net";
import { callbackify } from "node:util";
import { Agent, buildConnector } from "undici";
import { TypedFailure } from "../domain/failures.ts";
import { isPublicAddress } from "./public-address.ts";

/** Resolves a name to all its addresses. */
export type Resolve = (name: string) => Promise<LookupAddress[]>;

/** For a connection to be there, TLS included, in milliseconds. */
const connectTimeoutMs = 10_000;

/** As every program of this machine does. */
export const resolveBySystem: Resolve = (name) => lookup(name, { all: true });

/**
 * Opens connections to public addresses only, and to hosts that are allowed by name. A name is resolved once for each
 * connection, which then goes to the very addresses that were checked: a name that answers differently the next time gains
 * nothing. Connections that are refused fail with `Refused`.
 */
export function createGuardedAgent(isAllowed: (host: string) => boolean, resolve: Resolve): Agent {
  const free = buildConnector({ timeout: connectTimeoutMs });
  const guarded = buildConnector({ timeout: connectTimeoutMs, lookup: guardedLookup(resolve) });
  return new Agent({
    connect: (options, callback) => {
      if (isAllowed(hostOf(options))) return free(options, callback);
      // An address is never looked up.
      const address = options.hostname.replace(/^\[|\]$/g, "");
      if (isIP(address) !== 0 && !isPublicAddress(address)) return callback(notPublic(options.hostname, address), null);
      return guarded(options, callback);
    },
  });
}

/** A lookup for sockets that answers with public addresses or not at all. */
export function guardedLookup(resolve: Resolve): LookupFunction {
  const publicAddresses = callbackify(async (name: string, family: number): Promise<LookupAddress[]> => {
    const found = await resolve(name);
    const hidden = found.find(({ address }) => !isPublicAddress(address));
    if (hidden !== undefined) throw notPublic(name, hidden.address);
    const usable = found.filter((one) => family === 0 || one.family === family);
    if (usable.length === 0) throw new Error(`${name} has no address`);
    return usable;
  });
  return (name, options, callback) => {
    const family = options.family === "IPv4" ? 4 : options.family === "IPv6" ? 6 : (options.family ?? 0);
    publicAddresses(name, family, (error, found) => {
      const first = found?.[0];
      if (error !== null || first === undefined) callback(error, []);
      else if (options.all === true) callback(null, found);
      else callback(null, first.address, first.family);
    });
  };
}

/** Host and port as `TUNELOOP_ALLOW_HOSTS` names them; the port of the scheme when there is none. */
export function hostOf({ hostname, port, protocol }: { hostname: string; port: string; protocol: string }): string {
  return `${hostname.toLowerCase()}:${port === "" ? (protocol === "http:" ? "80" : "443") : port}`;
}

function notPublic(name: string, address: string): TypedFailure {
  const leads = name.replace(/^\[|\]$/g, "") === address ? name : `${name} leads to ${address}`;
  return new TypedFailure(
    "Refused",
    `${leads}, which is no public address; a host of your own network is allowed by name in the worker's ` +
      "TUNELOOP_ALLOW_HOSTS, such as reviews.internal:8443",
  );
}
