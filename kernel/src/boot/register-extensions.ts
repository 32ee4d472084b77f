/** What starts pipelines by themselves: extensions, the subscriptions to them, and the events from outside that they are handed. */
import { GoferError } from '@gofer/contracts';
import { SYSTEM_CLOCK } from '../clock/clock.ts';
import { ExtensionClient } from '../extensions/extension-client.ts';
import { ExtensionEnvironments } from '../extensions/extension-environment.ts';
import type { ExtensionHost } from '../extensions/extension-host.ts';
import { ExtensionManager } from '../extensions/extension-manager.ts';
import { ExtensionStarts } from '../extensions/extension-starts.ts';
import type { DeliveryService, ExtensionService, SubscriptionService } from '../services/services.ts';
import type { Container } from './container.ts';
import { openBuiltInListener } from './register-front.ts';
import type { ServerOptions } from './start-server.ts';
import { TaskListener } from './task-listener.ts';
import { TOKENS } from './tokens.ts';

export function registerExtensions(container: Container, options: ServerOptions): void {
  const { config } = options.loaded;
  container.register(TOKENS.builtInListener, () => new TaskListener());
  container.register(TOKENS.extensionManager, () => createManager(container, options));
  container.register(TOKENS.extensionCalls, () => container.resolve(TOKENS.extensionManager));
  container.register(
    TOKENS.runningExtensions,
    () => container.resolve(TOKENS.extensionManager),
    // While the listeners still answer: what extensions have to keep they keep with the server.
    (extensions) => extensions.stop(Math.min(config.extensions.stop_timeout, config.server.shutdown_timeout) * 1000),
  );
  container.register(TOKENS.extensionService, () => unfinished<ExtensionService>());
  container.register(TOKENS.subscriptions, () => unfinished<SubscriptionService>());
  container.register(TOKENS.deliveries, () => unfinished<DeliveryService>());
}

function createManager(container: Container, options: ServerOptions): ExtensionManager {
  const { config } = options.loaded;
  const { extensions } = config;
  const parts = {
    store: container.resolve(TOKENS.store),
    secrets: container.resolve(TOKENS.secrets),
    logs: container.resolve(TOKENS.logs),
  };
  let builtInListener: Promise<void> | undefined;
  const environments = new ExtensionEnvironments({
    ...parts,
    references: container.resolve(TOKENS.references),
    logLevel: config.api.log_level,
    tls: async () => undefined,
    baseUrl: async (isBuiltIn) => {
      if (!isBuiltIn) return container.resolve(TOKENS.taskListener).baseUrl();
      builtInListener ??= openBuiltInListener(container, options.loaded, options.metadata.semver);
      await builtInListener;
      return container.resolve(TOKENS.builtInListener).baseUrl();
    },
  });
  return new ExtensionManager({
    ...parts,
    clock: SYSTEM_CLOCK,
    log: container.resolve(TOKENS.log),
    hosts: { builtIn: unfinished<ExtensionHost>(), container: unfinished<ExtensionHost>(), ofEngine: () => undefined },
    starts: new ExtensionStarts({ ...parts, now: Date.now }),
    environments,
    connect: (extensionId, url, key) =>
      new ExtensionClient({
        extensionId,
        url,
        key,
        verifyCerts: extensions.verify_certs,
        clock: SYSTEM_CLOCK,
        callTimeoutMs: extensions.request_timeout * 1000,
      }),
    times: { startTimeoutMs: extensions.start_timeout * 1000, healthIntervalMs: extensions.health_interval * 1000 },
    random: Math.random,
    stopGraceMs: extensions.stop_timeout * 1000,
    sweep: async () => undefined,
  });
}

function unfinished<Service extends object>(): Service {
  const refuse = async (): Promise<never> => {
    throw new GoferError('UNSUPPORTED', 'This server cannot do that yet.');
  };
  return new Proxy({} as Service, { get: () => refuse });
}
