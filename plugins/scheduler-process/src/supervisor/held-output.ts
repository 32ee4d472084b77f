/**
 * Unread output of ended tasks: a JSON line that says what follows, then the bytes. A supervisor that goes leaves it on the disk, and it stays
 * there until it was read, since the next one may die. Never of a sensitive task.
 */
import { closeSync, fdatasyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import type { OutputPiece } from '../protocol.ts';
import { Output } from './output.ts';
import { systemCode } from './refusal.ts';

interface Held {
  readonly from: number;
  readonly pieces: readonly OutputPiece[];
}

export function writeHeldOutput(path: string, output: Output): void {
  const batch = output.read(0, Number.POSITIVE_INFINITY);
  const head: Held = { from: batch.from, pieces: batch.pieces };
  const coming = `${path}.new`;
  const fd = openSync(coming, 'w', 0o600);
  for (const part of [Buffer.from(`${JSON.stringify(head)}\n`), ...batch.parts]) {
    for (let written = 0; written < part.length; ) written += writeSync(fd, part, written);
  }
  fdatasyncSync(fd);
  closeSync(fd);
  renameSync(coming, path);
}

/** What was written; undefined where nothing was. */
export function readHeldOutput(path: string, limit: number): Output | undefined {
  let file: Buffer;
  try {
    file = readFileSync(path);
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw error;
  }
  const lineEnd = file.indexOf(10);
  const held = JSON.parse(file.toString('utf8', 0, lineEnd)) as Held;
  const output = new Output(limit, held.from);
  let offset = lineEnd + 1;
  for (const piece of held.pieces) {
    output.append(piece.stream, file.subarray(offset, offset + piece.length), piece.time);
    offset += piece.length;
  }
  output.end();
  return output;
}
