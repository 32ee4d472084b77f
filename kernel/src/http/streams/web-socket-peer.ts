import type { Duplex } from 'node:stream';
import { GoferError } from '@gofer/contracts';
import { WebSocket } from 'ws';

/** What may lie unsent before a sender waits: a slow follower costs this much memory and holds nobody else back. */
const MAX_UNSENT_BYTES = 1024 * 1024;

/** The sending side of an open WebSocket, with back-pressure: each send resolves when there is room for the next. */
export class WebSocketPeer {
  readonly #socket: WebSocket;
  readonly #transport: Duplex;
  #unsent = 0;
  #room: PromiseWithResolvers<void> | undefined;

  /** `transport`: what the WebSocket was made on, to which whole frames may be written between its own. */
  constructor(socket: WebSocket, transport: Duplex) {
    this.#socket = socket;
    this.#transport = transport;
    socket.once('close', () => this.#room?.resolve());
  }

  /** Sends one Text frame; bytes must be UTF-8. Rejects with `CANCELLED` once the other side has gone. */
  async sendText(text: string | Uint8Array): Promise<void> {
    const size = typeof text === 'string' ? Buffer.byteLength(text) : text.byteLength;
    this.#reserve(size);
    this.#socket.send(text, { binary: false }, () => this.#release(size));
    await this.#untilRoom();
  }

  /** Sends whole frames that are encoded already; the same rules. */
  async sendFrames(frames: Uint8Array): Promise<void> {
    this.#reserve(frames.byteLength);
    this.#transport.write(frames, () => this.#release(frames.byteLength));
    await this.#untilRoom();
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
    if (this.#unsent <= MAX_UNSENT_BYTES) return;
    this.#room = Promise.withResolvers();
    await this.#room.promise;
    this.#room = undefined;
  }
}
