/** The thread's side of `ThreadedStore`. */
import type { MessagePort } from 'node:worker_threads';
import { hostObjectStore, toFailure } from '@gofer/contracts';
import { SqliteObjectStore } from './sqlite-object-store.ts';
import type { StoreThreadData, StoreThreadMessage } from './thread-protocol.ts';

export function serveStore(data: StoreThreadData, owner: MessagePort): void {
  const send = (message: StoreThreadMessage): void => owner.postMessage(message, []);
  try {
    const store = new SqliteObjectStore({ ...data, log: (...line) => send({ kind: 'log', line }) });
    hostObjectStore(store, data.port);
  } catch (error) {
    send({ kind: 'failed', failure: toFailure(error) });
    data.port.close();
  }
}
