/** What the tests of the file itself share: a directory of their own, and a look into the file from outside. */
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { PluginHost } from '@gofer/contracts';
import type { OpenSecretStore } from '@gofer/contracts/conformance';
import SQLite from 'better-sqlite3';
import { FIRST_KEY, openStore } from './store-harness.ts';

export class TestStore implements AsyncDisposable {
  readonly directory = mkdtempSync(join(tmpdir(), 'gofer-secrets-'));
  readonly path = join(this.directory, 'secrets.db');
  readonly logged: unknown[] = [];
  readonly #open: OpenSecretStore[] = [];

  get host(): PluginHost {
    return { instanceId: 'test', dataDirectory: this.directory, log: (...line) => void this.logged.push(line) };
  }

  async open(key = FIRST_KEY, former: readonly string[] = []): Promise<OpenSecretStore> {
    const store = await openStore(this.host, key, former);
    this.#open.push(store);
    return store;
  }

  /** Puts values of `size` bytes with a new store, which is closed afterwards. */
  async fill(count: number, size = 40): Promise<ReadonlyMap<string, Uint8Array>> {
    const store = await this.open();
    const values = new Map(Array.from({ length: count }, (_, index) => [`s/${index}`, Buffer.alloc(size, `value ${index} `)]));
    for (const [key, value] of values) await store.put(key, value);
    await store.close();
    return values;
  }

  /** Changes the file, or looks into it, as another program may. */
  inside<Result>(work: (connection: SQLite.Database) => Result): Result {
    const connection = new SQLite(this.path);
    try {
      return work(connection);
    } finally {
      connection.close();
    }
  }

  /** Every file by name, as a hash of its bytes. */
  hashes(): Readonly<Record<string, string>> {
    const names = readdirSync(this.directory).toSorted();
    return Object.fromEntries(
      names.map((name) => [
        name,
        createHash('sha256')
          .update(readFileSync(join(this.directory, name)))
          .digest('hex'),
      ]),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const store of this.#open) await store.close();
    rmSync(this.directory, { recursive: true, force: true });
  }
}
