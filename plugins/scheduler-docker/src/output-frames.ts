/**
 * The engine's multiplexed streams: each frame is a byte that names the stream (0 and 1 standard output, 2 standard error), three of
 * nothing, the length of the payload as 32 bits big-endian, and the payload
 * (https://docs.docker.com/reference/api/engine/version/v1.41/#operation/ContainerAttach).
 */
import type { LogChunk } from '@gofer/contracts';

type Stream = LogChunk['stream'];

const HEADER = 8;

/** Splits a stream that arrives in arbitrary parts. A payload is handed on as it comes, not gathered. */
export class FrameSplitter {
  #header = Buffer.alloc(HEADER);
  #headerLength = 0;
  #stream: Stream = 'stdout';
  #left = 0;

  /** Calls `piece` for each piece of payload in `part`, and `end` behind each complete frame. The bytes belong to `part`. */
  push(part: Buffer, piece: (stream: Stream, bytes: Buffer) => void, end?: () => void): void {
    let at = 0;
    while (at < part.length) {
      if (this.#headerLength < HEADER) {
        const taken = part.copy(this.#header, this.#headerLength, at, at + HEADER - this.#headerLength);
        this.#headerLength += taken;
        at += taken;
        if (this.#headerLength < HEADER) return;
        this.#stream = this.#header[0] === 2 ? 'stderr' : 'stdout';
        this.#left = this.#header.readUInt32BE(4);
      } else {
        const bytes = part.subarray(at, at + this.#left);
        this.#left -= bytes.length;
        at += bytes.length;
        piece(this.#stream, bytes);
      }
      if (this.#left === 0) {
        this.#headerLength = 0;
        end?.();
      }
    }
  }
}

/**
 * Bytes of their own for whoever keeps or posts them: a small view would drag its whole buffer along.
 */
export function ownBytes(bytes: Buffer): Uint8Array {
  if (bytes.length * 2 < bytes.buffer.byteLength) return new Uint8Array(bytes);
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
}
