/** An object store that breaks the contract in one way, and what such are made with. */
import type { ObjectRange, ObjectStat, PluginHost } from '@gofer/contracts';
import type { OpenObjectStore } from '@gofer/contracts/conformance';

/** `fails` names laws by the beginning of their names, each of which must find the fault. */
export interface BrokenStore {
  readonly fault: string;
  readonly fails: readonly string[];
  /** What replaces the methods of the sound store. Called for each instance. */
  readonly breaks: (sound: OpenObjectStore, host: PluginHost) => Partial<OpenObjectStore>;
}

export const NEVER = new AbortController().signal;

/** Reads a body to its end. */
export async function collected(body: AsyncIterable<Uint8Array>): Promise<Uint8Array[]> {
  const pieces: Uint8Array[] = [];
  for await (const piece of body) pieces.push(piece.slice());
  return pieces;
}

export async function* given(pieces: Iterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield* pieces;
}

/** Changes each piece of what is put; what becomes `undefined` is dropped. */
export const pieces =
  (change: (piece: Uint8Array) => Uint8Array | undefined) =>
  (sound: OpenObjectStore): Partial<OpenObjectStore> => ({
    put: (key, signal, body) => sound.put(key, signal, changed(body, change)),
  });

async function* changed(
  body: AsyncIterable<Uint8Array>,
  change: (piece: Uint8Array) => Uint8Array | undefined,
): AsyncGenerator<Uint8Array> {
  for await (const piece of body) {
    const other = change(piece);
    if (other !== undefined) yield other;
  }
}

/** Reads with another range than the one that was asked for. */
export const ranges =
  (change: (range: ObjectRange) => ObjectRange | undefined) =>
  (sound: OpenObjectStore): Partial<OpenObjectStore> => ({
    get: (key, range, signal) => sound.get(key, range === undefined ? undefined : change(range), signal),
  });

export const statOf = (sound: OpenObjectStore, key: string): Promise<ObjectStat | undefined> => sound.stat(key).catch(() => undefined);
