/** Where an attempt's two files are, and the few calls on them that others build on. */
import type { Hash } from 'node:crypto';
import { constants, existsSync, mkdirSync, openSync, readSync, rmSync, statSync, writeSync, writevSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { GoferError } from '@gofer/contracts';

export interface LogPaths {
  readonly data: string;
  readonly index: string;
}

/** Up to this size it is cheaper to copy pieces together than to hand over a list of them. */
const JOIN_BYTES = 64 * 1024;
const HASH_BLOCK_BYTES = 1024 * 1024;

/**
 * Spread by the id's last two characters, lower-cased: an id of version 7 begins with the time, so that its first ones would put all
 * logs of many years into one folder.
 */
export function logPaths(directory: string, attemptId: string): LogPaths {
  if (!/^[A-Za-z0-9-]{2,64}$/.test(attemptId)) {
    throw new GoferError('INVALID_ARGUMENT', `attempt id ${JSON.stringify(attemptId)} is not 2 to 64 of A-Z, a-z, 0-9 and "-"`);
  }
  const base = join(directory, attemptId.slice(-2).toLowerCase(), attemptId);
  return { data: `${base}.log`, index: `${base}.idx` };
}

/** Whether there is a log, or what a crash left of one. */
export function hasLog(paths: LogPaths): boolean {
  return existsSync(paths.index) || existsSync(paths.data);
}

/** Bytes of the data's file; undefined where there is none. */
export function dataSize(paths: LogPaths): number | undefined {
  return statSync(paths.data, { throwIfNoEntry: false })?.size;
}

export function removeLog(paths: LogPaths): void {
  // The data first: an index without data is recognised as cut short, data without an index would be adopted as another's.
  rmSync(paths.data, { force: true });
  rmSync(paths.index, { force: true });
}

/** Opens for reading and writing, making the file and its folder where they are missing. */
export function openForWriting(path: string): number {
  try {
    return openSync(path, constants.O_RDWR | constants.O_CREAT, 0o600);
  } catch (error) {
    if (!isErrno(error, 'ENOENT')) throw error;
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    return openSync(path, constants.O_RDWR | constants.O_CREAT, 0o600);
  }
}

/** Reads up to `length` bytes; fewer only at the end of the file. */
export function readFully(fd: number, into: Uint8Array, position: number): number {
  let done = 0;
  while (done < into.length) {
    const count = readSync(fd, into, done, into.length - done, position + done);
    if (count === 0) break;
    done += count;
  }
  return done;
}

/** Puts the first `bytes` of a file into a hash. False where there are fewer. */
export function hashBeginning(fd: number, bytes: number, hash: Hash): boolean {
  const block = Buffer.alloc(Math.min(bytes, HASH_BLOCK_BYTES));
  for (let at = 0; at < bytes; ) {
    const count = readFully(fd, block.subarray(0, Math.min(block.length, bytes - at)), at);
    if (count === 0) return false;
    hash.update(block.subarray(0, count));
    at += count;
  }
  return true;
}

export function writeFully(fd: number, bytes: Uint8Array, position: number): void {
  let done = 0;
  while (done < bytes.length) done += writeSync(fd, bytes, done, bytes.length - done, position + done);
}

/** Writes the pieces one behind the other. */
export function writeAll(fd: number, pieces: readonly Uint8Array[], position: number): void {
  let total = 0;
  for (const piece of pieces) total += piece.length;
  const [only] = pieces;
  if (only === undefined) return;
  if (pieces.length === 1) {
    writeFully(fd, only, position);
    return;
  }
  if (total <= JOIN_BYTES) {
    writeFully(fd, Buffer.concat(pieces, total), position);
    return;
  }
  // The kernel takes at most 1,024 pieces a call, and may take only part of them.
  for (let first = 0, at = position; first < pieces.length; first += 1024) {
    const some = pieces.slice(first, first + 1024);
    let left = writevSync(fd, some, at);
    at += left;
    for (const piece of some) {
      if (left >= piece.length) {
        left -= piece.length;
        continue;
      }
      const rest = piece.subarray(left);
      writeFully(fd, rest, at);
      at += rest.length;
      left = 0;
    }
  }
}

export function isErrno(error: unknown, ...codes: readonly string[]): boolean {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' && codes.includes(error.code);
}

/** What keeps a log from being written, as an error that names the cause and the cure. */
export function toWriteError(error: unknown, path: string): GoferError {
  const reason = error instanceof Error ? error.message : String(error);
  if (isErrno(error, 'ENOSPC', 'EDQUOT')) {
    const message = `the disk that holds the logs is full: make room in ${dirname(dirname(path))} (${reason})`;
    return new GoferError('STORAGE_FULL', message, { cause: error });
  }
  return new GoferError('INTERNAL', `the log cannot be written: ${reason}`, { cause: error });
}
