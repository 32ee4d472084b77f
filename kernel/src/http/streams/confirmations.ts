/**
 * A connection that stays open must not outlive the right to it: whoever has one is asked for it again every few seconds, by the same
 * credentials. By time and not by what happens here, since a token also expires, and another back end tells nobody what it has changed.
 */
import type { EventEmitter } from 'node:events';
import { setImmediate } from 'node:timers/promises';
import { codeOf, isGoferError, type PluginLog } from '@gofer/contracts';

export interface Standing {
  /** Rejects once the client would not be let in any more. */
  readonly confirm: () => Promise<void>;
  /** `reason`: the code and the message of that. */
  readonly refuse: (reason: string) => void;
}

/** How long a connection outlives the right to it, at most, milliseconds. */
const EVERY_MS = 5000;
/** Asked at the same time: another back end takes its time to answer. */
const TOGETHER = 32;
const REFUSALS: ReadonlySet<string> = new Set(['UNAUTHENTICATED', 'PERMISSION_DENIED']);

export class Confirmations {
  readonly #log: PluginLog;
  readonly #everyMs: number;
  readonly #standing = new Map<EventEmitter, Standing>();
  #isWaiting = false;

  constructor(log: PluginLog, everyMs = EVERY_MS) {
    this.#log = log;
    this.#everyMs = everyMs;
  }

  /** Until the connection emits `close`. */
  add(connection: EventEmitter, standing: Standing): void {
    this.#standing.set(connection, standing);
    connection.once('close', () => this.#standing.delete(connection));
    this.#wait();
  }

  #wait(): void {
    if (this.#isWaiting || this.#standing.size === 0) return;
    this.#isWaiting = true;
    setTimeout(() => void this.#askAll(), this.#everyMs).unref();
  }

  /** Never rejects. */
  async #askAll(): Promise<void> {
    const all = [...this.#standing];
    for (let next = 0; next < all.length; next += TOGETHER) {
      await Promise.all(all.slice(next, next + TOGETHER).map(([connection, standing]) => this.#ask(connection, standing)));
      // Answers that are there at once would hold up everybody else for as long as there are connections.
      await setImmediate();
    }
    this.#isWaiting = false;
    this.#wait();
  }

  async #ask(connection: EventEmitter, { confirm, refuse }: Standing): Promise<void> {
    if (!this.#standing.has(connection)) return;
    try {
      await confirm();
    } catch (error) {
      const code = codeOf(error);
      if (isGoferError(error) && REFUSALS.has(code)) {
        this.#standing.delete(connection);
        refuse(`${code}: ${error.message}`);
        return;
      }
      // A back end that cannot be asked has not said no.
      this.#log(code === 'UNAVAILABLE' ? 'debug' : 'error', 'whether a connection may stay open could not be asked', { error });
    }
  }
}
