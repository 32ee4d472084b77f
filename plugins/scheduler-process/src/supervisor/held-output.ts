/** Unread output of ended tasks, on disk while no supervisor runs: a JSON line that says what follows, then the bytes. Never of a sensitive task. */
import { closeSync, fdatasyncSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
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
  const fd = openSync(path, 'w', 0o600);
  for (const part of [Buffer.from(`${JSON.stringify(head)}\n`), ...batch.parts]) {
    for (let written = 0; written < part.length; ) written += writeSync(fd, part, written);
  }
  fdatasyncSync(fd);
  closeSync(fd);
}

/** What was written, taken back into memory; undefined where nothing was. */
export function takeHeldOutput(path: string, limit: number): Output | undefined {
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
  rmSync(path);
  return output;
}
