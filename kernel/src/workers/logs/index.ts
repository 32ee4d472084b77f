export { SHORTEST_MASKED } from '../masking/secret-patterns.ts';
export { MASK } from '../masking/stream-masker.ts';
export { createTextMasker } from '../masking/text-masker.ts';
export { BoundedLogs, type BoundedStat, LOG_BEGINNING, noticeOf } from './bounded-logs.ts';
export type { LogPoolOptions, ThreadedLogStore } from './create-log-store.ts';
export {
  createInlineLogStore,
  createThreadedLogStore,
} from './create-log-store.ts';
export type { LineSelection } from './line-selection.ts';
export type {
  CollectOptions,
  LogBatch,
  LogMasking,
  LogReadRequest,
  LogRun,
  LogSeal,
  LogStat,
  LogStore,
  LogStream,
  OpenLogSource,
} from './log-store.ts';
export type { LogDamage, LogVerification } from './verify-log.ts';
