import type { ClientRequest } from 'node:http';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { GoferError } from '@gofer/contracts';
import { writeFully } from '../output/write-fully.ts';

export interface UploadBody {
  readonly source: AsyncIterable<Uint8Array>;
  /** Of all that the source will give, in bytes, where it is known. */
  readonly size?: number | undefined;
  /** Told of all bytes that were sent so far. */
  readonly onProgress?: ((sent: number) => void) | undefined;
}

/** How long a server may take to say that it wants the body; those that never say so get it all the same (RFC 9110 §10.1.1). */
const CONTINUE_MILLISECONDS = 1_000;

/**
 * Sends one body as fast as the server takes it, and no more of it once the server has answered. The request must have been made with
 * `BodySender.HEADERS`: what the server has against it is then said before the body is on its way.
 */
export class BodySender {
  static readonly HEADERS = { expect: '100-continue' } as const;
  readonly #request: ClientRequest;
  readonly #wanted = Promise.withResolvers<void>();
  readonly #body: UploadBody;
  readonly #silence: number;
  #sent = 0;
  #isOver = false;
  #waitsForSource = true;

  /** `silence` as in `HttpExchange`. */
  constructor(request: ClientRequest, body: UploadBody, silence: number) {
    this.#request = request;
    this.#body = body;
    this.#silence = silence;
    const stop = () => {
      this.#isOver = true;
      this.#wanted.resolve();
    };
    request.once('continue', this.#wanted.resolve);
    request.once('response', stop);
    request.once('close', stop);
  }

  /** The silence is not the server's: the next bytes are not there yet. */
  get waitsForSource(): boolean {
    return this.#waitsForSource;
  }

  get sent(): number {
    return this.#sent;
  }

  /** Resolves once all is sent, or nothing more needs to be. Rejects with the source's error, or if the source is not of its size. */
  async send(): Promise<void> {
    const { source, size, onProgress } = this.#body;
    await this.#untilWanted();
    if (this.#isOver) return;
    for await (const chunk of source) {
      // Whatever has arrived is read before more is written: an answer that a closed connection brought is lost with the first failed write.
      await nextTurn();
      if (this.#isOver) return;
      this.#waitsForSource = false;
      await writeFully(this.#request, chunk);
      this.#waitsForSource = true;
      this.#sent += chunk.byteLength;
      onProgress?.(this.#sent);
      if (size !== undefined && this.#sent > size) break;
    }
    if (this.#isOver) return;
    if (size !== undefined && this.#sent !== size) {
      throw new GoferError('INVALID_ARGUMENT', `what is uploaded changed while it was read: it had ${size} bytes at first. Try again.`);
    }
    this.#waitsForSource = false;
    this.#request.setTimeout(this.#silence);
    this.#request.end();
  }

  async #untilWanted(): Promise<void> {
    const timer = setTimeout(this.#wanted.resolve, CONTINUE_MILLISECONDS);
    await this.#wanted.promise;
    clearTimeout(timer);
  }
}
