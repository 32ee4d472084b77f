/**
 * One supervisor per data directory. Node cannot lock a file by itself, SQLite (which is part of Node) can: the lock belongs to the
 * process, is not inherited by tasks, and ends with the process however it dies.
 */
import { DatabaseSync } from 'node:sqlite';

const SQLITE_BUSY = 5;

/** Takes the lock for the life of this process; false where another process holds it. */
export function takeLock(path: string): boolean {
  const database = new DatabaseSync(path);
  try {
    database.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE');
  } catch (error) {
    database.close();
    if (error instanceof Error && 'errcode' in error && error.errcode === SQLITE_BUSY) return false;
    throw error;
  }
  held.push(database);
  return true;
}

/** Keeps what holds a lock from being collected, which would release it. */
const held: DatabaseSync[] = [];
