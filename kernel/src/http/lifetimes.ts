import type { EventEmitter } from 'node:events';

/** The abort signals of requests that are waiting, so that a server that stops can wake them all. */
export class Lifetimes {
  readonly #live = new Set<AbortController>();
  #ended = false;

  /** A signal that aborts when `source` emits `close`, or when all do. */
  signal(source: EventEmitter): AbortSignal {
    const controller = new AbortController();
    if (this.#ended) controller.abort();
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
