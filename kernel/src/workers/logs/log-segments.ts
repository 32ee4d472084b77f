/**
 * The names of a log that is kept in segments, each a log of its own: `UID` begins with the first line, `N-UID` with the line of that
 * number, counted from 0. They follow each other without a gap.
 */
import { readdirSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { isErrno, logPaths } from './log-files.ts';

/** Of the id of a log that may be cut. */
export const UID_LENGTH = 36;

export interface LogSegment {
  readonly id: string;
  /** The number of its first line. */
  readonly first: number;
}

/** The id of the segment behind one with so many lines: at least 1, as it has the same name otherwise. */
export function nextSegment(id: string, lines: number): string {
  return `${firstLineOf(id) + lines}-${id.slice(-UID_LENGTH)}`;
}

export function firstLineOf(id: string): number {
  return id.length > UID_LENGTH ? Number(id.slice(0, -UID_LENGTH - 1)) : 0;
}

/**
 * What is on the disk, oldest first: what has an index or, where either is asked for, at least its data, as what is damaged may have.
 * Reads a folder that the log shares with many others.
 */
export function listSegments(directory: string, uid: string, has: 'index' | 'either' = 'index'): readonly LogSegment[] {
  const { data, index } = logPaths(directory, uid);
  const names = has === 'index' ? [basename(index)] : [basename(index), basename(data)];
  try {
    const found = readdirSync(dirname(index)).filter((file) => names.some((name) => file === name || file.endsWith(`-${name}`)));
    const ids = [...new Set(found.map((file) => file.slice(0, -'.idx'.length)))];
    return ids.map((id) => ({ id, first: firstLineOf(id) })).sort((a, b) => a.first - b.first);
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return [];
    throw error;
  }
}
