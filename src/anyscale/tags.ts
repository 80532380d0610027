import { InvalidRequestError } from "./errors.ts";
import { checked, tagsSchema } from "./input.ts";
import { resourceTagsSchema, type TaggedResource } from "./tags-wire.ts";
import type { CallOptions, Transport } from "./transport.ts";
import { anyReply, resultOf } from "./wire.ts";

const PATH = "/api/v2/tags/resource";

/** Tags of one kind of resource, by the resource's id. One attempt per call; every method throws an `AnyscaleError`. */
export class ResourceTags {
  readonly #transport: Transport;
  readonly #type: TaggedResource;

  constructor(transport: Transport, type: TaggedResource) {
    this.#transport = transport;
    this.#type = type;
  }

  /** All tags. Throws `NotFoundError`. */
  async list(id: string, options: CallOptions = {}): Promise<Record<string, string>> {
    const query = { resource_type: this.#type, resource_id: id };
    const reply = resultOf(resourceTagsSchema);
    const { result } = await this.#transport.call({ method: "GET", path: PATH, query, reply, ...options });
    return Object.fromEntries((result.tags ?? []).map(({ key, value }) => [key, value]));
  }

  /** Adds tags; a key that is there gets the new value. Throws `InvalidRequestError` without a tag. */
  async add(id: string, tags: Readonly<Record<string, string>>, options: CallOptions = {}): Promise<void> {
    const wanted = checked("tags", tagsSchema, tags);
    if (Object.keys(wanted).length === 0) throw new InvalidRequestError("tags: there is none; pass at least one");
    const body = { resource_type: this.#type, resource_id: id, tags: wanted };
    await this.#transport.call({ method: "PUT", path: PATH, body, reply: anyReply, ...options });
  }

  /** Removes tags by their keys; a key that is not there counts as done. Throws `InvalidRequestError` without a key. */
  async remove(id: string, keys: readonly string[], options: CallOptions = {}): Promise<void> {
    if (keys.length === 0) throw new InvalidRequestError("keys: there is none; pass at least one");
    const body = { resource_type: this.#type, resource_id: id, keys };
    await this.#transport.call({ method: "DELETE", path: PATH, body, reply: anyReply, ...options });
  }
}
