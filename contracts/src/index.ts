export type {
  Auth,
  AuthCapabilities,
  AuthHost,
  AuthPrincipal,
  Credentials,
  LoginRequest,
  TokenDirectory,
  TokenRecord,
} from './auth.ts';
export { TOKEN_PREFIX } from './auth.ts';
export { closestName } from './closest-name.ts';
export type { ErrorCode, Failure, Fault, GoferErrorOptions } from './errors.ts';
export { codeOf, ERROR_TABLE, fromFailure, GoferError, isGoferError, toFailure } from './errors.ts';
export type { ObjectRange, ObjectStat, ObjectStore, StoredObject } from './object-store.ts';
export type { ContractId, Contracts, HostOf, JsonSchema, PluginDefinition, PluginHost, PluginInstance, PluginLog } from './plugin.ts';
export { CONTRACT_API_VERSION, definePlugin } from './plugin.ts';
export { connectAuth, hostAuth } from './port/auth-port.ts';
export { connectScheduler } from './port/connect-scheduler.ts';
export { hostScheduler } from './port/host-scheduler.ts';
export { connectObjectStore, hostObjectStore } from './port/object-store-port.ts';
export type { PortLike } from './port/protocol.ts';
export { connectSecretStore, hostSecretStore } from './port/secret-store-port.ts';
export type {
  ExecInput,
  ExecOutput,
  ExecRequest,
  HostAccess,
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
export type { RotationProgress, SecretStore, SecretStoreCapabilities } from './secret-store.ts';
