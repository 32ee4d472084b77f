/**
 * Writes a body to a file about as fast as a copy of one: pieces of any size are gathered in large blocks of our own, and while one
 * block is being written the next is filled. So a piece's memory is free again when the next is asked for, and two blocks are all
 * that is held.
 */
import type { FileHandle } from 'node:fs/promises';
import type { PutBody } from './put-body.ts';

const BLOCK_BYTES = 1024 * 1024;
/** Most objects are small: the first block is too. */
const FIRST_BLOCK_BYTES = 64 * 1024;
/** The disk begins with its work while the body still comes, so that the last `fsync` has little left to wait for. */
const FLUSH_EVERY_BYTES = 64 * 1024 * 1024;

/** Resolves with the number of bytes once they are on the disk. */
export async function writeBody(file: FileHandle, body: PutBody): Promise<number> {
  let block = Buffer.allocUnsafeSlow(FIRST_BLOCK_BYTES);
  let spare: typeof block | undefined;
  let filled = 0;
  let written = 0;
  let writing: Promise<void> = Promise.resolve();
  let flushed = 0;
  let flushing: Promise<void> = Promise.resolve();

  const write = async (): Promise<void> => {
    await writing;
    const full = block.subarray(0, filled);
    writing = begun(writeAll(file, full, written));
    written += filled;
    filled = 0;
    const free = spare;
    spare = block.byteLength === BLOCK_BYTES ? block : undefined;
    block = free ?? Buffer.allocUnsafeSlow(BLOCK_BYTES);
    if (written - flushed < FLUSH_EVERY_BYTES) return;
    flushed = written;
    await flushing;
    flushing = begun(file.datasync());
  };

  try {
    for (let piece = await body.next(); piece !== undefined; piece = await body.next()) {
      for (let at = 0; at < piece.byteLength; ) {
        const part = piece.subarray(at, at + block.byteLength - filled);
        block.set(part, filled);
        filled += part.byteLength;
        at += part.byteLength;
        if (filled === block.byteLength) await write();
      }
    }
    if (filled > 0) await write();
    await writing;
    await flushing;
    body.throwIfAborted();
    await file.sync();
    body.throwIfAborted();
    return written;
  } finally {
    // The file is closed behind this: not under a write.
    await Promise.allSettled([writing, flushing]);
  }
}

/** Awaited later: should something else fail before that, this rejection is nobody's. */
function begun(promise: Promise<void>): Promise<void> {
  promise.catch(() => undefined);
  return promise;
}

async function writeAll(file: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let at = 0; at < bytes.byteLength; ) {
    const { bytesWritten } = await file.write(bytes, at, bytes.byteLength - at, position + at);
    at += bytesWritten;
  }
}
