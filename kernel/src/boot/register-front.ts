/** What answers: the use cases, and the HTTP server in front of them. */
import type { LoadedServerConfig } from '@gofer/config';
import type { PluginLog } from '@gofer/contracts';
import type { SystemMetadata } from '@gofer/contracts/api';
import { createHttpServer } from '../http/index.ts';
import { StoredConfigService } from '../services/config-service.ts';
import { Deletions } from '../services/deletions.ts';
import { StoredDeploymentService } from '../services/deployment-service.ts';
import { StoredEventService } from '../services/event-service.ts';
import { StoredLogService } from '../services/log-service.ts';
import { Lookup } from '../services/lookup.ts';
import { StoredNamespaceService } from '../services/namespace-service.ts';
import { StoredObjectService } from '../services/object-service.ts';
import { StoredPipelineService } from '../services/pipeline-service.ts';
import { StoredRunService } from '../services/run-service.ts';
import { StoredSecretService } from '../services/secret-service.ts';
import { StoredSystemService } from '../services/system-service.ts';
import { StoredTaskExecutionService } from '../services/task-execution-service.ts';
import type { Container } from './container.ts';
import { TOKENS } from './tokens.ts';

export function registerFront(container: Container, { config }: LoadedServerConfig, metadata: SystemMetadata, log: PluginLog): void {
  const now = Date.now;
  const parts = () => ({
    store: container.resolve(TOKENS.store),
    orchestrator: container.resolve(TOKENS.orchestrator),
    lookup: container.resolve(TOKENS.lookup),
    logs: container.resolve(TOKENS.logs),
    objects: container.resolve(TOKENS.objects),
    secrets: container.resolve(TOKENS.secrets),
    now,
  });
  container.register(TOKENS.lookup, () => new Lookup(container.resolve(TOKENS.store), container.resolve(TOKENS.orchestrator).configs));
  container.register(TOKENS.deletions, () => new Deletions({ ...parts(), log, leave: container.resolve(TOKENS.leave).signal }));
  container.register(TOKENS.pipelines, () => new StoredPipelineService({ ...parts(), deletions: container.resolve(TOKENS.deletions) }));
  container.register(TOKENS.configs, () => {
    const { store, orchestrator, lookup, secrets } = parts();
    return new StoredConfigService({ store, lookup, configs: orchestrator.configs, dag: container.resolve(TOKENS.dag), secrets, now });
  });
  container.register(TOKENS.namespaces, () => {
    const pipelines = container.resolve(TOKENS.pipelines);
    return new StoredNamespaceService(container.resolve(TOKENS.store), now, (namespaceId) => pipelines.deleteAllOf(namespaceId));
  });
  container.register(TOKENS.services, () => {
    const { store, orchestrator, lookup, logs, objects, secrets } = parts();
    const deletions = container.resolve(TOKENS.deletions);
    const [{ scheduler }] = container.resolve(TOKENS.schedulers);
    return {
      system: new StoredSystemService(store, metadata, () => scheduler.health()),
      namespaces: container.resolve(TOKENS.namespaces),
      pipelines: container.resolve(TOKENS.pipelines),
      configs: container.resolve(TOKENS.configs),
      deployments: new StoredDeploymentService(store, lookup),
      runs: new StoredRunService({
        store,
        lookup,
        orchestrator,
        deletions,
        now,
        stopGraceMs: config.api.task_execution_stop_timeout * 1000,
      }),
      taskExecutions: new StoredTaskExecutionService(store, lookup, orchestrator),
      logs: new StoredLogService({ store, lookup, orchestrator, logs }),
      objects: new StoredObjectService({ store, lookup, objects, pipelineObjectLimit: config.object_store.pipeline_object_limit, now }),
      secrets: new StoredSecretService({ store, lookup, secrets, now }),
      events: new StoredEventService(store, config.api.event_log_retention * 1000, now),
    };
  });
  container.register(
    TOKENS.http,
    () =>
      createHttpServer({
        config: config.server,
        services: container.resolve(TOKENS.services),
        stopTimeout: config.api.task_execution_stop_timeout,
        version: metadata.semver,
        log,
      }),
    (http) => http.close(config.server.shutdown_timeout * 1000),
  );
}
