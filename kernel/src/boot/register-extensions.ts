/** What starts pipelines by themselves: extensions, the subscriptions to them, and the events from outside that they are handed. */
import { SYSTEM_CLOCK } from '../clock/clock.ts';
import type { BuiltInExtensions } from '../extensions/built-in-extensions.ts';
import { BuiltInHost } from '../extensions/built-in-host.ts';
import { ContainerHost } from '../extensions/container-host.ts';
import { ExtensionClient } from '../extensions/extension-client.ts';
import { ExtensionEnvironments, type ExtensionEnvironmentsParts } from '../extensions/extension-environment.ts';
import type { ExtensionHost, ExtensionHosts } from '../extensions/extension-host.ts';
import { sweepExtensionLeftovers } from '../extensions/extension-leftovers.ts';
import { ExtensionManager } from '../extensions/extension-manager.ts';
import { ExtensionStarts } from '../extensions/extension-starts.ts';

import type { NamedScheduler } from '../orchestrator/run-context.ts';
import { StoredExtensionService } from '../services/extension-service.ts';
import { BoundedLogs } from '../workers/logs/index.ts';
import type { Container } from './container.ts';
import { readExtensionCertificate } from './extension-certificate.ts';
import { registerExternalEvents } from './register-external-events.ts';
import { openBuiltInListener } from './register-front.ts';
import { registerSubscriptions } from './register-subscriptions.ts';
import type { ServerOptions } from './start-server.ts';
import { TaskListener } from './task-listener.ts';
import { TOKENS } from './tokens.ts';

export function registerExtensions(container: Container, options: ServerOptions): void {
  const { config } = options.loaded;
  container.register(
    TOKENS.extensionLogs,
    () =>
      new BoundedLogs({
        logs: container.resolve(TOKENS.logs),
        directory: config.api.task_execution_logs_dir,
        maxBytes: config.extensions.max_log_size,
        setting: 'extensions.max_log_size',
      }),
  );
  container.register(TOKENS.builtInListener, () => new TaskListener());
  container.register(TOKENS.extensionManager, () => createManager(container, options));
  container.register(TOKENS.extensionCalls, () => container.resolve(TOKENS.extensionManager));
  container.register(
    TOKENS.runningExtensions,
    () => container.resolve(TOKENS.extensionManager),
    // While the listeners still answer: what extensions have to keep they keep with the server.
    (extensions) => extensions.stop(Math.min(config.extensions.stop_timeout, config.server.shutdown_timeout) * 1000),
  );
  container.register(
    TOKENS.extensionService,
    () =>
      new StoredExtensionService({
        store: container.resolve(TOKENS.store),
        secrets: container.resolve(TOKENS.secrets),
        objects: container.resolve(TOKENS.objects),
        logs: container.resolve(TOKENS.extensionLogs),
        manager: container.resolve(TOKENS.extensionManager),
        access: container.resolve(TOKENS.access),
        builtIns: options.builtInExtensions?.names ?? [],
        now: Date.now,
      }),
  );
  registerSubscriptions(container);
  registerExternalEvents(container, options.loaded);
}

function createManager(container: Container, options: ServerOptions): ExtensionManager {
  const { config } = options.loaded;
  const { extensions } = config;
  const [log, clock] = [container.resolve(TOKENS.log), SYSTEM_CLOCK];
  const parts = {
    store: container.resolve(TOKENS.store),
    secrets: container.resolve(TOKENS.secrets),
    logs: container.resolve(TOKENS.extensionLogs),
  };
  let ca: string | undefined;
  const environments = new ExtensionEnvironments({
    ...parts,
    references: container.resolve(TOKENS.references),
    logLevel: config.api.log_level,
    tls: async () => {
      const certificate = await readExtensionCertificate(config, container.resolve(TOKENS.certificates), log);
      ca = certificate?.ca;
      return certificate;
    },
    baseUrl: createBaseUrl(container, options),
  });
  return new ExtensionManager({
    ...parts,
    clock,
    log,
    hosts: createHosts(container, options),
    starts: new ExtensionStarts({ ...parts, now: Date.now }),
    environments,
    connect: (extensionId, url, { key, masked }) =>
      new ExtensionClient({
        extensionId,
        url,
        key,
        masked,
        verifyCerts: extensions.verify_certs,
        ...(ca === undefined ? {} : { ca }),
        clock,
        callTimeoutMs: extensions.request_timeout * 1000,
      }),
    times: {
      startTimeoutMs: extensions.start_timeout * 1000,
      healthIntervalMs: extensions.health_interval * 1000,
      longestRestartMs: extensions.longest_restart_delay * 1000,
    },
    random: Math.random,
    mostOutputBytes: config.extensions.max_log_size * LOGS_OF_OUTPUT,
    stopGraceMs: extensions.stop_timeout * 1000,
    sweep: async (isKnown, leave) => {
      const context = { instanceId: parts.store.system.instanceId, log, clock, leave };
      const schedulers = container.resolve(TOKENS.schedulers);
      await Promise.all(schedulers.map(({ engine, scheduler }) => sweepExtensionLeftovers(engine, scheduler, isKnown, context)));
    },
  });
}

/** Those that come with the server are given an address on loopback, for which a listener is opened when the first of them needs it. */
function createBaseUrl(container: Container, options: ServerOptions): ExtensionEnvironmentsParts['baseUrl'] {
  let opened: Promise<void> | undefined;
  return async (isBuiltIn) => {
    if (!isBuiltIn) return container.resolve(TOKENS.taskListener).baseUrl();
    opened ??= openBuiltInListener(container, options.loaded, options.metadata.semver);
    await opened;
    return container.resolve(TOKENS.builtInListener).baseUrl();
  };
}

/** Images run where tasks run. */
function createHosts(container: Container, { loaded, builtInExtensions }: ServerOptions): ExtensionHosts {
  const { instanceId } = container.resolve(TOKENS.store).system;
  const useTls = loaded.config.extensions.use_tls;
  const toHost = ({ engine, scheduler }: NamedScheduler): ExtensionHost =>
    new ContainerHost({ engine, scheduler, instanceId, useTls, clock: SYSTEM_CLOCK, log: container.resolve(TOKENS.log) });
  const [current, ...others] = container.resolve(TOKENS.schedulers);
  const builtIn = new BuiltInHost({ extensions: builtInExtensions ?? NO_BUILT_INS, clock: SYSTEM_CLOCK });
  const containerHost = toHost(current);
  const all = new Map([builtIn, containerHost, ...others.map(toHost)].map((host) => [host.engine, host]));
  return { builtIn, container: containerHost, ofEngine: (engine) => all.get(engine) };
}

/** What an engine keeps of an extension's output may be so many times as long as its log. */
const LOGS_OF_OUTPUT = 16;
const NO_BUILT_INS: BuiltInExtensions = { names: [], command: () => undefined };
