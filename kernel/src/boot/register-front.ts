/** What answers: the use cases, and the HTTP server in front of them. */
import { dirname } from 'node:path';
import type { LoadedServerConfig } from '@gofer/config';
import type { PluginLog } from '@gofer/contracts';
import type { SystemMetadata } from '@gofer/contracts/api';
import { AccessControl } from '../access/access-control.ts';
import { createBypassedAuthority, createHttpServer, FailureLog, type HttpServer, RateLimits, TokenAuthority } from '../http/index.ts';
import { RunningTaskAttachService } from '../services/attach-service.ts';
import { StoredAuditService } from '../services/audit-service.ts';
import { Authenticators } from '../services/authenticators.ts';
import { StoredConfigService } from '../services/config-service.ts';
import { Deletions } from '../services/deletions.ts';
import { StoredDeploymentService } from '../services/deployment-service.ts';
import { DiskReserve } from '../services/disk-reserve.ts';
import { StoredEventService } from '../services/event-service.ts';
import { StoredLogService } from '../services/log-service.ts';
import { Lookup } from '../services/lookup.ts';
import { StoredNamespaceService } from '../services/namespace-service.ts';
import { StoredObjectService } from '../services/object-service.ts';
import { StoredPipelineService } from '../services/pipeline-service.ts';
import { Readiness } from '../services/readiness.ts';
import { StoredRoleService } from '../services/role-service.ts';
import { StoredRunService } from '../services/run-service.ts';
import { StoredSecretService } from '../services/secret-service.ts';
import { StoredSessionService } from '../services/session-service.ts';
import { StoredSystemService } from '../services/system-service.ts';
import { StoredTaskExecutionService } from '../services/task-execution-service.ts';
import { StoredTokenService } from '../services/token-service.ts';
import type { SubscriptionKey } from '../storage/subscriptions-table.ts';
import type { Container } from './container.ts';
import { TOKENS } from './tokens.ts';

export function registerFront(container: Container, loaded: LoadedServerConfig, metadata: SystemMetadata, log: PluginLog): void {
  const { config } = loaded;
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
  container.register(
    TOKENS.rateLimits,
    () =>
      new RateLimits({
        failedAuthentications: config.limits.failed_authentications,
        expensiveRequests: config.limits.expensive_requests,
        runsOfExtension: config.extensions.runs_per_minute,
      }),
  );
  container.register(TOKENS.failures, () => new FailureLog(log, now));
  container.register(
    TOKENS.access,
    () => {
      const authenticators = new Authenticators(container.resolve(TOKENS.auth));
      return new AccessControl({
        store: container.resolve(TOKENS.store),
        authenticate: (token) => authenticators.authenticate(token),
        now,
        log,
      });
    },
    (access) => access.close(),
  );
  container.register(
    TOKENS.disk,
    () =>
      new DiskReserve({
        directories: [
          { what: 'the database', path: dirname(config.server.storage_path) },
          { what: 'the logs', path: config.api.task_execution_logs_dir },
        ],
        minimumBytes: config.server.minimum_free_disk,
        now,
      }),
  );
  container.register(TOKENS.lookup, () => new Lookup(container.resolve(TOKENS.store), container.resolve(TOKENS.orchestrator).configs));
  container.register(TOKENS.deletions, () => new Deletions({ ...parts(), log, leave: container.resolve(TOKENS.leave).signal }));
  container.register(TOKENS.pipelines, () => {
    const tellExtension = (key: SubscriptionKey): void => container.resolve(TOKENS.subscriptionKeeper).settleSoon(key);
    return new StoredPipelineService({ ...parts(), deletions: container.resolve(TOKENS.deletions), tellExtension });
  });
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
    const schedulers = container.resolve(TOKENS.schedulers);
    return {
      system: new StoredSystemService(store, metadata, () => schedulers[0].scheduler.health(), createReadiness(container, log)),
      namespaces: container.resolve(TOKENS.namespaces),
      pipelines: container.resolve(TOKENS.pipelines),
      configs: container.resolve(TOKENS.configs),
      deployments: new StoredDeploymentService(store, lookup),
      runs: new StoredRunService({
        store,
        lookup,
        orchestrator,
        deletions,
        disk: container.resolve(TOKENS.disk),
        now,
        stopGraceMs: config.api.task_execution_stop_timeout * 1000,
      }),
      taskExecutions: new StoredTaskExecutionService(store, lookup, orchestrator, now),
      attach: new RunningTaskAttachService({ store, lookup, orchestrator, schedulers }),
      logs: new StoredLogService({ store, lookup, orchestrator, logs }),
      objects: new StoredObjectService({ store, lookup, objects, pipelineObjectLimit: config.object_store.pipeline_object_limit, now }),
      secrets: new StoredSecretService({
        store,
        lookup,
        secrets,
        now,
        stored: (owner, key) => container.resolve(TOKENS.secretChanges).stored(owner, key),
      }),
      events: new StoredEventService(store, config.api.event_log_retention * 1000, now),
      tokens: new StoredTokenService(store, now),
      sessions: new StoredSessionService(store, config.server.session_lifetime * 1000, now),
      roles: new StoredRoleService(store, container.resolve(TOKENS.access), now),
      audit: new StoredAuditService(store),
      extensions: container.resolve(TOKENS.extensionService),
      subscriptions: container.resolve(TOKENS.subscriptions),
      deliveries: container.resolve(TOKENS.deliveries),
    };
  });
  container.register(
    TOKENS.http,
    () =>
      createHttpServer({
        ...frontOptions(container, loaded, metadata.semver),
        config: config.server,
        certificates: container.resolve(TOKENS.certificates),
        authority: config.development.bypass_auth
          ? createBypassedAuthority(container.resolve(TOKENS.access))
          : createAuthority(container, loaded, false),
      }),
    async (http) => {
      const graceMs = config.server.shutdown_timeout * 1000;
      const others = [container.resolve(TOKENS.taskListener), container.resolve(TOKENS.builtInListener)];
      await Promise.all([http.close(graceMs), ...others.map((listener) => listener.close(graceMs))]);
    },
  );
}

