/**
 * Keeps a store and the database together. A body is written down as loose before it comes to be, and becomes someone's in the commit
 * that points to it; whoever lets go of one writes it down again in the same commit. What is loose and not held is removed from the
 * store: soon, or by the next server where this one dies. So neither a crash nor a failing store leaves anything that nobody knows of.
 */
import { setImmediate as turn } from 'node:timers/promises';
import type { PluginLog } from '@gofer/contracts';
import { uuidv7 } from 'uuidv7';
import type { BodyStore } from '../storage/loose-bodies-table.ts';
import type { Store } from '../storage/store.ts';

const PAGE = 100;

export interface LooseBodiesParts {
  readonly store: Store;
  readonly kind: BodyStore;
  /** Removes a body from the store; succeeds where there is none. */
  readonly remove: (body: string) => Promise<void>;
  readonly log: PluginLog;
}

export class LooseBodies {
  readonly #parts: LooseBodiesParts;
  /** Bodies that are being written or read: they stay until nobody holds them. */
  readonly #held = new Map<string, number>();
  /** Loose ones that were held when they were to be removed. */
  readonly #passedOver = new Set<string>();
  #collecting: Promise<void> | undefined;
  #again = false;
  #closed = false;

  constructor(parts: LooseBodiesParts) {
    this.#parts = parts;
  }

  /** Commits the intent to write a body and answers with its key, which is held until `release`. Keys of other servers are never met. */
  async begin(): Promise<string> {
    const { store, kind } = this.#parts;
    const uid = uuidv7();
    const body = `${store.system.instanceId}/${uid.slice(-2)}/${uid}`;
    this.hold(body);
    try {
      await store.commit(() => store.looseBodies.insert(kind, body));
    } catch (error) {
      this.release(body);
      throw error;
    }
    return body;
  }

  /** In the commit that points to the body. */
  adopt(body: string): void {
    this.#parts.store.looseBodies.delete(this.#parts.kind, body);
  }

  /** In the commit after which nothing points to these bodies; `collect` is to follow it. */
  letGo(bodies: readonly string[]): void {
    for (const body of bodies) this.#parts.store.looseBodies.insert(this.#parts.kind, body);
  }

  /** While somebody holds a body it is not removed. */
  hold(body: string): void {
    this.#held.set(body, (this.#held.get(body) ?? 0) + 1);
  }

  release(body: string): void {
    const holders = (this.#held.get(body) ?? 0) - 1;
    if (holders > 0) {
      this.#held.set(body, holders);
      return;
    }
    this.#held.delete(body);
    if (this.#passedOver.delete(body)) this.collect();
  }

  /** Removes what is loose and not held, behind everybody's back. What cannot be removed now is tried again by a later call. */
  collect(): void {
    this.#again = true;
    this.#collecting ??= this.#collectAll().finally(() => {
      this.#collecting = undefined;
      if (this.#again && !this.#closed) this.collect();
    });
  }

  /** Resolves when nothing is being removed. */
  async settled(): Promise<void> {
    while (this.#collecting !== undefined) await this.#collecting;
  }

  /** Removes nothing more; what is left is known to the database. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.settled();
  }

  async #collectAll(): Promise<void> {
    const { store, kind, log } = this.#parts;
    const failures: string[] = [];
    try {
      while (this.#again && !this.#closed) {
        this.#again = false;
        for (let page = store.looseBodies.after(kind, '', PAGE); page.length > 0 && !this.#closed; ) {
          await this.#collectPage(page, failures);
          page = store.looseBodies.after(kind, page.at(-1) ?? '', PAGE);
          await turn();
        }
      }
    } catch (error) {
      this.#again = false;
      failures.push(messageOf(error));
    }
    const [reason] = failures;
    if (reason === undefined || this.#closed) return;
    log('warn', `what nothing points to could not be removed from the store of ${kind}; it is tried again later`, {
      reason,
      failures: failures.length,
    });
  }

  async #collectPage(page: readonly string[], failures: string[]): Promise<void> {
    const { store, kind, remove } = this.#parts;
    const removed: string[] = [];
    for (const body of page) {
      if (this.#closed) break;
      if (this.#held.has(body)) {
        this.#passedOver.add(body);
        continue;
      }
      // While the others of the page were removed it may have become someone's.
      if (!store.looseBodies.has(kind, body)) continue;
      try {
        await remove(body);
        removed.push(body);
      } catch (error) {
        failures.push(messageOf(error));
      }
    }
    if (removed.length === 0) return;
    await store.commit(() => {
      for (const body of removed) store.looseBodies.delete(kind, body);
    });
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
