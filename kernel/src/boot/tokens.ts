import type { PluginLog } from '@gofer/contracts';
import type { HttpServer } from '../http/index.ts';
import type { Orchestrator } from '../orchestrator/orchestrator.ts';
import type { NamedScheduler } from '../orchestrator/run-context.ts';
import type { Lookup } from '../services/lookup.ts';
import type { StoredNamespaceService } from '../services/namespace-service.ts';
import type { StoredPipelineService } from '../services/pipeline-service.ts';
import type { Services } from '../services/services.ts';
import type { Store } from '../storage/store.ts';
import type { DagEngine } from '../workers/dag/dag-engine.ts';
import type { LogStore } from '../workers/logs/log-store.ts';
import { token } from './container.ts';

/** Everything that a running server is made of. */
export const TOKENS = {
  log: token<PluginLog>('log'),
  leave: token<AbortController>('leave'),
  store: token<Store>('store'),
  dag: token<DagEngine>('DAG engine'),
  logs: token<LogStore>('log store'),
  schedulers: token<readonly [NamedScheduler, ...NamedScheduler[]]>('schedulers'),
  orchestrator: token<Orchestrator>('orchestrator'),
  lookup: token<Lookup>('lookup'),
  namespaces: token<StoredNamespaceService>('namespace service'),
  pipelines: token<StoredPipelineService>('pipeline service'),
  services: token<Services>('services'),
  http: token<HttpServer>('HTTP server'),
} as const;
