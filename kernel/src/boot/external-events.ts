/**
 * What takes events from outside, and what hands them to extensions, as one part of the server: while it is there, events come in and go
 * on. Where its port is taken the server does not start, but for one in development mode on the address that nobody chose.
 */
import { codeOf, GoferError, type PluginLog } from '@gofer/contracts';
import type { DeliveryDispatcher } from '../extensions/delivery-dispatcher.ts';
import type { HttpServer } from '../http/index.ts';

export interface ExternalEventsOptions {
  /** Undefined where external events are turned off: what is there already is handed over all the same. */
  readonly server: HttpServer | undefined;
  readonly dispatcher: DeliveryDispatcher;
  /** True: the server goes on without the listener where its port is taken. */
  readonly mayMiss: boolean;
  /** For requests in progress, milliseconds. */
  readonly graceMs: number;
  readonly log: PluginLog;
}

/** For the answers of extensions: what they have not answered by then they are handed again by the next server. */
const ANSWERS_MS = 2_000;

export class ExternalEvents {
  readonly #options: ExternalEventsOptions;
  #isOpen = false;

  constructor(options: ExternalEventsOptions) {
    this.#options = options;
  }

  /** Where they are taken; undefined where they are not. */
  get url(): string | undefined {
    return this.#isOpen ? this.#options.server?.address : undefined;
  }

  /** Rejects with `LOCKED` where the port is taken, with `CONFIG_INVALID` for an address that cannot be bound. */
  async open(): Promise<void> {
    const { dispatcher, log, mayMiss, server } = this.#options;
    dispatcher.start();
    try {
      await server?.listen();
      this.#isOpen = true;
    } catch (error) {
      const code = codeOf(error);
      if (code !== 'LOCKED') throw error;
      const remedy = 'set another address, or external_events.enable = false';
      const { message } = error as Error;
      if (!mayMiss) throw new GoferError(code, `${message} To do without events from outside, ${remedy}.`, { cause: error });
      log('warn', `events from outside are not taken: ${remedy}`, { reason: message });
    }
  }

  async reload(): Promise<void> {
    if (this.#isOpen) await this.#options.server?.reload();
  }

  async close(): Promise<void> {
    const { dispatcher, graceMs, server } = this.#options;
    if (this.#isOpen) await server?.close(graceMs);
    await dispatcher.close(Math.min(graceMs, ANSWERS_MS));
  }
}
