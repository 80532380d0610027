import { BlockList, isIP } from "node:net";

/** IPv4 that is not anybody's public host (IANA's special-purpose registry, multicast, reserved). */
const special4: readonly [string, number][] = [
  ["0.0.0.0", 8],
  ["10.0.0.0", 8],
  ["100.64.0.0", 10], // shared by carriers (CGNAT)
  ["127.0.0.0", 8],
  ["169.254.0.0", 16], // link-local, and the metadata services of clouds
  ["172.16.0.0", 12],
  ["192.0.0.0", 24],
  ["192.0.2.0", 24],
  ["192.88.99.0", 24],
  ["192.168.0.0", 16],
  ["198.18.0.0", 15],
  ["198.51.100.0", 24],
  ["203.0.113.0", 24],
  ["224.0.0.0", 4],
  ["240.0.0.0", 4],
];

/** The only IPv6 in public use; IPv4-mapped, NAT64, unique local, link-local and multicast addresses lie outside of it. */
const global6: readonly [string, number] = ["2000::", 3];

/** Parts of that which are special nevertheless. */
const special6: readonly [string, number][] = [
  ["2001::", 23], // protocol assignments, among them Teredo, which carries an IPv4 address
  ["2001:db8::", 32],
  ["2002::", 16], // 6to4, which carries an IPv4 address
  ["3fff::", 20],
];

const special = new BlockList();
for (const [network, bits] of special4) special.addSubnet(network, bits, "ipv4");
for (const [network, bits] of special6) special.addSubnet(network, bits, "ipv6");
const global = new BlockList();
global.addSubnet(...global6, "ipv6");

/** Whether an address is one of the public internet. False for anything that is not an address. */
export function isPublicAddress(address: string): boolean {
  switch (isIP(address)) {
    case 4:
      return !special.check(address, "ipv4");
    case 6:
      return global.check(address, "ipv6") && !special.check(address, "ipv6");
    default:
      return false;
  }
}
