import type { GoferEvent } from './extension.ts';
import type { Connection } from './gofer-request.ts';

/** Stand for the token and for the version, as the client's WebSocket has no headers of its own. */
const TOKEN_PROTOCOL_PREFIX = 'gofer.token.';
const VERSION_PROTOCOL = 'gofer.api.v0';
/** A reader that is further behind is cut off, and comes back behind what it has. */
const MOST_UNREAD = 10_000;
/** A connection that has broken without a word looks like one on which nothing happens: it is made anew after this. */
const LONGEST_SILENCE_MS = 300_000;

export interface EventQuery {
  readonly kinds: readonly string[];
  readonly after?: string | undefined;
  readonly history?: boolean;
  readonly reverse?: boolean;
}

/** One connection: its events, until it is closed by whoever. To be read once. */
export class EventSocket implements AsyncIterable<GoferEvent> {
  readonly #socket: WebSocket;
  readonly #unread: GoferEvent[] = [];
  #closed: { readonly code: number; readonly reason: string } | undefined;
  #wake = (): void => {};
  #silence: NodeJS.Timeout | undefined;

  static open(connection: Connection, query: EventQuery, signal: AbortSignal): EventSocket {
    return new EventSocket(connection, query, signal);
  }

  private constructor({ url, token, WebSocket }: Connection, query: EventQuery, signal: AbortSignal) {
    const address = new URL(`${url}/api/events`);
    address.protocol = address.protocol === 'https:' ? 'wss:' : 'ws:';
    for (const kind of query.kinds) address.searchParams.append('kind', kind);
    if (query.after !== undefined) address.searchParams.set('after', query.after);
    if (query.history === true) address.searchParams.set('history', 'true');
    if (query.reverse === true) address.searchParams.set('reverse', 'true');
    this.#socket = new WebSocket(address, [VERSION_PROTOCOL, TOKEN_PROTOCOL_PREFIX + token]);
    this.#socket.addEventListener('message', ({ data }) => this.#take(data));
    // Each error is followed by a close, which says more.
    this.#socket.addEventListener('close', ({ code, reason }) => this.#end(code, reason));
    const abort = (): void => this.#leave();
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort);
    this.#socket.addEventListener('close', () => signal.removeEventListener('abort', abort));
    this.#listen();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<GoferEvent> {
    try {
      for (;;) {
        const event = this.#unread.shift();
        if (event !== undefined) yield event;
        else if (this.#closed !== undefined) return;
        else await new Promise<void>((resolve) => (this.#wake = resolve));
      }
    } finally {
      this.#leave();
    }
  }

  /** True where the server had no more to say. */
  endedWell(): boolean {
    return this.#closed?.code === 1000;
  }

  /** The server's own word for why it closed the connection; empty where it has said none. */
  closeCode(): string {
    return /^([A-Z_]+):/.exec(this.closeReason())?.[1] ?? '';
  }

  closeReason(): string {
    return this.#closed?.reason ?? '';
  }

  #take(data: unknown): void {
    if (this.#closed !== undefined) return;
    this.#listen();
    const event = toEvent(data);
    if (event === undefined) return this.#leave();
    this.#unread.push(event);
    if (this.#unread.length >= MOST_UNREAD) this.#leave();
    this.#wake();
  }

  #listen(): void {
    clearTimeout(this.#silence);
    this.#silence = setTimeout(() => this.#leave(), LONGEST_SILENCE_MS).unref();
  }

  /** The closing handshake of one that has broken never ends, and is not waited for. */
  #leave(): void {
    if (this.#socket.readyState < this.#socket.CLOSING) this.#socket.close(1000);
    this.#end(1006, '');
  }

  #end(code: number, reason: string): void {
    clearTimeout(this.#silence);
    this.#closed ??= { code, reason };
    this.#wake();
  }
}

/** Undefined for what is not an event of this protocol. */
function toEvent(data: unknown): GoferEvent | undefined {
  if (typeof data !== 'string') return undefined;
  let event: unknown;
  try {
    event = JSON.parse(data);
  } catch {
    return undefined;
  }
  if (typeof event !== 'object' || event === null) return undefined;
  const { id, kind, emitted } = event as Readonly<Record<string, unknown>>;
  if (typeof id !== 'string' || typeof kind !== 'object' || kind === null || typeof emitted !== 'number') return undefined;
  const [entry] = Object.entries(kind);
  if (entry === undefined) return undefined;
  const [name, payload] = entry as [string, Readonly<Record<string, unknown>>];
  return { id, kind: name, payload, emitted };
}
