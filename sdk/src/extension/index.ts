export { asLiteral } from './as-literal.ts';
export type {
  Extension,
  ExtensionClock,
  ExtensionFactory,
  ExtensionHost,
  ExtensionInfo,
  ExtensionLog,
  ExtensionObjects,
  ExternalEvent,
  GoferApi,
  GoferEvent,
  LogLevel,
  Parameter,
  PipelineName,
  RunState,
  StartedRun,
  StartRunOptions,
  Subscription,
  SubscriptionName,
} from './extension.ts';
export { Refusal } from './extension.ts';
export { GoferRequestError } from './gofer-request-error.ts';
export { sleepUntil } from './real-clock.ts';
export { openReplayGuard, type ReplayGuard, type ReplayGuardOptions } from './replay-guard.ts';
export { serveExtension } from './serve-extension.ts';