function createReadiness(container: Container, log: PluginLog): Readiness {
  const store = container.resolve(TOKENS.store);
  const { objects, secrets } = container.resolve(TOKENS.stores);
  const [{ scheduler }] = container.resolve(TOKENS.schedulers);
  return new Readiness({
    checks: [
      { part: 'database', problem: 'the database cannot be written', look: () => store.commit(() => store.system.touch()) },
      { part: 'scheduler', problem: 'the scheduler cannot start tasks', look: () => scheduler.health() },
      { part: 'object_store', problem: 'the object store cannot be used', look: () => objects.health() },
      { part: 'secret_store', problem: 'the secret store cannot be used', look: () => secrets.health() },
    ],
    diskShortages: () => container.resolve(TOKENS.disk).shortages(),
    recoveringRuns: () => container.resolve(TOKENS.orchestrator).recovering,
    watchdog: () => container.resolve(TOKENS.orchestrator).watchdog.report,
    now: Date.now,
    failed: (part, error) =>
      log('warn', 'this server is not ready', { part, reason: error instanceof Error ? error.message : String(error) }),
  });
}

/** To be called once the main listener listens. */
export async function openTaskListener(container: Container, loaded: LoadedServerConfig, version: string): Promise<void> {
  const { config } = loaded;
  const [{ scheduler, engine }] = container.resolve(TOKENS.schedulers);
  await container.resolve(TOKENS.taskListener).open({
    scheduler,
    engine,
    configured: config.server.extension_address,
    main: container.resolve(TOKENS.http).address ?? '',
    bypassed: config.development.bypass_auth,
    create: (bindAddress) => createTaskServer(container, loaded, version, bindAddress),
    log: container.resolve(TOKENS.log),
  });
}

/** For the extensions that come with the server: in clear and on loopback, where the main listener is not that. */
export async function openBuiltInListener(container: Container, loaded: LoadedServerConfig, version: string): Promise<void> {
  const { config } = loaded;
  await container.resolve(TOKENS.builtInListener).open({
    scheduler: { hostAccess: async () => ({ address: '127.0.0.1' }) },
    engine: 'builtin',
    configured: undefined,
    main: container.resolve(TOKENS.http).address ?? '',
    bypassed: config.development.bypass_auth,
    create: (bindAddress) => createTaskServer(container, loaded, version, bindAddress),
    log: container.resolve(TOKENS.log),
  });
}

function createTaskServer(container: Container, loaded: LoadedServerConfig, version: string, bindAddress: string): HttpServer {
  return createHttpServer({
    ...frontOptions(container, loaded, version),
    config: { ...loaded.config.server, bind_address: bindAddress, cors_origins: [], trusted_proxies: [] },
    authority: createAuthority(container, loaded, true),
  });
}

function frontOptions(container: Container, { config }: LoadedServerConfig, version: string) {
  return {
    services: container.resolve(TOKENS.services),
    stopTimeout: config.api.task_execution_stop_timeout,
    version,
    limits: config.limits,
    rateLimits: container.resolve(TOKENS.rateLimits),
    log: container.resolve(TOKENS.log),
  };
}

function createAuthority(container: Container, { config }: LoadedServerConfig, tasksOnly: boolean): TokenAuthority {
  const access = container.resolve(TOKENS.access);
  const [rateLimits, failures] = [container.resolve(TOKENS.rateLimits), container.resolve(TOKENS.failures)];
  return new TokenAuthority({
    access,
    anonymousRead: config.server.anonymous_read,
    tasksOnly,
    failed: (address) => {
      failures.failed(address);
      return rateLimits.failedAuthentication(address);
    },
  });
}
