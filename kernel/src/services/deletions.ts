/**
 * What is deleted with all that belongs to it: pipelines and runs. Each is hidden in one commit, so that no path leads to it any more, and
 * emptied behind everybody's back: logs, objects, secrets, in small commits, and its own rows at last. A server that dies in between
 * goes on with it at its next start.
 */
import type { PluginLog } from '@gofer/contracts';
import type { Orchestrator } from '../orchestrator/orchestrator.ts';
import type { PipelineRecord } from '../storage/pipelines-table.ts';
import type { RunRecord } from '../storage/runs-table.ts';
import type { Store } from '../storage/store.ts';
import type { ObjectBodies } from '../stores/object-bodies.ts';
import type { SecretValues } from '../stores/secret-values.ts';
import type { LogStore } from '../workers/logs/log-store.ts';

export interface DeletionsParts {
  readonly store: Store;
  readonly orchestrator: Orchestrator;
  readonly logs: LogStore;
  readonly objects: ObjectBodies;
  readonly secrets: SecretValues;
  readonly log: PluginLog;
  readonly now: () => number;
  /** Aborts when the server stops: what is under way is left to the next one. */
  readonly leave: AbortSignal;
}

const BATCH = 100;

export class Deletions {
  readonly #parts: DeletionsParts;
  readonly #pending = new Set<Promise<void>>();

  constructor(parts: DeletionsParts) {
    this.#parts = parts;
  }

  /** After the commit that hid it. What runs of it is cancelled, and the rest goes when that has ended. */
  emptyPipeline(pipeline: PipelineRecord): void {
    this.#start('pipeline', pipeline.uid, () => this.#purgePipeline(pipeline));
  }

  /** After the commit that hid it. */
  emptyRun(run: RunRecord): void {
    this.#start('run', run.uid, () => this.#purgeRun(run));
  }

  /** Goes on with what an earlier server did not finish. */
  resume(): void {
    const { store } = this.#parts;
    for (const pipeline of store.pipelines.hidden()) this.emptyPipeline(pipeline);
    for (const run of store.runs.hidden()) this.emptyRun(run);
  }

  /** Resolves when nothing is being emptied. */
  async settled(): Promise<void> {
    while (this.#pending.size > 0) await Promise.all(this.#pending);
  }

  #start(what: string, uid: string, purge: () => Promise<void>): void {
    const { log, leave } = this.#parts;
    const pending: Promise<void> = purge()
      .catch((error: unknown) => {
        if (leave.aborted) return;
        log('error', `a deleted ${what} could not be emptied; the next start tries again`, { [what]: uid, error: String(error) });
      })
      .finally(() => this.#pending.delete(pending));
    this.#pending.add(pending);
  }

  async #purgePipeline(pipeline: PipelineRecord): Promise<void> {
    const { store, orchestrator, secrets, leave } = this.#parts;
    const runs = store.runs.uidsOf(pipeline.uid);
    const at = this.#parts.now();
    const how = { reason: 'admin_cancelled', cause: 'pipeline_deleted', graceMs: 0, force: true, at } as const;
    for (const run of runs) orchestrator.cancelRun(run, { ...how, description: 'the pipeline was deleted' });
    for (const run of runs) {
      await orchestrator.whenEnded(run, leave);
      await this.#empty(run);
    }
    await orchestrator.removalsDone();
    await this.#takeObjects(pipeline.uid);
    for (let taken = BATCH; taken > 0; ) {
      taken = await store.commit(() => {
        const values = store.secrets.take(pipeline.uid, BATCH);
        secrets.letGo(values);
        return values.length;
      });
    }
    await store.commit(() => {
      secrets.letGo(store.configs.credentialsOf(pipeline.uid));
      store.pipelines.purge(pipeline.uid);
    });
    secrets.collect();
  }

  async #purgeRun(run: RunRecord): Promise<void> {
    const { store, orchestrator } = this.#parts;
    await this.#empty(run.uid);
    await orchestrator.removalsDone();
    await store.commit(() => store.runs.purge(run.uid));
  }

  /** Takes away what of a run is kept outside the database. */
  async #empty(runUid: string): Promise<void> {
    const { store, logs, secrets } = this.#parts;
    for (const attempt of store.attempts.listOfRun(runUid)) await logs.delete(attempt.uid);
    await this.#takeObjects(runUid);
    const kept = store.attempts.withGiven(runUid);
    if (kept.length === 0) return;
    await store.commit(() => {
      for (const { uid } of kept) store.attempts.clearGiven(uid);
      secrets.letGo(kept.map(({ given }) => given));
    });
    secrets.collect();
  }

  async #takeObjects(ownerUid: string): Promise<void> {
    const { store, objects } = this.#parts;
    for (let taken = BATCH; taken === BATCH; ) {
      if (store.objects.list(ownerUid, 1, 0).length === 0) break;
      taken = await store.commit(() => {
        const { deleted, loose } = store.objects.take(ownerUid, BATCH);
        objects.letGo(loose);
        return deleted;
      });
    }
    objects.collect();
  }
}
