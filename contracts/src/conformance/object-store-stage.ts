/**
 * Where a law meets the plugin: one open instance, hosted directly or behind a port, and keys of this stage's own, which are deleted
 * behind each law. Everything that the instance returns is checked to be plain data.
 */
import { randomUUID } from 'node:crypto';
import { MessageChannel } from 'node:worker_threads';
import type { ObjectRange, StoredObject } from '../object-store.ts';
import type { PluginHost } from '../plugin.ts';
import { connectObjectStore, hostObjectStore } from '../port/object-store-port.ts';
import { assert, assertBytes, assertEqual, assertRejects, begun, LawBroken } from './assertions.ts';
import { checkedObjectStore } from './checked-object-store.ts';
import { type Hosting, NEVER } from './law.ts';
import { HeldBody, inPieces, KIB } from './object-store-bodies.ts';
import type { ObjectStoreHarness, OpenObjectStore } from './object-store-harness.ts';
import type { Stage } from './trial.ts';

/** A `put` that is held where all of its pieces have been taken and its body has not ended. */
export interface HeldPut {
  readonly body: HeldBody;
  readonly result: Promise<unknown>;
  readonly abort: () => void;
}

const MOST_READ = 128 * 1024 * 1024;
const DEFAULT_PIECES = [64 * KIB];

export class ObjectStoreStage implements Stage {
  readonly harness: ObjectStoreHarness;
  readonly hosting: Hosting;
  /** What every key of this stage begins with. */
  readonly prefix: string;
  readonly #host: PluginHost;
  #store: OpenObjectStore | undefined;
  /** Instances beside the open one, closed with the stage. */
  readonly #others: OpenObjectStore[] = [];
  readonly #held: HeldPut[] = [];
  #keys = 0;

  private constructor(harness: ObjectStoreHarness, hosting: Hosting, dataDirectory: string) {
    this.harness = harness;
    this.hosting = hosting;
    const id = randomUUID();
    this.prefix = `conformance-${id}/`;
    this.#host = { instanceId: `conformance-${id}`, dataDirectory, log: () => undefined };
  }

  static async open(harness: ObjectStoreHarness, hosting: Hosting, dataDirectory: string): Promise<ObjectStoreStage> {
    const stage = new ObjectStoreStage(harness, hosting, dataDirectory);
    stage.#store = await stage.#hosted(await harness.create(stage.#host));
    return stage;
  }

  get store(): OpenObjectStore {
    assert(this.#store !== undefined, 'the stage is closed');
    return this.#store;
  }

  /** Closes the instance and creates another over the same data, as a restart of the server does. */
  async reopen(): Promise<void> {
    await this.#store?.close();
    this.#store = await this.#hosted(await this.harness.create(this.#host));
  }

  /** Creates another instance over the same data and leaves the former as it is, as a crash does. */
  async abandon(): Promise<void> {
    this.#others.push(this.store);
    this.#store = await this.#hosted(await this.harness.create(this.#host));
  }

  /** An instance that has little room. */
  async small(): Promise<OpenObjectStore> {
    const { createSmall } = this.harness;
    if (createSmall === undefined) throw new LawBroken('the harness has no instance with little room');
    const store = await this.#hosted(await createSmall(this.#host));
    this.#others.push(store);
    return store;
  }

  async #hosted(instance: OpenObjectStore): Promise<OpenObjectStore> {
    if (this.hosting === 'directly') return checkedObjectStore(instance);
    const { port1, port2 } = new MessageChannel();
    hostObjectStore(instance, port1);
    return checkedObjectStore(await connectObjectStore(port2));
  }

  /** A key of this stage that no other law has had, or one that ends with `name`. */
  key(name = `object-${++this.#keys}`): string {
    return `${this.prefix}${name}`;
  }

  /** Puts and checks the number of bytes that it resolves with. */
  async put(key: string, bytes: Uint8Array, sizes: readonly number[] = DEFAULT_PIECES): Promise<void> {
    const { size } = await this.store.put(key, NEVER, inPieces(bytes, sizes));
    assertEqual(size, bytes.byteLength, 'the number of bytes that put resolved with');
  }

  /** Begins a `put` and resolves when it has taken all the pieces and waits for more. */
  async hold(key: string, pieces: readonly Uint8Array[]): Promise<HeldPut> {
    const body = new HeldBody(pieces);
    const controller = new AbortController();
    const result = begun(this.store.put(key, controller.signal, body));
    const held: HeldPut = { body, result, abort: () => controller.abort() };
    this.#held.push(held);
    const early = result.then(() => {
      throw new LawBroken('put resolved before its body had ended');
    });
    await Promise.race([body.drained, early]);
    return held;
  }

  async read(key: string, range?: ObjectRange): Promise<Uint8Array> {
    const pieces: Uint8Array[] = [];
    let read = 0;
    for await (const piece of this.store.get(key, range, NEVER)) {
      pieces.push(piece);
      read += piece.byteLength;
      if (read > MOST_READ) throw new LawBroken(`get gave more than ${MOST_READ} bytes; no law reads so much`);
    }
    const whole = new Uint8Array(read);
    let at = 0;
    for (const piece of pieces) {
      whole.set(piece, at);
      at += piece.byteLength;
    }
    return whole;
  }

  async list(prefix = this.prefix): Promise<readonly StoredObject[]> {
    const items: StoredObject[] = [];
    for await (const item of this.store.list(prefix, NEVER)) items.push({ key: item.key, size: item.size });
    return items.toSorted((a, b) => (a.key < b.key ? -1 : 1));
  }

  /** Stat, get and list know the key, and its bytes are these. */
  async assertKept(key: string, bytes: Uint8Array, what = 'the bytes'): Promise<void> {
    assertEqual((await this.store.stat(key)).size, bytes.byteLength, `${what}: the size that stat gives`);
    assertBytes(await this.read(key), bytes, what);
    assertEqual(await this.list(key), [{ key, size: bytes.byteLength }], `${what}: what list gives`);
  }

  /** Neither stat nor get nor list knows the key. */
  async assertAbsent(key: string, when: string): Promise<void> {
    await assertRejects(() => this.store.stat(key), 'NOT_FOUND', `stat ${when}`);
    await assertRejects(() => this.read(key), 'NOT_FOUND', `get ${when}`);
    assertEqual((await this.list()).filter((item) => item.key === key).length, 0, `the times that list names the key ${when}`);
  }

  /** Ends what a law has left open and deletes what it has put. */
  async sweep(): Promise<void> {
    for (const { abort, body, result } of this.#held.splice(0)) {
      abort();
      body.end();
      await result.catch(() => undefined);
    }
    if (this.#store === undefined) return;
    for (const { key } of await this.list()) await this.#store.delete(key);
  }

  async assertEmpty(): Promise<void> {
    assertEqual(await this.list(), [], 'keys left after all were deleted');
  }

  async close(): Promise<void> {
    for (const other of this.#others.splice(0)) await other.close();
    await this.#store?.close();
    this.#store = undefined;
  }
}
