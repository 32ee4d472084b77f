/** The entry of the store's thread. */
import { parentPort, workerData } from 'node:worker_threads';
import { serveStore } from './serve-store.ts';
import type { StoreThreadData } from './thread-protocol.ts';

if (parentPort !== null) serveStore(workerData as StoreThreadData, parentPort);
