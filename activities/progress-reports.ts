import { namedSources, untilNextReport } from "../src/domain/reading.ts";
import type { SourceProgress } from "../src/domain/reading-schema.ts";
import type { WorkflowLookup } from "../src/ports.ts";

/** How often is looked whether somebody is to be told, in milliseconds. */
const tickMs = 500;

/** A source that is being read. */
interface Followed {
  source: string;
  askedMs: number;
  progress: () => SourceProgress;
}

/** A workflow that waits for sources, and when it was told last. */
interface Listener {
  followed: Set<Followed>;
  toldMs: number;
  isBeingTold: boolean;
}

/**
 * Tells workflows how far this worker is with their sources: all sources of one workflow at once, after 5 s, and then
 * the more seldom the longer it takes. Nothing depends on it, so what cannot be told is left out.
 */
export class ProgressReports {
  readonly #workflows: Pick<WorkflowLookup, "tellProgress">;
  readonly #listeners = new Map<string, Listener>();
  #timer: NodeJS.Timeout | null = null;

  constructor(workflows: Pick<WorkflowLookup, "tellProgress">) {
    this.#workflows = workflows;
  }

  /** Tells these workflows of a source until the answered function is called. */
  follow(workflowIds: readonly string[], followed: Followed): () => void {
    for (const workflowId of workflowIds) {
      const listener = this.#listeners.get(workflowId) ?? {
        followed: new Set(),
        toldMs: Date.now(),
        isBeingTold: false,
      };
      listener.followed.add(followed);
      this.#listeners.set(workflowId, listener);
    }
    this.#timer ??= setInterval(() => this.#tell(), tickMs);
    return () => this.#forget(workflowIds, followed);
  }

  #forget(workflowIds: readonly string[], followed: Followed): void {
    for (const workflowId of workflowIds) {
      const listener = this.#listeners.get(workflowId);
      listener?.followed.delete(followed);
      if (listener?.followed.size === 0) this.#listeners.delete(workflowId);
    }
    if (this.#listeners.size > 0 || this.#timer === null) return;
    clearInterval(this.#timer);
    this.#timer = null;
  }

  #tell(): void {
    for (const [workflowId, listener] of this.#listeners) {
      const askedMs = Math.min(...[...listener.followed].map((source) => source.askedMs));
      const isDue = Date.now() - listener.toldMs >= untilNextReport(Date.now() - askedMs);
      if (isDue && !listener.isBeingTold) void this.#tellOne(workflowId, listener);
    }
  }

  async #tellOne(workflowId: string, listener: Listener): Promise<void> {
    const said = [...listener.followed].slice(0, namedSources).map(({ source, progress }) => [source, progress()]);
    listener.isBeingTold = true;
    try {
      await this.#workflows.tellProgress(workflowId, Object.fromEntries(said));
    } catch {
      // The workflow has ended, or the server is not there: the next report may fare better.
    } finally {
      listener.isBeingTold = false;
      listener.toldMs = Date.now();
    }
  }
}
