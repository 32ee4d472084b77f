/**
 * Which of the configured keys opens what. The file names each key that encrypts its rows by an id of its own, beside a salt and a known
 * text under that key, so that a wrong key is known as one before anything is read or written with it.
 */
import { type KeyObject, randomBytes } from 'node:crypto';
import { GoferError } from '@gofer/contracts';
import { deriveKey, type Sealed, seal, unseal } from './cipher.ts';
import type { Connection } from './secret-file.ts';

/** Encrypted under every key. Its associated data is no key of a value: those have no spaces. */
const KNOWN_TEXT = Buffer.from('gofer');
const KNOWN_NAME = 'the known text';
const SALT_BYTES = 32;

interface KeyRow extends Sealed {
  readonly id: string;
  readonly salt: Uint8Array;
}

export interface NamedKey {
  readonly id: string;
  readonly key: KeyObject;
}

export class Keyring {
  readonly #connection: Connection;
  readonly #current: string;
  readonly #former: readonly string[];
  readonly #opened = new Map<string, KeyObject>();
  #named: NamedKey | undefined;

  /** `current` and `former`: what is configured. */
  constructor(connection: Connection, current: string, former: readonly string[]) {
    this.#connection = connection;
    this.#current = current;
    this.#former = former;
    const rows = connection.prepare<[], KeyRow>('SELECT id, salt, nonce, sealed FROM keys ORDER BY created DESC, id').all();
    for (const row of rows) this.#open(row);
  }

  /** Tries every configured key, and keeps the one that fits. */
  #open(row: KeyRow): void {
    for (const configured of [this.#current, ...this.#former]) {
      const key = deriveKey(configured, row.salt, row.id);
      if (unseal(key, KNOWN_NAME, row) === undefined) continue;
      this.#opened.set(row.id, key);
      if (configured === this.#current) this.#named ??= { id: row.id, key };
      return;
    }
  }

  /** Throws `CONFIG_INVALID` where the current key is new to the file and values need one that is not configured. Writes nothing. */
  assertOpens(path: string): void {
    if (this.#named !== undefined) return;
    const unreadable = this.countUnreadable();
    if (unreadable === 0) return;
    throw new GoferError(
      'CONFIG_INVALID',
      `secret_store.sqlite.encryption_key does not open "${path}": ${unreadable} of its secrets are encrypted with another key. Set it to ` +
        'that key again; or, to change the key, put the former one into secret_store.sqlite.previous_encryption_keys, start, and rotate. ' +
        'The file was left as it is.',
    );
  }

  /** How many values need a key that is not configured. */
  countUnreadable(): number {
    const counts = this.#connection
      .prepare<[], { readonly id: string; readonly values: number }>(
        'SELECT key_id AS id, count(*) AS "values" FROM secrets GROUP BY key_id',
      )
      .all();
    return counts.reduce((sum, row) => (this.#opened.has(row.id) ? sum : sum + row.values), 0);
  }

  /** The key of a row; undefined where it is not configured. */
  keyOf(id: string): KeyObject | undefined {
    if (!this.#opened.has(id)) {
      // Another instance may have brought it into the file meanwhile.
      const row = this.#connection.prepare<[string], KeyRow>('SELECT id, salt, nonce, sealed FROM keys WHERE id = ?').get(id);
      if (row !== undefined) this.#open(row);
    }
    return this.#opened.get(id);
  }

  /** The key that new rows get. At its first use in this file it gets an id there, so a transaction must be open. */
  current(): NamedKey {
    return this.#named ?? this.#introduce();
  }

  /** To be called once the transaction that asked for `current` is committed. */
  keep(named: NamedKey): void {
    this.#named = named;
    this.#opened.set(named.id, named.key);
  }

  #introduce(): NamedKey {
    const id = randomBytes(8).toString('hex');
    const salt = randomBytes(SALT_BYTES);
    const key = deriveKey(this.#current, salt, id);
    const { nonce, sealed } = seal(key, KNOWN_NAME, KNOWN_TEXT);
    this.#connection
      .prepare('INSERT INTO keys (id, salt, nonce, sealed, created) VALUES (?, ?, ?, ?, ?)')
      .run(id, salt, nonce, sealed, Date.now());
    return { id, key };
  }

  /** Forgets, in the file, the keys that no row needs any more. */
  dropUnused(current: NamedKey): void {
    this.#connection.prepare('DELETE FROM keys WHERE id <> ? AND id NOT IN (SELECT key_id FROM secrets)').run(current.id);
    for (const id of this.#opened.keys()) if (id !== current.id) this.#opened.delete(id);
  }
}
