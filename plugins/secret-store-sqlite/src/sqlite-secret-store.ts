/**
 * The store on its open file. SQLite is called on the calling thread: a value is small. Only a rotation is long, and works in committed
 * batches, between which everything else has its turn.
 */
import { statSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import type { PluginInstance, PluginLog, RotationProgress, SecretStore } from '@gofer/contracts';
import { GoferError } from '@gofer/contracts';
import { seal, unseal } from './cipher.ts';
import type { Keyring, NamedKey } from './keyring.ts';
import type { RowStatements, SecretRow } from './row-statements.ts';
import type { SecretFile } from './secret-file.ts';
import { isFull, toFailure } from './sqlite-failure.ts';

const KEYS_A_PAGE = 200;

/** A batch of a rotation is over at the first of both; it holds the thread for some milliseconds. */
const ROWS_A_BATCH = 50;
const BYTES_A_BATCH = 2 * 1024 * 1024;

/** So many damaged values are named in one error. */
const MOST_NAMED = 10;

export class SqliteSecretStore implements SecretStore, PluginInstance {
  readonly capabilities = Object.freeze({ rotation: true });
  readonly #file: SecretFile;
  readonly #keyring: Keyring;
  readonly #rows: RowStatements;
  readonly #log: PluginLog;

  constructor(file: SecretFile, keyring: Keyring, rows: RowStatements, log: PluginLog) {
    this.#file = file;
    this.#keyring = keyring;
    this.#rows = rows;
    this.#log = log;
  }

  async put(key: string, value: Uint8Array): Promise<void> {
    this.#write((current) => {
      if (this.#rows.has(key)) throw new GoferError('ALREADY_EXISTS', `there is a secret "${key}" already`);
      const { id } = current;
      this.#rows.insert({ name: key, key_id: id, ...seal(current.key, key, value) });
    });
  }

  async get(key: string): Promise<Uint8Array> {
    const row = this.#read(() => this.#rows.find(key));
    if (row === undefined) throw new GoferError('NOT_FOUND', `there is no secret "${key}"`);
    return this.#unseal(row);
  }

  async delete(key: string): Promise<void> {
    this.#roomy(() => this.#rows.delete(key));
  }

  async *list(prefix: string, signal: AbortSignal): AsyncGenerator<string> {
    let page = this.#read(() => this.#rows.namesFrom(prefix, KEYS_A_PAGE));
    for (;;) {
      for (const name of page) {
        if (signal.aborted) throw new GoferError('CANCELLED', 'listing secrets was given up');
        // Keys are in the order of their bytes: those with the prefix follow each other.
        if (!name.startsWith(prefix)) return;
        yield name;
      }
      const last = page.at(-1);
      if (last === undefined || page.length < KEYS_A_PAGE) return;
      page = this.#read(() => this.#rows.namesBehind(last, KEYS_A_PAGE));
    }
  }

  async *rotate(signal: AbortSignal): AsyncGenerator<RotationProgress> {
    const assertWanted = (): void => {
      if (signal.aborted) throw new GoferError('CANCELLED', 'rotating the key of the secrets was given up; what is done stays done');
    };
    assertWanted();
    const current = this.#write((named) => named);
    const { total, others } = this.#read(() => this.#rows.count(current.id));
    let done = total - others;
    const unreadable: string[] = [];
    let last = '';
    for (;;) {
      const batch = this.#read(() => this.#rows.batchBehind(last, current.id, ROWS_A_BATCH, BYTES_A_BATCH));
      const end = batch.at(-1);
      if (end === undefined) break;
      last = end.name;
      this.#encryptAnew(batch, unreadable);
      done = Math.min(total, done + batch.length);
      // That all is done is said once it is: damage and the keys that nothing needs come first.
      if (done < total) yield { done: Math.max(0, done - unreadable.length), total };
      await setImmediate();
      assertWanted();
    }
    if (unreadable.length > 0) {
      const names = unreadable.slice(0, MOST_NAMED).map((name) => `"${name}"`);
      const more = unreadable.length > MOST_NAMED ? ` and ${unreadable.length - MOST_NAMED} more` : '';
      throw new GoferError('DATA_LOSS', `all secrets have the new key but those that cannot be decrypted: ${names.join(', ')}${more}`);
    }
    this.#write((named) => this.#keyring.dropUnused(named));
    this.#forgetJournal();
    yield { done: total, total };
  }

  async health(): Promise<void> {
    this.#read(() => this.#rows.has(''));
    const { path, inode } = this.#file;
    if (statSync(path, { bigint: true, throwIfNoEntry: false })?.ino === inode) return;
    throw new GoferError(
      'UNAVAILABLE',
      `secret_store.sqlite.path: "${path}" was removed or replaced while it was open: put the file back, then restart`,
    );
  }

  async close(): Promise<void> {
    this.#file.connection.close();
  }

  /** Values that were deleted meanwhile are passed over; those that cannot be read are left as they are. */
  #encryptAnew(batch: readonly SecretRow[], unreadable: string[]): void {
    const failed: string[] = [];
    this.#write((current) => {
      failed.length = 0;
      for (const row of batch) {
        const key = this.#keyring.keyOf(row.key_id);
        const value = key === undefined ? undefined : unseal(key, row.name, row);
        if (value === undefined) failed.push(row.name);
        else this.#rows.replace({ name: row.name, key_id: current.id, ...seal(current.key, row.name, value) });
        value?.fill(0);
      }
    });
    unreadable.push(...failed);
  }

  #unseal(row: SecretRow): Uint8Array {
    const key = this.#keyring.keyOf(row.key_id);
    if (key === undefined) {
      const remedy = 'put that key into secret_store.sqlite.previous_encryption_keys and restart';
      throw new GoferError('DATA_LOSS', `the secret "${row.name}" is encrypted with a key that is not configured: ${remedy}`);
    }
    const value = unseal(key, row.name, row);
    if (value !== undefined) return value;
    throw new GoferError('DATA_LOSS', `the secret "${row.name}" cannot be decrypted: it is damaged, or was changed by another program`);
  }

  /** What was overwritten is in the journal still, under the former key, until that is cut. */
  #forgetJournal(): void {
    try {
      this.#read(() => this.#file.connection.pragma('wal_checkpoint(TRUNCATE)'));
    } catch (error) {
      this.#log('warn', 'the journal of the secrets could not be cut after a rotation; it is at the next restart', {
        reason: error instanceof Error ? error.message : String(error),
      });
    }
  }

  /** One transaction, with the key that new rows get. */
  #write<Result>(work: (current: NamedKey) => Result): Result {
    const { result, current } = this.#roomy(() =>
      this.#file.connection
        .transaction(() => {
          const current = this.#keyring.current();
          return { result: work(current), current };
        })
        .immediate(),
    );
    this.#keyring.keep(current);
    return result;
  }

  /** Where there is no room: the journal may hold the room that is needed, so it is cut and the work tried once more. */
  #roomy<Result>(work: () => Result): Result {
    return this.#read(() => {
      try {
        return work();
      } catch (error) {
        if (!isFull(error)) throw error;
        try {
          this.#file.connection.pragma('wal_checkpoint(TRUNCATE)');
        } catch {
          // Of the two failures the first one tells what was to be done.
          throw error;
        }
        return work();
      }
    });
  }

  #read<Result>(work: () => Result): Result {
    const { connection, path } = this.#file;
    if (!connection.open) throw new GoferError('UNAVAILABLE', 'the secret store is closed');
    try {
      return work();
    } catch (error) {
      throw toFailure(error, path);
    }
  }
}
