import { createHmac, timingSafeEqual } from "node:crypto";

/** URLs that carry a signature in place of the token. Each is good for what it names and for nothing else. */
export class SignedUrls {
  readonly #key: string;

  /** @param key what signatures are made with; URLs live as long as it does */
  constructor(key: string) {
    this.#key = key;
  }

  /** Adds the signature that {@link isSigned} checks. It covers path and other query parameters, not the host. */
  sign(url: string): string {
    const signed = new URL(url);
    signed.searchParams.set("signature", this.#signature(signed));
    return signed.href;
  }

  /** Whether a URL is one that {@link sign} made. */
  isSigned(url: string): boolean {
    const given = new URL(url);
    const signature = Buffer.from(given.searchParams.get("signature") ?? "");
    given.searchParams.delete("signature");
    const expected = Buffer.from(this.#signature(given));
    return signature.length === expected.length && timingSafeEqual(signature, expected);
  }

  #signature(url: URL): string {
    return createHmac("sha256", this.#key)
      .update(url.pathname + url.search)
      .digest("hex");
  }
}
