/**
 * Where a law meets the plugin: one open instance, hosted directly or behind a port, and the keys that laws have put into it, which
 * are deleted behind each law. Everything that the instance returns is checked to be plain data; what it logs and how it fails is kept.
 */
import { randomUUID } from 'node:crypto';
import { MessageChannel } from 'node:worker_threads';
import type { PluginHost } from '../plugin.ts';
import { connectSecretStore, hostSecretStore } from '../port/secret-store-port.ts';
import type { RotationProgress } from '../secret-store.ts';
import { assert, assertBytes, assertEqual, LawBroken } from './assertions.ts';
import { checkedSecretStore } from './checked-secret-store.ts';
import { type Hosting, NEVER } from './law.ts';
import { DEFAULT_CROWD, type FormerKey, type OpenSecretStore, type SecretStoreHarness } from './secret-store-harness.ts';
import { type Evidence, evidenceOfFiles, evidenceOfValue, findTrace } from './traces.ts';
import type { Stage } from './trial.ts';

export class SecretStoreStage implements Stage {
  readonly harness: SecretStoreHarness;
  readonly hosting: Hosting;
  /** Every key of this stage begins with it. */
  readonly prefix: string;
  readonly #host: PluginHost;
  readonly #said: Evidence[] = [];
  readonly #put = new Set<string>();
  #store: OpenSecretStore | undefined;
  #lastKey = 0;

  private constructor(harness: SecretStoreHarness, hosting: Hosting, dataDirectory: string) {
    this.harness = harness;
    this.hosting = hosting;
    const id = randomUUID();
    this.prefix = `conformance/${id}/`;
    this.#host = {
      instanceId: `conformance-${id}`,
      dataDirectory,
      log: (...line) => void this.#said.push(...evidenceOfValue('a line of the log', line)),
    };
  }

  static async open(harness: SecretStoreHarness, hosting: Hosting, dataDirectory: string): Promise<SecretStoreStage> {
    const stage = new SecretStoreStage(harness, hosting, dataDirectory);
    stage.#store = await stage.#connect(await harness.create(stage.#host));
    return stage;
  }

  get store(): OpenSecretStore {
    assert(this.#store !== undefined, 'the stage is closed');
    return this.#store;
  }

  get crowd(): number {
    return this.harness.crowd ?? DEFAULT_CROWD;
  }

  /** Closes the instance and creates another over the same data, as a restart of the server does. */
  async reopen(): Promise<void> {
    await this.#replace(() => this.harness.create(this.#host));
  }

  /** As `reopen`, with a new key (as far as the plugin's key is the configuration's). */
  async reopenWithNextKey(former: FormerKey): Promise<void> {
    const { harness } = this;
    await this.#replace(() => harness.createWithNextKey?.(this.#host, former) ?? harness.create(this.#host));
  }

  async #replace(create: () => Promise<OpenSecretStore>): Promise<void> {
    await this.#store?.close();
    this.#store = undefined;
    this.#store = await this.#connect(await create());
  }

  async #connect(instance: OpenSecretStore): Promise<OpenSecretStore> {
    const failed = (error: unknown): void => void this.#said.push(...evidenceOfValue('an error', error));
    if (this.hosting === 'directly') return checkedSecretStore(instance, failed);
    const { port1, port2 } = new MessageChannel();
    hostSecretStore(instance, port1);
    return checkedSecretStore(await connectSecretStore(port2), failed);
  }

  /** A key that was never put; `word` is a part of it. It is deleted behind the law. */
  key(word = 'key'): string {
    this.#lastKey++;
    const key = `${this.prefix}${word}/${this.#lastKey}`;
    this.#put.add(key);
    return key;
  }

  async put(value: Uint8Array, key = this.key()): Promise<string> {
    this.#put.add(key);
    await this.store.put(key, value);
    return key;
  }

  /** Puts `count` different values, some at once, and gives them by key. */
  async putMany(count: number): Promise<ReadonlyMap<string, Uint8Array>> {
    const values = new Map(Array.from({ length: count }, (_, index) => [this.key('many'), marker(`many ${index}`)]));
    await Promise.all([...values].map(([key, value]) => this.store.put(key, value)));
    return values;
  }

  async assertKept(key: string, value: Uint8Array, what = 'the value'): Promise<void> {
    assertBytes(await this.store.get(key), value, what);
  }

  async assertAllKept(values: ReadonlyMap<string, Uint8Array>, what: string): Promise<void> {
    await Promise.all([...values].map(([key, value]) => this.assertKept(key, value, `${what}, ${key}`)));
  }

  /** The keys with a prefix (default: all of this stage), sorted. Each must be given once. */
  async listed(prefix = this.prefix): Promise<readonly string[]> {
    const keys: string[] = [];
    for await (const key of this.store.list(prefix, NEVER)) keys.push(key);
    assertEqual(keys.length, new Set(keys).size, 'how many keys were listed, of those that differ');
    return keys.toSorted();
  }

  /** Rotates to the end and gives what was told on the way. */
  async rotate(): Promise<readonly RotationProgress[]> {
    const told: RotationProgress[] = [];
    for await (const progress of this.store.rotate(NEVER)) told.push(progress);
    const last = told.at(-1);
    if (last === undefined || last.done !== last.total) {
      throw new LawBroken(`rotate must tell last that all is done; it told ${JSON.stringify(last)}`);
    }
    return told;
  }

  /** Throws where a value, or a key that encrypts them, is in what the plugin said or in a file below its directory. */
  async assertSecret(...values: readonly Uint8Array[]): Promise<void> {
    const evidence = [...this.#said, ...(await evidenceOfFiles(this.#host.dataDirectory))];
    for (const value of values) {
      const trace = findTrace(value, evidence);
      assert(trace === undefined, `a value can be read in ${trace}`);
    }
    for (const key of this.harness.keys ?? []) {
      const trace = findTrace(Buffer.from(key), evidence);
      assert(trace === undefined, `a key that encrypts values can be read in ${trace}`);
    }
  }

  /** Deletes what a law has put. */
  async sweep(): Promise<void> {
    const keys = [...this.#put];
    this.#put.clear();
    const store = this.#store;
    if (store !== undefined) await Promise.all(keys.map((key) => store.delete(key)));
  }

  async assertEmpty(): Promise<void> {
    assertEqual(await this.listed(), [], 'keys left after all were deleted');
  }

  async close(): Promise<void> {
    await this.#store?.close();
    this.#store = undefined;
  }
}

/** 16 bytes or more that occur nowhere else, readable, so that every trace of them is found. */
export function marker(word: string): Uint8Array {
  return Buffer.from(`${word} ${randomUUID()}`);
}

/** `size` bytes made of one marker, again and again. */
export function repeated(value: Uint8Array, size: number): Uint8Array {
  return Buffer.alloc(size, value);
}
