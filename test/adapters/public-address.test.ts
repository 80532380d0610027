import { describe, expect, it } from "vitest";
import { isPublicAddress } from "../../src/adapters/public-address.ts";

describe("isPublicAddress", () => {
  it.each(["1.1.1.1", "9.255.255.255", "100.63.255.255", "100.128.0.1", "172.15.0.1", "172.32.0.1", "223.255.255.255"])(
    "takes %s for public",
    (address) => expect(isPublicAddress(address)).toBe(true),
  );

  it.each(["2606:4700::1111", "2a00:1450:4001:82b::200e", "2003::1", "3fff:1000::1"])(
    "takes %s for public",
    (address) => expect(isPublicAddress(address)).toBe(true),
  );

  it.each([
    ["0.0.0.0", "this host"],
    ["10.1.2.3", "private"],
    ["172.16.0.1", "private"],
    ["172.31.255.255", "private"],
    ["192.168.0.1", "private"],
    ["100.64.0.1", "shared by carriers"],
    ["127.0.0.1", "loopback"],
    ["127.255.255.254", "loopback"],
    ["169.254.169.254", "link-local: metadata of clouds"],
    ["192.0.0.8", "protocol assignments"],
    ["192.0.2.1", "documentation"],
    ["192.88.99.1", "6to4 relays"],
    ["198.19.0.1", "benchmarks"],
    ["203.0.113.5", "documentation"],
    ["224.0.0.1", "multicast"],
    ["255.255.255.255", "broadcast"],
    ["::", "unspecified"],
    ["::1", "loopback"],
    ["::ffff:10.0.0.1", "IPv4-mapped"],
    ["::ffff:8.8.8.8", "IPv4-mapped, whatever it maps"],
    ["::ffff:7f00:1", "IPv4-mapped, in hexadecimal"],
    ["::7f00:1", "IPv4-compatible"],
    ["64:ff9b::a9fe:a9fe", "NAT64"],
    ["64:ff9b:1::1", "local NAT64"],
    ["2002:7f00:1::", "6to4"],
    ["2001:0:7f00:1::", "Teredo"],
    ["2001:db8::1", "documentation"],
    ["3fff::1", "documentation"],
    ["fc00::1", "unique local"],
    ["fd12:3456::1", "unique local"],
    ["fe80::1", "link-local"],
    ["fe80::1%eth0", "link-local with a zone"],
    ["ff02::1", "multicast"],
    ["localhost", "no address"],
    ["127.1", "no address as sockets take it"],
    ["", "nothing"],
  ])("refuses %s (%s)", (address) => expect(isPublicAddress(address)).toBe(false));
});
