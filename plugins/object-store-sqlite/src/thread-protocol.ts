/** What passes between the store's thread and its owner beside the port of the contract. */
import type { MessagePort } from 'node:worker_threads';
import type { Failure, PluginLog } from '@gofer/contracts';

/** The thread's `workerData`. */
export interface StoreThreadData {
  readonly path: string;
  readonly instanceId: string;
  /** Where the store is served. */
  readonly port: MessagePort;
}

export type StoreThreadMessage =
  /** The store could not be opened: the thread ends. */
  { readonly kind: 'failed'; readonly failure: Failure } | { readonly kind: 'log'; readonly line: Parameters<PluginLog> };
