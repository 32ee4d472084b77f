/**
 * The starts of extensions as they are kept: each is written down before its scheduler hears of it, together with what is masked in its
 * log, so that another server finds what runs, and its log, as this one would have. Of what has ended only the log stays, and of one
 * extension only those of the last starts.
 */
import { randomBytes } from 'node:crypto';
import { codeOf, type TaskHandle } from '@gofer/contracts';
import { uuidv7 } from 'uuidv7';
import type { ExtensionStartRecord } from '../storage/extension-starts-table.ts';
import type { Store } from '../storage/store.ts';
import type { SecretValues } from '../stores/secret-values.ts';
import type { BoundedLogs, LogMasking } from '../workers/logs/index.ts';
import type { PreparedStart } from './extension-environment.ts';
import type { ExtensionHost } from './extension-host.ts';

export interface ExtensionStartsParts {
  readonly store: Store;
  readonly secrets: SecretValues;
  readonly logs: BoundedLogs;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

/** What the secret store has of a start, as JSON. */
interface GivenToStart {
  readonly values: readonly string[];
  /** Base64. */
  readonly key: string;
}

const KEY_BYTES = 32;
/** Logs that are kept of one extension. */
const KEPT_STARTS = 5;

/** It runs, or more than its log is left of it. */
export function isUnfinished({ ended, handle, given }: ExtensionStartRecord): boolean {
  return ended === 0 || handle !== undefined || given !== undefined;
}

export class ExtensionStarts {
  readonly #parts: ExtensionStartsParts;

  constructor(parts: ExtensionStartsParts) {
    this.#parts = parts;
  }

  /** Writes down a start that is about to be made. */
  async begin(prepared: PreparedStart, engine: string): Promise<{ readonly uid: string; readonly masking: LogMasking }> {
    const { store, secrets, now } = this.#parts;
    const masking = { values: prepared.masked, key: randomBytes(KEY_BYTES) };
    const kept: GivenToStart = { values: masking.values, key: masking.key.toString('base64') };
    const uid = uuidv7();
    await secrets.write(Buffer.from(JSON.stringify(kept)), (given) =>
      store.commit(() => {
        secrets.adopt(given);
        const { extensionUid } = prepared.start;
        // In their order, however the clock was set since the last one.
        const created = Math.max(now(), (store.extensionStarts.listOf(extensionUid).at(-1)?.created ?? 0) + 1);
        store.extensionStarts.insert({ uid, extensionUid, engine, given, fingerprint: prepared.fingerprint, created });
      }),
    );
    return { uid, masking };
  }

  /** What is masked in the log of an earlier server's start; undefined where that is lost. Rejects with `UNAVAILABLE`. */
  async maskingOf({ given }: ExtensionStartRecord): Promise<LogMasking | undefined> {
    if (given === undefined) return { values: [], key: randomBytes(KEY_BYTES) };
    try {
      const kept = JSON.parse(Buffer.from(await this.#parts.secrets.read(given)).toString('utf8')) as GivenToStart;
      return { values: kept.values, key: Buffer.from(kept.key, 'base64') };
    } catch (error) {
      if (codeOf(error) !== 'DATA_LOSS') throw error;
      return undefined;
    }
  }

  async started(uid: string, handle: TaskHandle): Promise<void> {
    const { store } = this.#parts;
    await store.commit(() => store.extensionStarts.setHandle(uid, handle));
  }

  /** Puts an end to a start: removes what its scheduler has of it, seals its log, and lets go of what was masked in that. Rejects with `UNAVAILABLE`. */
  async finish(start: Pick<ExtensionStartRecord, 'uid' | 'handle'>, host: ExtensionHost | undefined, problem?: string): Promise<void> {
    const { store, secrets, logs, now } = this.#parts;
    // In this order: a start without a handle is one whose scheduler has nothing of it.
    if (start.handle !== undefined) await host?.remove(start.handle);
    await logs.seal(start.uid, problem);
    await store.commit(() => {
      const { extensionStarts } = store;
      extensionStarts.setHandle(start.uid, undefined);
      extensionStarts.setEnded(start.uid, now());
      const given = extensionStarts.find(start.uid)?.given;
      if (given === undefined) return;
      extensionStarts.clearGiven(start.uid);
      secrets.letGo([given]);
    });
    secrets.collect();
  }

  /** Removes the logs of all but the last `kept` starts of an extension that have ended. */
  async prune(extensionUid: string, kept = KEPT_STARTS): Promise<void> {
    const { store, logs } = this.#parts;
    const ended = store.extensionStarts.listOf(extensionUid).filter((start) => !isUnfinished(start));
    for (const { uid } of ended.slice(0, Math.max(0, ended.length - kept))) {
      try {
        await logs.delete(uid);
      } catch (error) {
        // Somebody still collects it: with the next start.
        if (codeOf(error) !== 'FAILED_PRECONDITION') throw error;
        continue;
      }
      await store.commit(() => store.extensionStarts.delete(uid));
    }
  }
}
