/** The values that must not be read: the portable side of the secret store. Larger ones than it takes are kept in several parts. */
import { GoferError, type PluginInstance, type PluginLog, type RotationProgress, type SecretStore } from '@gofer/contracts';
import type { Store } from '../storage/store.ts';
import { LooseBodies } from './loose-bodies.ts';

/** What a secret store takes, in bytes. */
export const LARGEST_SECRET = 1_048_576;

export class SecretValues {
  readonly #store: SecretStore & PluginInstance;
  readonly #loose: LooseBodies;

  constructor(parts: { store: Store; secretStore: SecretStore & PluginInstance; log: PluginLog }) {
    this.#store = parts.secretStore;
    this.#loose = new LooseBodies({
      store: parts.store,
      kind: 'secrets',
      remove: (value) => parts.secretStore.delete(value),
      log: parts.log,
    });
  }

  /**
   * Stores the bytes, 1 or more, then calls `commit` with the pointer to them, which it must `adopt` in one commit; what that rejects
   * with takes them away again.
   */
  async write<T>(bytes: Uint8Array, commit: (pointer: string) => Promise<T>): Promise<T> {
    const parts: string[] = [];
    let isKept = false;
    try {
      for (let at = 0; at < bytes.byteLength; at += LARGEST_SECRET) {
        const part = await this.#loose.begin();
        parts.push(part);
        await this.#store.put(part, bytes.subarray(at, at + LARGEST_SECRET));
      }
      const result = await commit(parts.join(' '));
      isKept = true;
      return result;
    } finally {
      for (const part of parts) this.#loose.release(part);
      if (!isKept) this.#loose.collect();
    }
  }

  /** In the commit that points to it. */
  adopt(pointer: string): void {
    for (const part of pointer.split(' ')) this.#loose.adopt(part);
  }

  /** In the commit after which nothing points to these values; `collect` is to follow it. */
  letGo(pointers: readonly string[]): void {
    this.#loose.letGo(pointers.flatMap((pointer) => pointer.split(' ')));
  }

  /** Removes, behind everybody's back, the values that nothing points to. */
  collect(): void {
    this.#loose.collect();
  }

  /** Rejects with `DATA_LOSS` where it is missing or damaged; the message names nothing of it. */
  async read(pointer: string): Promise<Uint8Array> {
    const keys = pointer.split(' ');
    for (const key of keys) this.#loose.hold(key);
    try {
      const parts: Uint8Array[] = [];
      for (const key of keys) parts.push(await this.#store.get(key));
      const [only] = parts;
      return parts.length === 1 && only !== undefined ? only : Buffer.concat(parts);
    } catch (error) {
      if (!(error instanceof Error) || !('code' in error) || error.code !== 'NOT_FOUND') throw error;
      throw new GoferError('DATA_LOSS', 'The value is missing from the secret store. Restore it from a backup, or store it anew.', {
        cause: error,
      });
    } finally {
      for (const key of keys) this.#loose.release(key);
    }
  }

  /** As `SecretStore.rotate`. */
  rotate(signal: AbortSignal): AsyncIterable<RotationProgress> {
    return this.#store.rotate(signal);
  }

  settled(): Promise<void> {
    return this.#loose.settled();
  }

  close(): Promise<void> {
    return this.#loose.close();
  }
}
