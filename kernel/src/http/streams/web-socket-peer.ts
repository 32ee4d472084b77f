import type { Duplex } from 'node:stream';
import { GoferError } from '@gofer/contracts';
import { WebSocket } from 'ws';

/** What may lie unsent before a sender waits: a slow follower costs this much memory and holds nobody else back. */
const MAX_UNSENT_BYTES = 1024 * 1024;
/** Frames that wait to be taken before the client is made to wait. */
const MAX_UNREAD_FRAMES = 16;
/** Of a client that waits nothing is read, its going away neither: only what is sent to it finds that out. */
const WAITING_PING_MS = 5000;

export interface IncomingFrame {
  readonly kind: 'text' | 'binary';
  readonly bytes: Uint8Array;
}

/** One open WebSocket, with back-pressure both ways: each send resolves when there is room for the next. */
export class WebSocketPeer {
  readonly #socket: WebSocket;
  readonly #transport: Duplex;
  readonly #closing = new AbortController();
  #unsent = 0;
  #room: PromiseWithResolvers<void> | undefined;

  /** `transport`: what the WebSocket was made on, to which whole frames may be written between its own. */
  constructor(socket: WebSocket, transport: Duplex) {
    this.#socket = socket;
    this.#transport = transport;
    socket.once('close', () => this.#leave());
  }

  /** Aborts once the connection is closed, or is being closed by this side. */
  get closing(): AbortSignal {
    return this.#closing.signal;
  }

  close(code: number, reason: string): void {
    this.#socket.close(code, reason);
    this.#leave();
  }

  /** Sends one Text frame; bytes must be UTF-8. Rejects with `CANCELLED` once the other side has gone. */
  async sendText(text: string | Uint8Array): Promise<void> {
    const size = typeof text === 'string' ? Buffer.byteLength(text) : text.byteLength;
    await this.#send(text, size, false);
  }

  /** Sends one Binary frame; the same rules. */
  async sendBinary(bytes: Uint8Array): Promise<void> {
    await this.#send(bytes, bytes.byteLength, true);
  }

  /** Sends whole frames that are encoded already; the same rules. */
  async sendFrames(frames: Uint8Array): Promise<void> {
    this.#reserve(frames.byteLength);
    this.#transport.write(frames, () => this.#release(frames.byteLength));
    await this.#untilRoom();
  }

  /**
   * What the client sends from now on, until `closing` aborts. A client that sends more than is taken is made to wait; what it sends after the
   * reader has left is lost. To be called once, before anything is awaited: what nobody has asked for by then is gone.
   */
  receive(): AsyncIterable<IncomingFrame> {
    const frames: IncomingFrame[] = [];
    let wake = (): void => {};
    let pings: NodeJS.Timeout | undefined;
    let isOver = false;
    const goOn = (): void => {
      clearInterval(pings);
      pings = undefined;
      if (this.#socket.isPaused) this.#socket.resume();
    };
    this.#socket.on('message', (bytes: Buffer, isBinary: boolean) => {
      if (this.closing.aborted || isOver) return;
      frames.push({ kind: isBinary ? 'binary' : 'text', bytes });
      wake();
      if (frames.length < MAX_UNREAD_FRAMES || this.#socket.isPaused) return;
      this.#socket.pause();
      pings = setInterval(() => this.#socket.ping(), WAITING_PING_MS).unref();
    });
    this.closing.addEventListener('abort', () => {
      frames.length = 0;
      wake();
      // The closing handshake must be read.
      goOn();
    });
    const { closing } = this;
    return (async function* () {
      try {
        while (!closing.aborted) {
          const frame = frames.shift();
          if (frame === undefined) {
            await new Promise<void>((resolve) => {
              wake = resolve;
            });
            continue;
          }
          if (frames.length === 0) goOn();
          yield frame;
        }
      } finally {
        isOver = true;
        frames.length = 0;
        goOn();
      }
    })();
  }

  async #send(data: string | Uint8Array, size: number, binary: boolean): Promise<void> {
    this.#reserve(size);
    this.#socket.send(data, { binary }, () => this.#release(size));
    await this.#untilRoom();
  }

  #leave(): void {
    this.#closing.abort();
    this.#room?.resolve();
  }

  #reserve(size: number): void {
    if (this.#socket.readyState !== WebSocket.OPEN) throw new GoferError('CANCELLED', 'The other side has closed the WebSocket.');
    this.#unsent += size;
  }

  #release(size: number): void {
    this.#unsent -= size;
    if (this.#unsent <= MAX_UNSENT_BYTES) this.#room?.resolve();
  }

  /** A failed write ends in `close`, which lets go too; the next send then rejects. */
  async #untilRoom(): Promise<void> {
    if (this.#unsent <= MAX_UNSENT_BYTES || this.closing.aborted) return;
    this.#room = Promise.withResolvers();
    await this.#room.promise;
    this.#room = undefined;
  }
}
