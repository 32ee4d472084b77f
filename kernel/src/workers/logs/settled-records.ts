import type { IndexRecord } from './index-format.ts';
import { decodeSlot, SEAL_SLOT_BYTES } from './index-format.ts';
import { IndexScanner } from './index-scanner.ts';
import { readFully } from './log-files.ts';

export interface SettledRecord {
  /** Undefined: the index has begun. */
  readonly record: IndexRecord | undefined;
  /** Up to where the index is good once this is in it. */
  readonly end: number;
}

/**
 * What an index tells up to its last settled record whose data is there; the rest is what a crash left. Nothing where it does not even
 * begin as one does.
 */
export function* settledRecords(index: number, dataBytes: number): Generator<SettledRecord> {
  const slot = Buffer.alloc(SEAL_SLOT_BYTES);
  if (decodeSlot(slot.subarray(0, readFully(index, slot, 0))) === 'torn') return;
  yield { record: undefined, end: SEAL_SLOT_BYTES };
  const scanner = new IndexScanner(index, SEAL_SLOT_BYTES);
  const unsettled: IndexRecord[] = [];
  let at = 0;
  for (let record = scanner.next(); record !== undefined; record = scanner.next()) {
    at += record.dataBytes;
    if (at > dataBytes) return;
    unsettled.push(record);
    if (record.settled) for (const one of unsettled.splice(0)) yield { record: one, end: scanner.position };
  }
}
