import { closeSync, openSync } from 'node:fs';
import { decodeSlot, SEAL_SLOT_BYTES } from './index-format.ts';
import type { LogPaths } from './log-files.ts';
import { isErrno, readFully } from './log-files.ts';
import type { LogSeal } from './log-store.ts';

/** The seal of a log, undefined while it is open, and `none` where there is no log. Costs one read. */
export function readSeal(paths: LogPaths): LogSeal | 'none' | undefined {
  let fd: number;
  try {
    fd = openSync(paths.index, 'r');
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return 'none';
    throw error;
  }
  try {
    const slot = Buffer.alloc(SEAL_SLOT_BYTES);
    const seal = decodeSlot(slot.subarray(0, readFully(fd, slot, 0)));
    return seal === 'torn' ? undefined : seal;
  } finally {
    closeSync(fd);
  }
}
