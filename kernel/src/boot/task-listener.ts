/**
 * How tasks reach the API. Where they cannot use the main listener (it is on loopback and they are in containers, or it speaks TLS with a
 * certificate that they do not know) there is a second one for them, in clear, on an address that only this machine and its tasks have. It
 * never bypasses authentication and takes the tokens of tasks only.
 */
import { codeOf, GoferError, type PluginLog, type Scheduler } from '@gofer/contracts';
import type { TaskAccess } from '../access/task-tokens.ts';
import type { HttpServer } from '../http/index.ts';

export interface TaskListenerOptions {
  readonly scheduler: Pick<Scheduler, 'hostAccess'>;
  readonly engine: string;
  /** `server.extension_address`: whoever sets it sees to it that it leads to the main listener. */
  readonly configured: string | undefined;
  /** Where the main listener listens, as a URL. */
  readonly main: string;
  readonly bypassed: boolean;
  /** A server for tasks on `host:port`. */
  readonly create: (bindAddress: string) => HttpServer;
  readonly log: PluginLog;
}

/** Ports above the main one that are tried; the one above it is the usual one of external events. */
const PORT_STEPS = [0, 2, 3, 4, 5];

type Answer = Awaited<ReturnType<TaskAccess['baseUrl']>>;

export class TaskListener implements TaskAccess {
  readonly #answer = Promise.withResolvers<Answer>();
  #server: HttpServer | undefined;
  #closed = false;

  baseUrl(): Promise<Answer> {
    return this.#answer.promise;
  }

  /** To be called once the main listener listens. What goes wrong is logged, and told to the tasks that would need it; never rejects. */
  async open(options: TaskListenerOptions): Promise<void> {
    try {
      this.#answer.resolve(await this.#find(options));
    } catch (error) {
      if (this.#closed) return;
      const reason = error instanceof Error ? error.message : String(error);
      options.log('warn', 'tasks cannot reach this server: set server.extension_address', { scheduler: options.engine, reason });
      this.#answer.resolve({ missing: reason });
    }
  }

  async close(graceMs: number): Promise<void> {
    this.#closed = true;
    this.#answer.resolve({ missing: 'the server is stopping' });
    await this.#server?.close(graceMs);
  }

  async #find({ scheduler, engine, configured, main, bypassed, create, log }: TaskListenerOptions): Promise<Answer> {
    const url = new URL(main);
    if (configured !== undefined) return { url: `${url.protocol}//${configured}` };
    const { address } = await scheduler.hostAccess();
    if (address === undefined)
      throw new GoferError('UNSUPPORTED', `the scheduler '${engine}' knows no address under which tasks reach this machine`);
    // A URL leaves out the usual port of its scheme.
    const port = Number(url.port === '' ? (url.protocol === 'https:' ? 443 : 80) : url.port);
    const host = url.hostname.replace(/^\[|\]$/g, '');
    const isReached = isWildcard(host) || host === address || (isLoopback(host) && isLoopback(address));
    if (url.protocol === 'http:' && isReached && (!bypassed || isLoopback(address)))
      return { url: `http://${bracket(isWildcard(host) ? address : host)}:${port}` };
    if (this.#closed) throw stopping();
    const server = await listenNear(address, port, create);
    this.#server = server;
    if (this.#closed) {
      await server.close(0);
      throw stopping();
    }
    log('info', `tasks reach this server at ${server.address ?? ''}`, { scheduler: engine });
    return { url: server.address ?? '' };
  }
}

function stopping(): GoferError {
  return new GoferError('CANCELLED', 'the server is stopping');
}

/** On the main listener's own port where that is free there, so that a task that outlives this server finds the next one. */
async function listenNear(address: string, mainPort: number, create: (bindAddress: string) => HttpServer): Promise<HttpServer> {
  for (const port of [...PORT_STEPS.map((step) => mainPort + step).filter((candidate) => candidate <= 65_535), 0]) {
    const server = create(`${bracket(address)}:${port}`);
    try {
      await server.listen();
      return server;
    } catch (error) {
      if (codeOf(error) !== 'LOCKED') throw error;
    }
  }
  throw new GoferError('LOCKED', `no port of ${address} is free`);
}

function bracket(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}

function isWildcard(host: string): boolean {
  return host === '0.0.0.0' || host === '::';
}

function isLoopback(host: string): boolean {
  return host === '::1' || host.startsWith('127.');
}
