import type WebSocket from 'ws';

/** What has come over a WebSocket and was not consumed yet. A slow consumer makes the sender wait. */
export class SocketQueue<Item> {
  readonly #socket: WebSocket;
  readonly #readAhead: number;
  readonly #items: Item[] = [];
  #end: { readonly error?: Error } | undefined;
  #wake: () => void = () => undefined;

  /** The socket is told to stop reading while so many items wait for the consumer. */
  constructor(socket: WebSocket, { readAhead }: { readonly readAhead: number }) {
    this.#socket = socket;
    this.#readAhead = readAhead;
  }

  push(item: Item): void {
    this.#items.push(item);
    if (this.#items.length >= this.#readAhead) this.#socket.pause();
    this.#wake();
  }

  /** Nothing follows: what has come before is still consumed, then the iteration ends, with `error` where there is one. The first end counts. */
  end(error?: Error): void {
    this.#end ??= error === undefined ? {} : { error };
    this.#wake();
  }

  /** For one consumer. Leaving the iteration closes the connection. */
  async *consume(): AsyncGenerator<Item> {
    try {
      for (;;) {
        const item = this.#items.shift();
        if (item !== undefined) {
          if (this.#socket.isPaused && this.#items.length === 0) this.#socket.resume();
          yield item;
        } else if (this.#end !== undefined) {
          if (this.#end.error !== undefined) throw this.#end.error;
          return;
        } else {
          await new Promise<void>((resolve) => {
            this.#wake = resolve;
          });
        }
      }
    } finally {
      this.#socket.terminate();
    }
  }
}
