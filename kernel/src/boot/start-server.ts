/**
 * From a configuration to a running server, and back. The order of the start is the order of the parts below; what fails takes down
 * what had been started before it, and the error says what to do. A stop leaves running tasks to their scheduler.
 */
import { dirname, join } from 'node:path';
import { type LoadedServerConfig, redact } from '@gofer/config';
import type { AuthHost, ContractId, PluginHost, PluginLog } from '@gofer/contracts';
import { createTokenDirectory } from '../access/access-control.ts';
import type { BuiltInExtensions } from '../extensions/built-in-extensions.ts';
import type { NamedScheduler } from '../orchestrator/run-context.ts';
import { makePrivateDirectory } from '../storage/private-directory.ts';
import type { Store } from '../storage/store.ts';
import { Container } from './container.ts';
import { loadAuth } from './load-auth.ts';
import { type BuiltInPlugins, loadScheduler } from './load-scheduler.ts';
import { loadStores } from './load-stores.ts';
import { registerBodies, registerRetention, registerStores, registerWork } from './register-back.ts';
import { registerExtensions } from './register-extensions.ts';
import { openTaskListener, registerFront } from './register-front.ts';
import { loadSchedulers } from './schedulers.ts';
import { openEventsCertificate, openServerCertificate } from './server-certificate.ts';
import { createServerLog } from './server-log.ts';
import { TOKENS } from './tokens.ts';

export interface ServerOptions {
  readonly loaded: LoadedServerConfig;
  /** The plugins that come with this distribution. */
  readonly builtIns: BuiltInPlugins;
  /** The extensions that come with this distribution; absent: none. */
  readonly builtInExtensions?: BuiltInExtensions;
  /** What `GET /api/system/metadata` answers. */
  readonly metadata: { readonly semver: string; readonly commit: string };
  /** The file mode creation mask that plugins are told (`PluginHost`). */
  readonly umask?: number;
  /** Where the operator's log goes, a line a call. */
  readonly write: (line: string) => void;
}

export interface RunningServer {
  /** Where it listens: `http://127.0.0.1:8080`. */
  readonly url: string;
  /** Where external events are taken: `http://127.0.0.1:8081`; undefined where they are not. */
  readonly externalEventsUrl: string | undefined;
  /** The scheduler that takes new tasks. */
  readonly engine: string;
  readonly log: PluginLog;
  /** Takes the TLS certificates anew. */
  reload(): Promise<void>;
  /** Leaves running tasks alone. Resolves when everything is closed; a second call waits for the first. */
  stop(): Promise<void>;
}

/** Rejects with `CONFIG_INVALID`, `PLUGIN_INVALID` or `LOCKED`; nothing is left half started. */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  const { config } = options.loaded;
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
    const certificates = await openServerCertificate(config, log);
    container.register(
      TOKENS.certificates,
      () => certificates,
      () => certificates?.close(),
    );
    container.resolve(TOKENS.certificates);
    const eventCertificates = await openEventsCertificate(config, certificates, log);
    container.register(
      TOKENS.eventCertificates,
      () => eventCertificates,
      () => eventCertificates?.close(),
    );
    container.resolve(TOKENS.eventCertificates);
    const { umask } = options;
    const host = createPluginHost(config.server.storage_path, {
      instanceId: store.system.instanceId,
      log,
      ...(umask === undefined ? {} : { umask }),
    });
    const stores = await loadStores(options.loaded, options.builtIns, host);
    container.register(
      TOKENS.stores,
      () => stores,
      () => stores.close(),
    );
    container.resolve(TOKENS.stores);
    const authHost = (contract: 'auth', name: string): AuthHost => ({
      ...host(contract, name),
      tokens: createTokenDirectory(store),
      now: Date.now,
    });
    const auth = await loadAuth(options.loaded, options.builtIns, authHost);
    container.register(
      TOKENS.auth,
      () => auth,
      () => auth.close(),
    );
    container.resolve(TOKENS.auth);
    const schedulers = await loadServerSchedulers(options, store, host, log);
    container.register(TOKENS.schedulers, () => schedulers.loaded, schedulers.close);
    container.resolve(TOKENS.schedulers);
    registerBodies(container, options.loaded, log);
    registerWork(container, options.loaded);
    registerRetention(container, options.loaded, log);
    registerExtensions(container, options);
    registerFront(container, options.loaded, options.metadata, log);

    await container.resolve(TOKENS.namespaces).ensureDefault();
    await container.resolve(TOKENS.configs).sealCredentials();
    if (config.extensions.install_std_extensions) await container.resolve(TOKENS.extensionService).installStandard();
    const orchestrator = container.resolve(TOKENS.orchestrator);
    orchestrator.recover();
    container.resolve(TOKENS.deletions).resume();
    container.resolve(TOKENS.subscriptionKeeper).resume();
    // What a crash has left in the stores without an owner.
    container.resolve(TOKENS.objects).collect();
    container.resolve(TOKENS.secrets).collect();
    const http = container.resolve(TOKENS.http);
    await http.listen();
    // A scheduler that takes its time to say where its tasks are keeps nobody else waiting.
    void openTaskListener(container, options.loaded, options.metadata.semver);
    container.resolve(TOKENS.retention).start();
    // Ends before extensions do: what they have been handed they may answer.
    const extensions = container.resolve(TOKENS.runningExtensions);
    const externalEvents = container.resolve(TOKENS.externalEvents);
    await externalEvents.open();
    extensions.start();
    const url = http.address ?? '';
    const { engine } = schedulers.loaded[0];
    log('info', `Gofer ${options.metadata.semver} is ready at ${url}`, {
      scheduler: engine,
      developmentMode: options.loaded.developmentMode,
      resumedRuns: orchestrator.activeRuns,
      ...(externalEvents.url === undefined ? {} : { externalEvents: externalEvents.url }),
    });
    if (!config.development.bypass_auth && !store.system.preferences().bootstrap_token_created)
      log('warn', 'nobody can get in yet: create the first token with `gofer token bootstrap`, before others can reach this server');
    let stopping: Promise<void> | undefined;
    return {
      url,
      externalEventsUrl: externalEvents.url,
      engine,
      log,
      async reload() {
        await Promise.all([http.reload(), externalEvents.reload()]);
      },
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

/** Each plugin has a directory of its own beside the database. */
function createPluginHost(
  storagePath: string,
  shared: Omit<PluginHost, 'dataDirectory'>,
): (contract: ContractId, name: string) => PluginHost {
  return (contract, name) => {
    const dataDirectory = join(dirname(storagePath), 'plugins', `${contract.replace('_', '-')}-${name}`);
    makePrivateDirectory(dataDirectory);
    return { ...shared, dataDirectory };
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
    const inUse = [...new Set([...store.attempts.enginesInUse(), ...store.extensionStarts.enginesInUse()])];
    return {
      loaded: await loadSchedulers({ engine: config.scheduler.engine, automatic: options.builtIns.automatic, inUse, load, log }),
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}
