/**
 * From a configuration to a running server, and back. The order of the start is the order of the parts below; what fails takes down
 * what had been started before it, and the error says what to do. A stop leaves running tasks to their scheduler.
 */
import { dirname, join } from 'node:path';
import { type LoadedServerConfig, redact } from '@gofer/config';
import { type ContractId, GoferError, type PluginHost, type PluginLog } from '@gofer/contracts';
import { createHttpServer } from '../http/index.ts';
import { Orchestrator } from '../orchestrator/orchestrator.ts';
import type { NamedScheduler } from '../orchestrator/run-context.ts';
import { Expiry } from '../retention/expiry.ts';
import { Retention } from '../retention/retention.ts';
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
import { makePrivateDirectory } from '../storage/private-directory.ts';
import { Store } from '../storage/store.ts';
import { ObjectBodies } from '../stores/object-bodies.ts';
import { References } from '../stores/references.ts';
import { SecretValues } from '../stores/secret-values.ts';
import { HybridDagEngine } from '../workers/dag/index.ts';
import { createThreadedLogStore } from '../workers/logs/index.ts';
import { Container } from './container.ts';
import { type BuiltInPlugins, loadScheduler } from './load-scheduler.ts';
import { loadStores } from './load-stores.ts';
import { loadSchedulers } from './schedulers.ts';
import { createServerLog } from './server-log.ts';
import { TOKENS } from './tokens.ts';

export interface ServerOptions {
  readonly loaded: LoadedServerConfig;
  /** The plugins that come with this distribution. */
  readonly builtIns: BuiltInPlugins;
  /** What `GET /api/system/metadata` answers. */
  readonly metadata: { readonly semver: string; readonly commit: string };
  /** Where the operator's log goes, a line a call. */
  readonly write: (line: string) => void;
}

export interface RunningServer {
  /** Where it listens: `http://127.0.0.1:8080`. */
  readonly url: string;
  /** The scheduler that takes new tasks. */
  readonly engine: string;
  readonly log: PluginLog;
  /** Leaves running tasks alone. Resolves when everything is closed; a second call waits for the first. */
  stop(): Promise<void>;
}

