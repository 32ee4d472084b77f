/**
 * A place in a task's output: how many bytes of each stream lie before it. It means the same in the live connection and in the
 * engine's log, because both hold the same bytes.
 */

import type { LogChunk } from '@gofer/contracts';
import { GoferError } from '@gofer/contracts';

export interface OutputPosition {
  readonly stdout: number;
  readonly stderr: number;
}

export const BEGINNING: OutputPosition = { stdout: 0, stderr: 0 };

export function advance(position: OutputPosition, stream: LogChunk['stream'], bytes: number): OutputPosition {
  return stream === 'stdout' ? { ...position, stdout: position.stdout + bytes } : { ...position, stderr: position.stderr + bytes };
}

/** True if `position` has everything that lies before `other`. */
export function reaches(position: OutputPosition, other: OutputPosition): boolean {
  return position.stdout >= other.stdout && position.stderr >= other.stderr;
}

export function toCursor(position: OutputPosition): string {
  return `${position.stdout}-${position.stderr}`;
}

/** Absent is the beginning. Throws `INVALID_ARGUMENT` for what `toCursor` did not make. */
export function fromCursor(cursor: string | undefined): OutputPosition {
  if (cursor === undefined) return BEGINNING;
  const match = /^(\d{1,15})-(\d{1,15})$/.exec(cursor);
  if (match === null)
    throw new GoferError('INVALID_ARGUMENT', `not a cursor of the Docker scheduler: ${JSON.stringify(cursor.slice(0, 64))}`);
  return { stdout: Number(match[1]), stderr: Number(match[2]) };
}
