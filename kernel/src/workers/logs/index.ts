export type { LogPoolOptions, ThreadedLogStore } from './create-log-store.ts';
export {
  createInlineLogStore,
  createThreadedLogStore,
} from './create-log-store.ts';
export type {
  CollectOptions,
  LogBatch,
  LogReadRequest,
  LogRun,
  LogSeal,
  LogStat,
  LogStore,
  LogStream,
  OpenLogSource,
} from './log-store.ts';
