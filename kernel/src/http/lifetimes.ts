import type { EventEmitter } from 'node:events';

/** The abort signals of requests that are waiting, so that a server that stops can wake them all. */
export class Lifetimes {
  readonly #live = new Set<AbortController>();
  #ended = false;

  /** A signal that aborts when `source` closes (or has), or when all do. */
  signal(source: EventEmitter & { readonly destroyed: boolean }): AbortSignal {
    const controller = new AbortController();
    if (this.#ended || source.destroyed) {
      controller.abort();
      return controller.signal;
    }
    this.#live.add(controller);
    source.once('close', () => {
      this.#live.delete(controller);
      controller.abort();
    });
    return controller.signal;
  }

  /** From now on every signal is aborted. */
  end(): void {
    this.#ended = true;
    for (const controller of this.#live) controller.abort();
  }

  get ended(): boolean {
    return this.#ended;
  }
}
