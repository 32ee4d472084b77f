export type { ErrorCode, Failure, Fault, GoferErrorOptions } from './errors.ts';
export { codeOf, ERROR_TABLE, fromFailure, GoferError, isGoferError, toFailure } from './errors.ts';
export type { ContractId, Contracts, JsonSchema, PluginDefinition, PluginHost, PluginInstance, PluginLog } from './plugin.ts';
export { CONTRACT_API_VERSION, definePlugin } from './plugin.ts';
export { connectScheduler } from './port/connect-scheduler.ts';
export { hostScheduler } from './port/host-scheduler.ts';
export type { PortLike } from './port/protocol.ts';
export type {
  ExecInput,
  ExecOutput,
  ExecRequest,
  Json,
  ListedTask,
  LogChunk,
  LogsRequest,
  Scheduler,
  SchedulerCapabilities,
  StartUpdate,
  TaskExit,
  TaskHandle,
  TaskInspection,
  TaskSpec,
} from './scheduler.ts';
