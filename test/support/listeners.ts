/** Which addresses a process listens on, as the kernel says. Linux only. */
import { readdirSync, readFileSync, readlinkSync } from "node:fs";

const LISTEN = "0A";

/** Addresses (without ports) of the TCP sockets that this process listens on; IPv6 ones as the kernel writes them. */
export function listeningAddresses(pid: number): string[] {
  const inodes = new Set(
    readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
      try {
        return /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${fd}`))?.[1] ?? [];
      } catch {
        // Closed since it was listed.
        return [];
      }
    }),
  );
  return ["tcp", "tcp6"].flatMap((family) =>
    readFileSync(`/proc/${pid}/net/${family}`, "utf8")
      .split("\n")
      .slice(1)
      .map((line) => line.trim().split(/\s+/))
      .filter((fields) => fields[3] === LISTEN && inodes.has(fields[9] ?? ""))
      .map((fields) => dotted(fields[1]?.split(":")[0] ?? "")),
  );
}

/** IPv4 addresses are one number in the byte order of the machine. */
function dotted(hex: string): string {
  return hex.length === 8 ? [...Buffer.from(hex, "hex")].toReversed().join(".") : hex;
}