/** Rejects with `CONFIG_INVALID`, `PLUGIN_INVALID` or `LOCKED`; nothing is left half started. */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  const { config } = options.loaded;
  refuseWhatIsNotThere(options.loaded);
  const log = await createServerLog({ level: config.api.log_level, pretty: config.development.pretty_logging, write: options.write });
  const container = new Container();
  const close = () => container.close((part, error) => log('error', `closing the ${part} failed`, { error: String(error) }));
  try {
    for (const warning of options.loaded.warnings) log('warn', warning);
    log('debug', 'configuration', { config: redact(config) });
    const leave = new AbortController();
    container.register(TOKENS.log, () => log);
    container.register(TOKENS.leave, () => leave);
    registerStores(container, options.loaded, log);
    const store = container.resolve(TOKENS.store);
    store.system.initialiseIgnorePipelineRunEvents(config.api.ignore_pipeline_run_events);
    const host = createPluginHost(config.server.storage_path, store.system.instanceId, log);
    const stores = await loadStores(options.loaded, options.builtIns, host);
    container.register(
      TOKENS.stores,
      () => stores,
      () => stores.close(),
    );
    container.resolve(TOKENS.stores);
    const schedulers = await loadServerSchedulers(options, store, host, log);
    container.register(TOKENS.schedulers, () => schedulers.loaded, schedulers.close);
    container.resolve(TOKENS.schedulers);
    registerBodies(container, options.loaded, log);
    registerWork(container, options.loaded);
    registerRetention(container, options.loaded, log);
    registerFront(container, options, log);

    await container.resolve(TOKENS.namespaces).ensureDefault();
    await container.resolve(TOKENS.configs).sealCredentials();
    const orchestrator = container.resolve(TOKENS.orchestrator);
    orchestrator.recover();
    container.resolve(TOKENS.deletions).resume();
    // What a crash has left in the stores without an owner.
    container.resolve(TOKENS.objects).collect();
    container.resolve(TOKENS.secrets).collect();
    const http = container.resolve(TOKENS.http);
    await http.listen();
    container.resolve(TOKENS.retention).start();
    const url = http.address ?? '';
    const { engine } = schedulers.loaded[0];
    log('info', `Gofer ${options.metadata.semver} is ready at ${url}`, {
      scheduler: engine,
      developmentMode: options.loaded.developmentMode,
      resumedRuns: orchestrator.activeRuns,
    });
    let stopping: Promise<void> | undefined;
    return {
      url,
      engine,
      log,
      stop() {
        stopping ??= close().then(() => log('info', 'stopped'));
        return stopping;
      },
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** What a configuration may ask for and this release does not have is refused, never left out without a word. */
function refuseWhatIsNotThere({ config }: LoadedServerConfig): void {
  const details = [];
  if (!config.development.bypass_auth) {
    details.push({
      path: 'development.bypass_auth',
      message: 'this release cannot check tokens yet: set it to true, which lets only this machine in',
    });
  }
  if (config.server.use_tls)
    details.push({ path: 'server.use_tls', message: 'this release cannot serve TLS yet: set it to false, and put a proxy in front of it' });
  if (details.length > 0)
    throw new GoferError('CONFIG_INVALID', 'The configuration asks for what this release does not have.', { details });
}

function registerStores(container: Container, { config }: LoadedServerConfig, log: PluginLog): void {
  container.register(
    TOKENS.store,
    () => Store.open(config.server.storage_path),
    (store) => store.close(),
  );
  container.register(
    TOKENS.dag,
    () => new HybridDagEngine({ threads: config.workers.dag_threads }),
    (dag) => dag.close(),
  );
  container.register(
    TOKENS.logs,
    () => {
      const directory = config.api.task_execution_logs_dir;
      makePrivateDirectory(directory);
      return createThreadedLogStore({
        directory,
        threads: config.workers.log_threads,
        onThreadDeath: (error) => log('error', 'a log thread died and was replaced', { error: String(error) }),
      });
    },
    (logs) => logs.close(),
  );
}

/** Each plugin has a directory of its own beside the database. */
function createPluginHost(storagePath: string, instanceId: string, log: PluginLog): (contract: ContractId, name: string) => PluginHost {
  return (contract, name) => {
    const dataDirectory = join(dirname(storagePath), 'plugins', `${contract.replace('_', '-')}-${name}`);
    makePrivateDirectory(dataDirectory);
    return { instanceId, dataDirectory, log };
  };
}

async function loadServerSchedulers(
  options: ServerOptions,
  store: Store,
  host: (contract: ContractId, name: string) => PluginHost,
  log: PluginLog,
) {
  const { config } = options.loaded;
  const closers: (() => Promise<void>)[] = [];
  const load = async (engine: string): Promise<NamedScheduler> => {
    const plugin = await loadScheduler(engine, { loaded: options.loaded, builtIns: options.builtIns, host });
    closers.push(() => plugin.close());
    return { engine, scheduler: plugin.scheduler };
  };
  const close = async (): Promise<void> => {
    for (let closer = closers.pop(); closer !== undefined; closer = closers.pop()) await closer();
  };
  try {
    const inUse = store.attempts.enginesInUse();
    return {
      loaded: await loadSchedulers({ engine: config.scheduler.engine, automatic: options.builtIns.automatic, inUse, load, log }),
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** What belongs to nobody is removed behind everybody's back until the bodies close. */
function registerBodies(container: Container, { config }: LoadedServerConfig, log: PluginLog): void {
  container.register(
    TOKENS.objects,
    () => {
      const { objects: objectStore } = container.resolve(TOKENS.stores);
      const maxObjectSize = config.object_store.max_object_size;
      return new ObjectBodies({ store: container.resolve(TOKENS.store), objectStore, maxObjectSize, log });
    },
    (objects) => objects.close(),
  );
  container.register(
    TOKENS.secrets,
    () => new SecretValues({ store: container.resolve(TOKENS.store), secretStore: container.resolve(TOKENS.stores).secrets, log }),
    (secrets) => secrets.close(),
  );
  container.register(TOKENS.references, () => {
    const [store, objects, secrets] = [
      container.resolve(TOKENS.store),
      container.resolve(TOKENS.objects),
      container.resolve(TOKENS.secrets),
    ];
    return new References({ store, objects, secrets });
  });
}

function registerRetention(container: Container, { config }: LoadedServerConfig, log: PluginLog): void {
  const { api, object_store } = config;
  container.register(
    TOKENS.retention,
    () => {
      const store = container.resolve(TOKENS.store);
      const leave = container.resolve(TOKENS.leave).signal;
      const limits = {
        logRuns: api.task_execution_log_retention,
        objectRuns: object_store.run_object_expiry,
        versions: api.pipeline_version_retention,
        eventsMs: api.event_log_retention * 1000,
      };
      const [logs, objects, secrets] = [
        container.resolve(TOKENS.logs),
        container.resolve(TOKENS.objects),
        container.resolve(TOKENS.secrets),
      ];
      const expiry = new Expiry({ store, logs, objects, secrets, limits, now: Date.now, leave });
      return new Retention({ store, expiry, intervalMs: api.event_prune_interval * 1000, log, leave });
    },
    async (retention) => {
      container.resolve(TOKENS.leave).abort();
      await retention.close();
    },
  );
}

function registerWork(container: Container, { config }: LoadedServerConfig): void {
  container.register(
    TOKENS.orchestrator,
    () => {
      const schedulers = container.resolve(TOKENS.schedulers);
      return new Orchestrator({
        store: container.resolve(TOKENS.store),
        dag: container.resolve(TOKENS.dag),
        logs: container.resolve(TOKENS.logs),
        references: container.resolve(TOKENS.references),
        secrets: container.resolve(TOKENS.secrets),
        runEnded: (pipelineUid) => container.resolve(TOKENS.retention).runEnded(pipelineUid),
        schedulers,
        limits: {
          globalRuns: config.api.global_run_concurrency_limit,
          pipelineRuns: config.api.pipeline_run_concurrency_limit,
          // What costs nothing to run is not held back.
          runningTasks: schedulers[0].engine === 'fake' ? 0 : config.scheduler.max_running_tasks,
        },
        log: container.resolve(TOKENS.log),
      });
    },
    async (orchestrator) => {
      container.resolve(TOKENS.leave).abort();
      await orchestrator.close();
    },
  );
}

function registerFront(container: Container, options: ServerOptions, log: PluginLog): void {
  const { config } = options.loaded;
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
      system: new StoredSystemService(store, options.metadata, () => scheduler.health()),
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
        version: options.metadata.semver,
        log,
      }),
    (http) => http.close(config.server.shutdown_timeout * 1000),
  );
}
