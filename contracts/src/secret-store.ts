/**
 * The secret-store contract: where the values of secrets are kept. A value is written once and never changed; who may use it, and under
 * which name, is the kernel's, which points to values from its own database and forgets none.
 *
 * The caller is the kernel. Keys are those of the object store (`object-store.ts`), and a key is put only while it is not kept. A value
 * is 1 to 1,048,576 bytes. Nothing of a value, and nothing of a key that encrypts values, must reach a log, an error, or a file in a
 * form that can be read without the store's own key. A failure is an error with a `code` of `errors.ts`.
 */

/** What a back end may lack. A method whose capability is false must reject with `UNSUPPORTED`. */
export interface SecretStoreCapabilities {
  /** `rotate` works. */
  readonly rotation: boolean;
}

export interface RotationProgress {
  /** Values that are encrypted with the current key, of those there were. */
  readonly done: number;
  readonly total: number;
}

export interface SecretStore {
  readonly capabilities: SecretStoreCapabilities;

  /**
   * Keeps a value and resolves once it would survive the death of the machine. Rejects with `ALREADY_EXISTS` for a key that is kept
   * (and leaves that as it is) and with `STORAGE_FULL` where there is no room; after any rejection nothing must be kept.
   */
  put(key: string, value: Uint8Array): Promise<void>;

  /** Rejects with `NOT_FOUND` where the key is not kept, with `DATA_LOSS` where what is kept cannot be decrypted or was tampered with. */
  get(key: string): Promise<Uint8Array>;

  /** Forgets a value. Must succeed for a key that is not kept. */
  delete(key: string): Promise<void>;

  /** Every key that is kept and begins with `prefix` (empty: all), in any order. */
  list(prefix: string, signal: AbortSignal): AsyncIterable<string>;

  /**
   * Encrypts every value anew with the key that is configured now; the values themselves stay as they are, and every other method must
   * go on working meanwhile. Must yield its progress now and then, and last with `done` equal to `total`. May be ended at any time,
   * by a crash too, and called again. Rejects with `CANCELLED` when `signal` aborts.
   */
  rotate(signal: AbortSignal): AsyncIterable<RotationProgress>;
}
