/**
 * WebSocket Text frames (RFC 6455 §5.2: final, unmasked) for many lines in one buffer: v0's clients take one line a frame, and a million
 * frames are affordable only where they are not a million writes.
 */
const FINAL_TEXT = 0x81;

/** Line `i` is `text.subarray(ends[i - 1] ?? 0, ends[i])`. */
export function encodeLineFrames(text: Uint8Array, ends: Uint32Array): Buffer {
  let size = 0;
  let start = 0;
  for (const end of ends) {
    size += headerLength(end - start) + end - start;
    start = end;
  }
  const frames = Buffer.allocUnsafe(size);
  const source = Buffer.from(text.buffer, text.byteOffset, text.byteLength);
  let at = 0;
  start = 0;
  for (const end of ends) {
    at = writeHeader(frames, at, end - start);
    at += source.copy(frames, at, start, end);
    start = end;
  }
  return frames;
}

function headerLength(length: number): number {
  return length < 126 ? 2 : length < 65_536 ? 4 : 10;
}

function writeHeader(frames: Buffer, at: number, length: number): number {
  frames[at] = FINAL_TEXT;
  if (length < 126) {
    frames[at + 1] = length;
    return at + 2;
  }
  if (length < 65_536) {
    frames[at + 1] = 126;
    return frames.writeUInt16BE(length, at + 2);
  }
  frames[at + 1] = 127;
  return frames.writeBigUInt64BE(BigInt(length), at + 2);
}
