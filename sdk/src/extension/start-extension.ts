/** An extension from its factory to its end, without a process around it. */

import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Exchange } from './exchange.ts';
import type { Extension, ExtensionClock, ExtensionFactory, ExtensionLog } from './extension.ts';
import { createRoutes } from './extension-routes.ts';
import { createExtensionServer } from './extension-server.ts';
import type { ExtensionSettings } from './extension-settings.ts';
import { createGoferApi } from './gofer-api.ts';
import { createServerObjects } from './server-objects.ts';

/** A body of 25 MiB, each byte of which takes up to four characters, and its headers. */
export const EXTERNAL_EVENT_LIMIT = 140 * 1024 * 1024;
/** For requests that are under way. */
const REQUESTS_MS = 5000;
const SHUTDOWN_MS = 10_000;

/** What an extension touches of the world. */
export interface Surroundings {
  readonly clock: ExtensionClock;
  readonly exchange: Exchange;
  readonly WebSocket: typeof WebSocket;
  /** 0 up to 1. */
  readonly random: () => number;
  readonly log: ExtensionLog;
  /** Told of each request that has come in whole. */
  readonly onRequest?: () => void;
}

export interface ServedExtension {
  /** Where it listens, without a path. */
  readonly url: string;
  /** Resolves once it has ended, by `stop` or because the server asked it to. */
  readonly ended: Promise<void>;
  /** Requests under way may end, the extension may say good-bye; calling it twice is fine. */
  stop(): Promise<void>;
  /** As a process that is killed: nobody is told. */
  kill(): void;
}

/** Factory, `start`, then the port is opened. Rejects with what they threw. */
export async function startExtension(
  factory: ExtensionFactory,
  settings: Omit<ExtensionSettings, 'announceFd' | 'endsWithInput' | 'goferCa' | 'logLevel'>,
  { clock, exchange, WebSocket, random, log, onRequest }: Surroundings,
  externalEventLimit = EXTERNAL_EVENT_LIMIT,
): Promise<ServedExtension> {
  const ending = new AbortController();
  const connection = { url: settings.goferUrl, token: settings.secret, clock, exchange, WebSocket, random };
  const { id, secret, tls, bind, config } = settings;
  let server: Server | undefined;
  let stopping: Promise<void> | undefined;
  const ended = Promise.withResolvers<void>();
  try {
    const gofer = createGoferApi(connection);
    const extension = factory({ id, config, gofer, objects: createServerObjects(connection, id), clock, log, signal: ending.signal });
    await extension.start?.();
    const stop = (): Promise<void> => {
      stopping ??= endExtension(extension).then(ended.resolve);
      return stopping;
    };
    const routes = createRoutes({ id, extension, externalEventLimit, onShutdown: () => setImmediate(() => void stop()) });
    server = createExtensionServer({ secret, tls, routes, log, onRequest });
    const port = await listen(server, bind);
    server.on('error', (error) => log('error', 'the port failed', { error }));
    return { url: urlOf(bind.host, port, tls !== undefined), ended: ended.promise, stop, kill };
  } catch (error) {
    ending.abort(error);
    throw error;
  }

  function kill(): void {
    stopping ??= Promise.resolve();
    server?.close();
    server?.closeAllConnections();
    ended.resolve();
  }

  async function endExtension(extension: Extension): Promise<void> {
    const closed = new Promise<void>((resolve) => server?.close(() => resolve()));
    server?.closeIdleConnections();
    await within(closed, REQUESTS_MS);
    ending.abort(new Error('The extension is to end.'));
    try {
      const said = Promise.resolve(extension.shutdown?.());
      if (!(await within(said, SHUTDOWN_MS))) log('warn', `the extension's shutdown took longer than ${SHUTDOWN_MS / 1000} seconds`);
    } catch (error) {
      log('error', "the extension's shutdown failed", { error });
    }
    server?.closeAllConnections();
  }
}

/** False where it took longer. */
async function within(work: Promise<void>, milliseconds: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(() => resolve(false), milliseconds);
  });
  try {
    return await Promise.race([work.then(() => true as const), late]);
  } finally {
    clearTimeout(timer);
  }
}

async function listen(server: Server, { host, port }: { host: string; port: number }): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host, port }, () => {
      server.off('error', reject);
      resolve();
    });
  });
  return (server.address() as AddressInfo).port;
}

function urlOf(host: string, port: number, isSecure: boolean): string {
  const everywhere = host === '0.0.0.0' || host === '::';
  const name = everywhere ? '127.0.0.1' : host.includes(':') ? `[${host}]` : host;
  return `${isSecure ? 'https' : 'http'}://${name}:${port}`;
}
