/**
 * Frames on a stream: two unsigned 32-bit little-endian lengths, a JSON header of the first and a payload of the second. A payload is
 * written from the buffers it lies in and read into one buffer of its own.
 */
import { Buffer } from 'node:buffer';
import type { Socket } from 'node:net';

const PREFIX_BYTES = 8;
/** A header carries at most a task's environment or a list of attempts. */
const MAX_HEADER_BYTES = 64 * 1024 * 1024;
const MAX_PAYLOAD_BYTES = 4 * 1024 * 1024;
const NO_BYTES = new Uint8Array(0);

/** Writes one frame; returns false when the socket's buffer is above its high-water mark. */
export function writeFrame(socket: Socket, header: object, payload: readonly Uint8Array[] = []): boolean {
  const json = JSON.stringify(header);
  const jsonBytes = Buffer.byteLength(json);
  let payloadBytes = 0;
  for (const part of payload) payloadBytes += part.byteLength;
  const head = Buffer.allocUnsafe(PREFIX_BYTES + jsonBytes);
  head.writeUInt32LE(jsonBytes, 0);
  head.writeUInt32LE(payloadBytes, 4);
  head.write(json, PREFIX_BYTES);
  if (payloadBytes === 0) return socket.write(head);
  socket.cork();
  let ready = socket.write(head);
  for (const part of payload) ready = socket.write(part);
  socket.uncork();
  return ready;
}

/** Takes bytes as they arrive and gives whole frames; throws when they cannot be frames. */
export class FrameReader {
  readonly #onFrame: (header: unknown, payload: Uint8Array) => void;
  /** What is being collected: prefix, header or payload. */
  #part: Buffer = Buffer.allocUnsafe(PREFIX_BYTES);
  #filled = 0;
  #stage: 'prefix' | 'header' | 'payload' = 'prefix';
  #payloadBytes = 0;
  #header: unknown;

  constructor(onFrame: (header: unknown, payload: Uint8Array) => void) {
    this.#onFrame = onFrame;
  }

  push(bytes: Buffer): void {
    let offset = 0;
    while (offset < bytes.length) {
      const taken = Math.min(this.#part.length - this.#filled, bytes.length - offset);
      bytes.copy(this.#part, this.#filled, offset, offset + taken);
      this.#filled += taken;
      offset += taken;
      if (this.#filled === this.#part.length) this.#advance();
    }
  }

  #advance(): void {
    const part = this.#part;
    if (this.#stage === 'prefix') {
      const headerBytes = part.readUInt32LE(0);
      this.#payloadBytes = part.readUInt32LE(4);
      if (headerBytes === 0 || headerBytes > MAX_HEADER_BYTES || this.#payloadBytes > MAX_PAYLOAD_BYTES) {
        throw new Error(`not a frame: header of ${headerBytes} bytes, payload of ${this.#payloadBytes}`);
      }
      this.#collect('header', Buffer.allocUnsafe(headerBytes));
    } else if (this.#stage === 'header') {
      this.#header = parseHeader(part);
      // Payloads go to the reader of a log, who may transfer them: no share of a pool.
      if (this.#payloadBytes > 0) this.#collect('payload', Buffer.allocUnsafeSlow(this.#payloadBytes));
      else this.#deliver(NO_BYTES);
    } else {
      this.#deliver(new Uint8Array(part.buffer, part.byteOffset, part.length));
    }
  }

  #collect(stage: 'prefix' | 'header' | 'payload', part: Buffer): void {
    this.#stage = stage;
    this.#part = part;
    this.#filled = 0;
  }

  #deliver(payload: Uint8Array): void {
    const header = this.#header;
    this.#header = undefined;
    this.#collect('prefix', Buffer.allocUnsafe(PREFIX_BYTES));
    this.#onFrame(header, payload);
  }
}

/** The parser's own message is not passed on: it quotes the header, which may be a task's environment. */
function parseHeader(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString());
  } catch {
    throw new Error(`not a frame: a header of ${bytes.length} bytes that is not JSON`);
  }
}
