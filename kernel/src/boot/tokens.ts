import type { PluginLog } from '@gofer/contracts';
import type { AccessControl } from '../access/access-control.ts';
import type { DeliveryDispatcher } from '../extensions/delivery-dispatcher.ts';
import type { ExtensionCalls } from '../extensions/extension-calls.ts';
import type { ExtensionManager } from '../extensions/extension-manager.ts';
import type { SecretChanges } from '../extensions/secret-changes.ts';
import type { SubscriptionKeeper } from '../extensions/subscription-keeper.ts';
import type { FailureLog, HttpServer, RateLimits } from '../http/index.ts';
import type { Orchestrator } from '../orchestrator/orchestrator.ts';
import type { NamedScheduler } from '../orchestrator/run-context.ts';
import type { Retention } from '../retention/retention.ts';
import type { StoredConfigService } from '../services/config-service.ts';
import type { Deletions } from '../services/deletions.ts';
import type { DiskReserve } from '../services/disk-reserve.ts';
import type { StoredExtensionService } from '../services/extension-service.ts';
import type { Lookup } from '../services/lookup.ts';
import type { StoredNamespaceService } from '../services/namespace-service.ts';
import type { StoredPipelineService } from '../services/pipeline-service.ts';
import type { DeliveryService, Services, SubscriptionService } from '../services/services.ts';
import type { Store } from '../storage/store.ts';
import type { ObjectBodies } from '../stores/object-bodies.ts';
import type { References } from '../stores/references.ts';
import type { SecretValues } from '../stores/secret-values.ts';
import type { CertificateSource } from '../tls/index.ts';
import type { DagEngine } from '../workers/dag/dag-engine.ts';
import type { BoundedLogs } from '../workers/logs/bounded-logs.ts';
import type { LogStore } from '../workers/logs/log-store.ts';
import { token } from './container.ts';
import type { ExternalEvents } from './external-events.ts';
import type { LoadedAuth } from './load-auth.ts';
import type { LoadedStores } from './load-stores.ts';
import type { TaskListener } from './task-listener.ts';

/** Everything that a running server is made of. */
export const TOKENS = {
  log: token<PluginLog>('log'),
  leave: token<AbortController>('leave'),
  store: token<Store>('store'),
  dag: token<DagEngine>('DAG engine'),
  logs: token<LogStore>('log store'),
  extensionLogs: token<BoundedLogs>('logs of extensions'),
  schedulers: token<readonly [NamedScheduler, ...NamedScheduler[]]>('schedulers'),
  stores: token<LoadedStores>('stores'),
  auth: token<LoadedAuth>('auth plugins'),
  access: token<AccessControl>('access control'),
  rateLimits: token<RateLimits>('rate limits'),
  failures: token<FailureLog>('log of wrong credentials'),
  objects: token<ObjectBodies>('object bodies'),
  secrets: token<SecretValues>('secret values'),
  references: token<References>('references'),
  orchestrator: token<Orchestrator>('orchestrator'),
  retention: token<Retention>('retention'),
  deletions: token<Deletions>('deletions'),
  configs: token<StoredConfigService>('config service'),
  disk: token<DiskReserve>('disk reserve'),
  lookup: token<Lookup>('lookup'),
  namespaces: token<StoredNamespaceService>('namespace service'),
  pipelines: token<StoredPipelineService>('pipeline service'),
  extensionManager: token<ExtensionManager>('extension manager'),
  secretChanges: token<SecretChanges>('changes of secrets'),
  extensionCalls: token<ExtensionCalls>('calls of extensions'),
  /** Resolved once the server can be reached; ends before its listeners do. */
  runningExtensions: token<ExtensionManager>('extensions'),
  builtInListener: token<TaskListener>('listener for extensions that come with the server'),
  extensionService: token<StoredExtensionService>('extension service'),
  subscriptionKeeper: token<SubscriptionKeeper>('subscription keeper'),
  subscriptions: token<SubscriptionService>('subscription service'),
  deliveries: token<DeliveryService>('delivery service'),
  deliveryDispatcher: token<DeliveryDispatcher>('dispatcher of external events'),
  eventCertificates: token<CertificateSource | undefined>('certificates of the listener for external events'),
  externalEvents: token<ExternalEvents>('listener for external events'),
  services: token<Services>('services'),
  certificates: token<CertificateSource | undefined>('certificates'),
  http: token<HttpServer>('HTTP server'),
  taskListener: token<TaskListener>('listener for tasks'),
} as const;
