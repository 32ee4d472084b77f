/** The real stores in a directory of a test's own, opened when something is first asked of them: most tests have no object and no secret. */
import { join } from 'node:path';
import type { ObjectStore, PluginHost, PluginInstance, SecretStore } from '@gofer/contracts';
import { plugin as filesystem } from '@gofer/object-store-filesystem';
import { plugin as sqlite } from '@gofer/secret-store-sqlite';
import type { Store } from '../storage/store.ts';
import { ObjectBodies } from './object-bodies.ts';
import { References } from './references.ts';
import { SecretValues } from './secret-values.ts';

export const TEST_ENCRYPTION_KEY = 'the key of the tests, 32 letters';

type Objects = ObjectStore & PluginInstance;
type Secrets = SecretStore & PluginInstance;

export class TestStores {
  readonly objects: ObjectBodies;
  readonly secrets: SecretValues;
  readonly references: References;
  readonly #objectStore: LazyObjectStore;
  readonly #secretStore: LazySecretStore;

  constructor(store: Store, directory: string, log: PluginHost['log'], maxObjectSize = 1_000_000) {
    const host = (name: string): PluginHost => ({ instanceId: store.system.instanceId, dataDirectory: join(directory, name), log });
    this.#objectStore = new LazyObjectStore(() => filesystem.create({ path: join(directory, 'objects') }, host('objects')));
    this.#secretStore = new LazySecretStore(() =>
      sqlite.create({ path: join(directory, 'secrets.db'), encryption_key: TEST_ENCRYPTION_KEY }, host('secrets')),
    );
    this.objects = new ObjectBodies({ store, objectStore: this.#objectStore, maxObjectSize, log });
    this.secrets = new SecretValues({ store, secretStore: this.#secretStore, log });
    this.references = new References({ store, objects: this.objects, secrets: this.secrets });
  }

  /** Every key that the two stores keep, when nothing is being removed any more. */
  async kept(): Promise<{ objects: string[]; secrets: string[] }> {
    await this.objects.settled();
    await this.secrets.settled();
    const signal = new AbortController().signal;
    const objects: string[] = [];
    for await (const { key } of this.#objectStore.list('', signal)) objects.push(key);
    const secrets: string[] = [];
    for await (const key of this.#secretStore.list('', signal)) secrets.push(key);
    return { objects, secrets };
  }

  async close(): Promise<void> {
    await this.objects.close();
    await this.secrets.close();
    await this.#objectStore.close();
    await this.#secretStore.close();
  }
}

class LazyObjectStore implements Objects {
  readonly #create: () => Promise<Objects>;
  #opened: Promise<Objects> | undefined;

  constructor(create: () => Promise<Objects>) {
    this.#create = create;
  }

  #open(): Promise<Objects> {
    this.#opened ??= this.#create();
    return this.#opened;
  }

  async put(...args: Parameters<Objects['put']>) {
    return (await this.#open()).put(...args);
  }

  async *get(...args: Parameters<Objects['get']>) {
    yield* (await this.#open()).get(...args);
  }

  async stat(key: string) {
    return (await this.#open()).stat(key);
  }

  async delete(key: string) {
    await (await this.#open()).delete(key);
  }

  async *list(...args: Parameters<Objects['list']>) {
    yield* (await this.#open()).list(...args);
  }

  async health() {
    await (await this.#open()).health();
  }

  async close() {
    await (await this.#opened)?.close();
  }
}

class LazySecretStore implements Secrets {
  readonly capabilities = { rotation: true };
  readonly #create: () => Promise<Secrets>;
  #opened: Promise<Secrets> | undefined;

  constructor(create: () => Promise<Secrets>) {
    this.#create = create;
  }

  #open(): Promise<Secrets> {
    this.#opened ??= this.#create();
    return this.#opened;
  }

  async put(...args: Parameters<Secrets['put']>) {
    await (await this.#open()).put(...args);
  }

  async get(key: string) {
    return (await this.#open()).get(key);
  }

  async delete(key: string) {
    await (await this.#open()).delete(key);
  }

  async *list(...args: Parameters<Secrets['list']>) {
    yield* (await this.#open()).list(...args);
  }

  async *rotate(signal: AbortSignal) {
    yield* (await this.#open()).rotate(signal);
  }

  async health() {
    await (await this.#open()).health();
  }

  async close() {
    await (await this.#opened)?.close();
  }
}
