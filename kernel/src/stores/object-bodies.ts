/** The bodies of objects: the portable side of the object store. It names them, bounds them and keeps them while they are read. */
import { GoferError, type ObjectRange, type ObjectStore, type PluginInstance, type PluginLog } from '@gofer/contracts';
import type { Store } from '../storage/store.ts';
import { LooseBodies } from './loose-bodies.ts';

export interface WrittenBody {
  readonly body: string;
  /** Bytes. */
  readonly size: number;
}

export class ObjectBodies {
  readonly #store: ObjectStore & PluginInstance;
  readonly #loose: LooseBodies;
  /** Bytes. */
  readonly #largest: number;

  constructor(parts: { store: Store; objectStore: ObjectStore & PluginInstance; maxObjectSize: number; log: PluginLog }) {
    this.#store = parts.objectStore;
    this.#largest = parts.maxObjectSize;
    this.#loose = new LooseBodies({
      store: parts.store,
      kind: 'objects',
      remove: (body) => parts.objectStore.delete(body),
      log: parts.log,
    });
  }

  /** Rejects with `PAYLOAD_TOO_LARGE` where the size that is announced is larger than an object may be. */
  checkSize(size: number): void {
    if (size > this.#largest) throw tooLarge(this.#largest);
  }

  /**
   * Stores the body, then calls `commit`, which must point to it (`adopt`) in one commit; what that rejects with takes the body away
   * again. Rejects with `PAYLOAD_TOO_LARGE`, and as `ObjectStore.put` does.
   */
  async write<T>(source: AsyncIterable<Uint8Array>, signal: AbortSignal, commit: (written: WrittenBody) => Promise<T>): Promise<T> {
    const body = await this.#loose.begin();
    let isKept = false;
    try {
      const { size } = await this.#store.put(body, signal, bounded(source, this.#largest));
      const result = await commit({ body, size });
      isKept = true;
      return result;
    } finally {
      this.#loose.release(body);
      if (!isKept) this.#loose.collect();
    }
  }

  /** In the commit that points to the body. */
  adopt(body: string): void {
    this.#loose.adopt(body);
  }

  /** In the commit after which nothing points to these bodies; `collect` is to follow it. */
  letGo(bodies: readonly string[]): void {
    this.#loose.letGo(bodies);
  }

  /** Removes, behind everybody's back, the bodies that nothing points to and nobody reads. */
  collect(): void {
    this.#loose.collect();
  }

  /**
   * The bytes, which stay until the reader has ended even if the object is deleted meanwhile. Rejects with `DATA_LOSS` where they are
   * missing, and at the end where there are not as many as were written.
   */
  async *read({ body, size }: WrittenBody, range: ObjectRange | undefined, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    this.#loose.hold(body);
    let missing = Math.min(size, (range?.end ?? size) + 1) - (range?.start ?? 0);
    try {
      for await (const piece of this.#store.get(body, range, signal)) {
        missing -= piece.byteLength;
        if (missing >= 0) yield piece;
      }
      if (missing !== 0) throw lost(`there are ${Math.abs(missing)} bytes ${missing > 0 ? 'fewer' : 'more'} than were put`);
    } catch (error) {
      throw asLoss(error);
    } finally {
      this.#loose.release(body);
    }
  }

  settled(): Promise<void> {
    return this.#loose.settled();
  }

  close(): Promise<void> {
    return this.#loose.close();
  }
}

/** A row points to it: that the store does not have it is the store's fault. */
function asLoss(error: unknown): unknown {
  if (!(error instanceof Error) || !('code' in error) || error.code !== 'NOT_FOUND') return error;
  return lost('they are missing', error);
}

function lost(what: string, cause?: unknown): GoferError {
  return new GoferError(
    'DATA_LOSS',
    `The contents of this object in the object store are damaged: ${what}. Restore them from a backup, or put the object anew.`,
    { cause },
  );
}

async function* bounded(source: AsyncIterable<Uint8Array>, largest: number): AsyncGenerator<Uint8Array> {
  let size = 0;
  for await (const piece of source) {
    size += piece.byteLength;
    if (size > largest) throw tooLarge(largest);
    if (piece.byteLength > 0) yield piece;
  }
}

function tooLarge(largest: number): GoferError {
  return new GoferError(
    'PAYLOAD_TOO_LARGE',
    `The object is larger than ${largest} bytes, which is the most that this server takes (object_store.max_object_size).`,
  );
}
