/**
 * What expires, a rule a method: which of it has lived long enough, in small committed batches. Every rule may be stopped at any point,
 * by a crash too, and carried out again. None touches what is in use: runs that go on, logs that are being read, versions that are live
 * or that a kept run needs; the bodies of objects stay until their readers have ended.
 */
import { setImmediate as turn } from 'node:timers/promises';
import type { RunRecord } from '../storage/runs-table.ts';
import type { Store } from '../storage/store.ts';
import type { ObjectBodies } from '../stores/object-bodies.ts';
import type { SecretValues } from '../stores/secret-values.ts';
import type { LogStore } from '../workers/logs/log-store.ts';

/** How long things are kept. */
export interface RetentionLimits {
  /** The newest runs of a pipeline that keep their logs. */
  readonly logRuns: number;
  /** The newest runs of a pipeline that keep their objects. */
  readonly objectRuns: number;
  /** The newest versions of a pipeline that are kept. */
  readonly versions: number;
  /** Milliseconds. */
  readonly eventsMs: number;
  readonly auditMs: number;
  readonly deliveriesMs: number;
}

export interface ExpiryParts {
  readonly store: Store;
  readonly logs: LogStore;
  readonly objects: ObjectBodies;
  readonly secrets: SecretValues;
  readonly limits: RetentionLimits;
  readonly now: () => number;
  readonly leave: AbortSignal;
}

/** Rows that one commit takes. */
const BATCH = 50;
const EVENT_BATCH = 500;
/** Their bodies may be large. */
const DELIVERY_BATCH = 20;

export class Expiry {
  readonly #parts: ExpiryParts;

  constructor(parts: ExpiryParts) {
    this.#parts = parts;
  }

  /** Of one pipeline; resolves when nothing of it is older than it may be. */
  async ofPipeline(pipelineUid: string): Promise<void> {
    const newest = this.#parts.store.runs.newestId(pipelineUid);
    const { logRuns, objectRuns } = this.#parts.limits;
    // Most pipelines have not had so many runs, and there is nothing to look for.
    if (newest > logRuns) await this.#logs(pipelineUid, newest - logRuns);
    if (newest > objectRuns) await this.#objects(pipelineUid, newest - objectRuns);
    await this.#versions(pipelineUid);
  }

  async events(): Promise<void> {
    const { store, limits, now } = this.#parts;
    const before = now() - limits.eventsMs;
    for (let seq: number | undefined = 0; seq !== undefined && !this.#parts.leave.aborted; ) {
      const behind: number = seq;
      seq = (await store.commit(() => store.events.prune(behind, before, EVENT_BATCH))).next;
      await turn();
    }
  }

  /** Entries of the audit that are too old, and the credentials that nobody can use any more. */
  async identity(): Promise<void> {
    const { store, limits, now } = this.#parts;
    await this.#untilFewer(() => store.audit.prune(now() - limits.auditMs, EVENT_BATCH));
    await this.#untilFewer(() => store.tokens.deleteExpired(now(), EVENT_BATCH));
    await this.#untilFewer(() => store.sessions.deleteExpired(now(), EVENT_BATCH));
  }

  /** External events that are too old, also those that no extension has taken: answers with how many these were. And those of nobody. */
  async deliveries(): Promise<number> {
    const { store, limits, now, leave } = this.#parts;
    for (const uid of store.deliveries.withoutReceiver())
      await this.#untilFewer(() => store.deliveries.deleteOf(uid, DELIVERY_BATCH), DELIVERY_BATCH);
    let given = 0;
    while (!leave.aborted) {
      const { deleted, pending } = await store.commit(() => store.deliveries.expire(now() - limits.deliveriesMs, DELIVERY_BATCH));
      given += pending;
      if (deleted < DELIVERY_BATCH) break;
      await turn();
    }
    return given;
  }

  async #untilFewer(remove: () => number, batch = EVENT_BATCH): Promise<void> {
    while (!this.#parts.leave.aborted && (await this.#parts.store.commit(remove)) >= batch) await turn();
  }

  /** Marked first, so that a reader hears that it has expired; then the files; then the run, which until then is found again. */
  async #logs(pipelineUid: string, upTo: number): Promise<void> {
    const { store, logs } = this.#parts;
    await this.#inBatches(
      (after) => store.runs.withLogs(pipelineUid, after, upTo, BATCH),
      async (batch) => {
        const idle = batch
          .map((run) => ({ run, attempts: store.attempts.listOfRun(run.uid) }))
          .filter(({ attempts }) => attempts.every(({ uid }) => logs.readers(uid) === 0));
        if (idle.length === 0) return;
        await store.commit(() => {
          for (const { run } of idle) {
            store.attempts.markLogsExpired(run.uid);
            store.tokens.deleteOfRun(run.uid);
          }
        });
        for (const { attempts } of idle) for (const { uid } of attempts) await logs.delete(uid);
        await store.commit(() => {
          for (const { run } of idle) store.runs.setLogsExpired(run.uid);
        });
      },
    );
  }

  async #objects(pipelineUid: string, upTo: number): Promise<void> {
    const { store, objects } = this.#parts;
    await this.#inBatches(
      (after) => store.runs.withObjects(pipelineUid, after, upTo, BATCH),
      async (batch) => {
        await store.commit(() => {
          for (const { uid } of batch) {
            store.runs.setObjectsExpired(uid);
            store.tokens.deleteOfRun(uid);
          }
        });
        for (const { uid } of batch) await this.#takeObjects(uid);
        await store.commit(() => {
          for (const { uid } of batch) store.runs.setObjectsTaken(uid);
        });
        objects.collect();
      },
    );
  }

  async #takeObjects(runUid: string): Promise<void> {
    const { store, objects } = this.#parts;
    while (store.objects.list(runUid, 1, 0).length > 0) {
      await store.commit(() => objects.letGo(store.objects.take(runUid, BATCH).loose));
    }
  }

  async #versions(pipelineUid: string): Promise<void> {
    const { store, secrets, limits, leave } = this.#parts;
    // Nothing is written where nothing has expired, which is nearly always.
    while (store.configs.expired(pipelineUid, limits.versions, BATCH).length > 0 && !leave.aborted) {
      await store.commit(() => {
        for (const { version, credentials } of store.configs.expired(pipelineUid, limits.versions, BATCH)) {
          store.configs.delete(pipelineUid, version);
          store.pipelines.setVersionsExpired(pipelineUid, version);
          if (credentials !== undefined) secrets.letGo([credentials]);
        }
      });
      secrets.collect();
      await turn();
    }
  }

  /** Pages through runs by their numbers, each once: one that is left as it is does not come again. */
  async #inBatches(page: (after: number) => readonly RunRecord[], expire: (batch: readonly RunRecord[]) => Promise<void>): Promise<void> {
    for (let batch = page(0); batch.length > 0 && !this.#parts.leave.aborted; ) {
      await expire(batch);
      await turn();
      batch = batch.length < BATCH ? [] : page(batch.at(-1)?.runId ?? 0);
    }
  }
}
