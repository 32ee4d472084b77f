/**
 * The object-store contract: where the bodies of objects are kept. A body is written once and never changed; what a user calls an
 * object (its key, its replacement, its expiry) is the kernel's, which points to bodies from its own database and forgets none.
 *
 * The caller is the kernel. A key is 1 to 128 of `[a-z0-9/-]`: words of `[a-z0-9-]` joined by single slashes, where no key is another
 * one followed by a slash and more. The caller puts a key only while it is not kept (it was never put, its `put` was rejected, or it
 * was deleted), and may call any method again after a crash. Everything that goes in and out is plain, cloneable data, except streams
 * (a result or a last argument that is an `AsyncIterable`) and an `AbortSignal`. A failure is an error with a `code` of `errors.ts`.
 */

export interface ObjectStat {
  /** Bytes. */
  readonly size: number;
}

/** Bytes from `start` (counted from 0) to `end`, both included (RFC 9110 §14.1.2); without `end` to the last one. */
export interface ObjectRange {
  readonly start: number;
  /** Not before `start`; behind the last byte it means the last one. */
  readonly end?: number;
}

export interface StoredObject extends ObjectStat {
  readonly key: string;
}

export interface ObjectStore {
  /**
   * Keeps the bytes of `body` (any number of pieces, an empty body too) and resolves with their number once they would survive the death
   * of the machine. Until then nobody must see the key; a caller must never see part of a body. Must ask for a piece only when it has
   * room for one (back-pressure; memory stays bounded), and may use a piece's memory only until it asks for the next. When `body` fails
   * must reject with that error, when `signal` aborts with `CANCELLED`, where there is no room with `STORAGE_FULL`; after any rejection
   * nothing must be kept, and `body` must have been left. Must reject with `ALREADY_EXISTS` for a key that is kept, and leave that as
   * it is. What a crash leaves of an unfinished `put` must never be seen, and must be given back by the next instance.
   */
  put(key: string, signal: AbortSignal, body: AsyncIterable<Uint8Array>): Promise<ObjectStat>;

  /**
   * The bytes of a key, or of a range of it, in pieces of 1 byte or more. Must wait while the reader does not ask. Rejects with
   * `NOT_FOUND` where the key is not kept, with `INVALID_ARGUMENT` where `range.start` is not before the end of the body, with
   * `DATA_LOSS` where the bytes are damaged, and with `CANCELLED` when `signal` aborts. Deleted meanwhile, it must go on to its end or
   * reject with `NOT_FOUND`; it must never end early as if it were whole.
   */
  get(key: string, range: ObjectRange | undefined, signal: AbortSignal): AsyncIterable<Uint8Array>;

  /** Rejects with `NOT_FOUND` where the key is not kept. */
  stat(key: string): Promise<ObjectStat>;

  /** Forgets a key and gives back its room, now or a little later. Must succeed for one that is not kept. */
  delete(key: string): Promise<void>;

  /** Every key that is kept and begins with `prefix` (empty: all), in any order. What is put or deleted meanwhile may be there or not. */
  list(prefix: string, signal: AbortSignal): AsyncIterable<StoredObject>;
}
