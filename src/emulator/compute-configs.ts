import { BIRTH, cloud, CLOUD_ID, creator, owner } from "./catalog.ts";
import { newId, now } from "./ids.ts";
import type { ComputeConfigRecord } from "./records.ts";
import { Refusal } from "./refusal.ts";
import type { Store } from "./state.ts";

/** Name of the compute config that is there from the start, and that a job without one gets. */
export const DEFAULT_COMPUTE_NAME = "default";

const DEFAULT: ComputeConfigRecord = {
  id: "cpt_default0001",
  name: DEFAULT_COMPUTE_NAME,
  version: 1,
  createdAt: BIRTH,
  archivedAt: null,
  config: {
    cloud_id: CLOUD_ID,
    head_node_type: { name: "head-node", instance_type: "local", resources: { cpu: 0, gpu: 0 } },
    worker_node_types: [],
    auto_select_worker_config: true,
    flags: {},
    deployment_configs: null,
  },
};

/** What a search names; all that are given must hold. */
export interface ComputeSearch {
  name?: { equals?: string | undefined; contains?: string | undefined } | null | undefined;
  /** -1: the newest version of each name; absent: all versions. */
  version?: number | null | undefined;
  include_anonymous?: boolean | undefined;
  archive_status?: string | undefined;
}

/**
 * Compute configs that were created here, and the default one. A job's or service's is kept and echoed and sets its price;
 * it changes nothing about where things run.
 */
export class ComputeConfigs {
  readonly #store: Store<ComputeConfigRecord>;

  constructor(store: Store<ComputeConfigRecord>) {
    this.#store = store;
  }

  /** The default compute config. */
  get default(): ComputeConfigRecord {
    return DEFAULT;
  }

  /** The compute config of this id, also when archived. Throws `Refusal` (404) when there is none. */
  get(id: string): ComputeConfigRecord {
    const record = id === DEFAULT.id ? DEFAULT : this.#store.get(id);
    if (record === undefined) throw new Refusal(404, `there is no compute config ${id}`);
    return record;
  }

  /** Those that a search finds, the newest version of a name first. */
  search(search: ComputeSearch): ComputeConfigRecord[] {
    const { equals, contains } = search.name ?? {};
    const archived = search.archive_status ?? "NOT_ARCHIVED";
    const found = [DEFAULT, ...this.#store.all()]
      .filter(({ name }) => (name === null ? search.include_anonymous === true : true))
      .filter(({ name, id }) => !equals || equals === (name ?? anonymousName(id)))
      .filter(({ name, id }) => !contains || (name ?? anonymousName(id)).includes(contains))
      .filter(({ archivedAt }) => archived === "ALL" || (archived === "ARCHIVED") === (archivedAt !== null))
      .sort((a, b) => b.version - a.version);
    const { version } = search;
    if (version === undefined || version === null) return found;
    if (version !== -1) return found.filter((record) => record.version === version);
    return found.filter((record, index) => {
      return record.name === null || found.findIndex(({ name }) => name === record.name) === index;
    });
  }

  /**
   * Keeps a compute config: anonymous without a name, else the first or next version of that name. Throws `Refusal` (409)
   * for the name of the default one, and for a name that exists unless `newVersion`.
   */
  create(name: string | null, config: Record<string, unknown>, newVersion: boolean): ComputeConfigRecord {
    const versions = name === null ? [] : this.search({ name: { equals: name }, archive_status: "ALL" });
    if (name === DEFAULT_COMPUTE_NAME || (versions.length > 0 && !newVersion)) {
      throw new Refusal(409, `there is a compute config "${name}" already`);
    }
    const record: ComputeConfigRecord = {
      id: newId("cpt"),
      name,
      version: (versions[0]?.version ?? 0) + 1,
      createdAt: now(),
      archivedAt: null,
      config: { ...DEFAULT.config, ...config },
    };
    this.#store.save(record);
    return record;
  }

  /** Hides all versions of a compute config's name from searches. What uses them goes on. Throws `Refusal`. */
  archive(id: string): void {
    const { name } = this.get(id);
    if (name === null || name === DEFAULT_COMPUTE_NAME) {
      throw new Refusal(400, "the default and anonymous compute configs cannot be archived");
    }
    for (const record of this.search({ name: { equals: name } })) {
      record.archivedAt = now();
      this.#store.save(record);
    }
  }
}

/** What an API answers for the name of an anonymous compute config. */
function anonymousName(id: string): string {
  return `anonymous-${id}`;
}

/** A compute config as every route answers it. */
export function computeConfigAnswer({ id, name, version, createdAt, archivedAt, config }: ComputeConfigRecord) {
  return {
    id,
    name: name ?? anonymousName(id),
    ...owner,
    created_at: createdAt,
    last_modified_at: archivedAt ?? createdAt,
    archived_at: archivedAt,
    config: { ...config, cloud: { id: CLOUD_ID, name: cloud.name, provider: cloud.provider } },
    version,
    anonymous: name === null,
    creator,
  };
}
