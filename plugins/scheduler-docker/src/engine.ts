/**
 * The connection to a Docker engine: requests, streams, and what to do when it goes away.
 *
 * dockerode's transport carries every request; its higher calls are not used, because they repeat a container's whole definition, its
 * environment included, in the URL, and because their answers never come when the connection breaks in the middle of one.
 */
import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { Duplex, Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { GoferError } from '@gofer/contracts';
import type { DockerConfig } from './docker-config.ts';
import { LONGEST_TIMER_MS } from './docker-config.ts';
import type { EngineAddress } from './engine-address.ts';
import { engineAddress } from './engine-address.ts';
import { ConnectionLost, EngineError, engineFailure, isStatus } from './engine-error.ts';

export interface EngineRequest {
  readonly method: 'GET' | 'POST' | 'DELETE';
  /** Begins with `/`, without a query. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: object;
  readonly registryAuth?: {
    readonly username: string;
    readonly password: string;
    readonly serveraddress: string;
  };
  readonly signal?: AbortSignal;
  /** It has an effect each time: where its answer is lost, whoever sent it must look first what it has done. */
  readonly once?: true;
}

/** The part of docker-modem that is used. */
interface Modem {
  dial(options: { readonly path: string }, callback: (error: Error | null, result: unknown) => void): void;
}

const FIRST_RETRY_MS = 100;
const LAST_RETRY_MS = 5_000;
/** Where the answer to a request is lost with the connection, asking again is safe, but for those that say `once`. */
const BROKEN = new Set(['ECONNRESET', 'EPIPE']);
const SUCCESS = { 101: true, 200: true, 201: true, 204: true, 304: true };

export class Engine {
  readonly address: EngineAddress;
  #modem: Modem;
  /** For a connection of its own. */
  #freshModem: Modem;
  #agent: HttpAgent;
  /** The time that one request may take, milliseconds. */
  readonly timeoutMs: number;
  #closing = new AbortController();
  /** One for each request whose answer is not read to its end. */
  #requests = new Set<AbortController>();
  /** No longer part of a request. */
  #hijacked = new Set<Duplex>();
  #recovery: { promise: Promise<void>; stop: AbortController; waiting: number } | undefined;

  private constructor(address: EngineAddress, modems: { usual: Modem; fresh: Modem }, agent: HttpAgent, timeoutMs: number) {
    this.address = address;
    this.#modem = modems.usual;
    this.#freshModem = modems.fresh;
    this.#agent = agent;
    this.timeoutMs = timeoutMs;
  }

  /** Connects to nothing yet. Imports dockerode here, because that takes 200 ms. */
  static async open(config: Pick<DockerConfig, 'host' | 'timeout'>): Promise<Engine> {
    const { default: Docker } = await import('dockerode');
    const address = engineAddress(config.host, process.env);
    const probe = new Docker(address.options);
    const secure = Reflect.get(probe.modem, 'protocol') === 'https';
    // One socket a request that waits, without a limit: 200 tasks wait at once.
    const agent = secure ? new HttpsAgent({ keepAlive: true, maxFreeSockets: 16 }) : new HttpAgent({ keepAlive: true, maxFreeSockets: 16 });
    const freshAgent = secure ? new HttpsAgent({ keepAlive: false }) : new HttpAgent({ keepAlive: false });
    const modem = (each: HttpAgent): Modem => {
      const options = { ...address.options, agent: each };
      return new Docker(options).modem;
    };
    return new Engine(address, { usual: modem(agent), fresh: modem(freshAgent) }, agent, Math.min(config.timeout * 1000, LONGEST_TIMER_MS));
  }

  /** The parsed answer, `undefined` for an empty one. Rejects with `EngineError` or `ConnectionLost`, when aborted with `CANCELLED`. */
  json<Answer>(request: EngineRequest): Promise<Answer> {
    return this.#inTime(request, (limited) => this.answer<Answer>(limited));
  }

  /** Like `json`, for an answer that may take for ever. */
  async answer<Answer>(request: EngineRequest): Promise<Answer> {
    const parts: Buffer[] = [];
    for await (const part of this.read(await this.stream(request), request.signal)) parts.push(part);
    const text = Buffer.concat(parts).toString();
    if (text.trim() === '') return undefined as Answer;
    try {
      return JSON.parse(text) as Answer;
    } catch {
      // The engine died while it wrote. The parser's own message quotes the answer, which may be a container's definition.
      throw new ConnectionLost(`half an answer to ${request.method} ${request.path}`);
    }
  }

  /** The body of a successful answer. The caller must read it to its end or destroy it. */
  async stream(request: EngineRequest): Promise<Readable> {
    return bodyOf(request, await this.#dial(request, false));
  }

  /** The parts of an answer that comes at once. Rejects with `ConnectionLost`, too, when nothing comes within the time that a request may take. */
  async *parts(request: EngineRequest): AsyncGenerator<Buffer> {
    const stream = await this.#inTime(request, async (limited) => bodyOf(request, await this.#dial(limited, false)));
    yield* this.read(stream, request.signal, this.timeoutMs);
  }

  /** The raw connection behind a request that the engine turns into one. The caller must destroy it. */
  async hijack(request: EngineRequest): Promise<Duplex> {
    const result = await this.#inTime(request, (limited) => this.#dial(limited, true));
    if (result instanceof Duplex) {
      this.#hijacked.add(result);
      result.once('close', () => this.#hijacked.delete(result));
      return result;
    }
    if (result instanceof Readable) result.destroy();
    throw new ConnectionLost(
      `${request.method} ${request.path} was not upgraded: is there a proxy in front of the engine that does not let it through?`,
    );
  }

  /**
   * The parts of a stream; what breaks it, such as a silence that is too long, is `ConnectionLost`, or `CANCELLED` when aborted. Destroys
   * it when the reader leaves.
   */
  async *read(stream: Readable, signal?: AbortSignal, silentAtMostMs?: number): AsyncGenerator<Buffer> {
    const abort = (): void => void stream.destroy();
    const giveUp = (): void => void stream.destroy(new Error(`the engine has been silent for ${(silentAtMostMs ?? 0) / 1000} s`));
    let silence: NodeJS.Timeout | undefined;
    const listen = (): void => {
      if (silentAtMostMs !== undefined) silence = setTimeout(giveUp, silentAtMostMs);
    };
    signal?.addEventListener('abort', abort, { once: true });
    try {
      throwIfAborted(signal);
      listen();
      for await (const part of stream) {
        clearTimeout(silence);
        if (Buffer.isBuffer(part)) yield part;
        listen();
      }
      throwIfAborted(signal);
    } catch (error) {
      throwIfAborted(signal);
      throw new ConnectionLost(error instanceof Error ? error.message : String(error), { cause: error });
    } finally {
      clearTimeout(silence);
      signal?.removeEventListener('abort', abort);
      stream.destroy();
    }
  }

  /**
   * Resolves once the engine answers. Asks again and again, at growing distances, only while somebody waits; however many wait, one
   * asks. Rejects with `CANCELLED` when aborted and `UNAVAILABLE` when closed.
   */
  async whenReachable(signal: AbortSignal): Promise<void> {
    throwIfAborted(signal);
    if (this.#closing.signal.aborted) throw closed();
    this.#recovery ??= this.#recover();
    const recovery = this.#recovery;
    recovery.waiting += 1;
    const { promise: left, resolve: leave } = Promise.withResolvers<void>();
    const abort = (): void => leave();
    signal.addEventListener('abort', abort, { once: true });
    try {
      await Promise.race([recovery.promise, left]);
    } finally {
      signal.removeEventListener('abort', abort);
      recovery.waiting -= 1;
      if (recovery.waiting === 0) recovery.stop.abort();
    }
    throwIfAborted(signal);
  }

  close(): void {
    this.#closing.abort();
    this.#recovery?.stop.abort();
    for (const request of this.#requests) request.abort();
    for (const socket of this.#hijacked) socket.destroy();
    this.#agent.destroy();
  }

  /** What the contract says for an error of the engine: `UNAVAILABLE`, or `INTERNAL` with its words. Ours pass. */
  failure(error: unknown): GoferError {
    return engineFailure(error, this.address.display);
  }

  /**
   * The cause of a failure. An engine that shuts down takes no new connection, but still serves the ones it has, with whatever of it
   * is left: what it calls its own error is then the loss of the connection.
   */
  async causeOf(error: unknown): Promise<unknown> {
    if (!isStatus(error, 500)) return error;
    const request: EngineRequest = { method: 'GET', path: '/_ping' };
    try {
      const answer = await this.#inTime(request, (limited) => this.#dial(limited, false, this.#freshModem));
      if (answer instanceof Readable) answer.destroy();
      return error;
    } catch (lost) {
      return lost instanceof ConnectionLost ? lost : error;
    }
  }

  #recover(): {
    promise: Promise<void>;
    stop: AbortController;
    waiting: number;
  } {
    const stop = new AbortController();
    const recovery = { promise: this.#knock(stop.signal), stop, waiting: 0 };
    void recovery.promise.finally(() => {
      if (this.#recovery === recovery) this.#recovery = undefined;
    });
    stop.signal.addEventListener('abort', () => {
      if (this.#recovery === recovery) this.#recovery = undefined;
    });
    return recovery;
  }

  /** Never rejects: whoever waits looks at its own signal. */
  async #knock(stop: AbortSignal): Promise<void> {
    for (let pause = FIRST_RETRY_MS; !stop.aborted; pause = Math.min(pause * 2, LAST_RETRY_MS)) {
      try {
        await this.json({ method: 'GET', path: '/version', signal: stop });
        return;
      } catch {
        // Still away, whatever the reason: those who wait say which request it was that failed.
        await delay(pause, undefined, { signal: stop }).catch(() => undefined);
      }
    }
  }

  /** Gives up after the time that one request may take, and asks once more when an idle connection turned out to be dead. */
  async #inTime<Result>(request: EngineRequest, attempt: (limited: EngineRequest) => Promise<Result>): Promise<Result> {
    const timer = new AbortController();
    const timeout = setTimeout(() => timer.abort(), this.timeoutMs);
    const signal = request.signal === undefined ? timer.signal : AbortSignal.any([timer.signal, request.signal]);
    const limited = { ...request, signal };
    try {
      return await attempt(limited).catch((error: unknown) => {
        const isRepeatable = request.once !== true && !signal.aborted;
        if (isRepeatable && error instanceof ConnectionLost && BROKEN.has(error.systemCode)) return attempt(limited);
        throw error;
      });
    } catch (error) {
      if (!timer.signal.aborted || request.signal?.aborted === true) throw error;
      const what = `no answer to ${request.method} ${request.path} within ${this.timeoutMs / 1000} s (scheduler.docker.timeout)`;
      throw new ConnectionLost(what, { cause: error });
    } finally {
      clearTimeout(timeout);
    }
  }

  async #dial(request: EngineRequest, hijack: boolean, modem = this.#modem): Promise<unknown> {
    throwIfAborted(request.signal);
    if (this.#closing.signal.aborted) throw closed();
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    const controller = new AbortController();
    const abort = (): void => controller.abort();
    request.signal?.addEventListener('abort', abort, { once: true });
    this.#requests.add(controller);
    const release = (): void => {
      request.signal?.removeEventListener('abort', abort);
      this.#requests.delete(controller);
    };
    const options = {
      path: `${request.path}?`,
      method: request.method,
      options: { _query: request.query ?? {}, _body: request.body ?? {} },
      ...(request.registryAuth === undefined ? {} : { authconfig: request.registryAuth }),
      abortSignal: controller.signal,
      isStream: true,
      hijack,
      statusCodes: SUCCESS,
    };
    modem.dial(options, (error, result) => {
      if (result instanceof Readable) result.once('close', release);
      else release();
      if (error === null) resolve(result);
      else if (request.signal?.aborted === true) reject(cancelled());
      else if (this.#closing.signal.aborted) reject(closed());
      else reject(EngineError.of(error) ?? ConnectionLost.of(error));
    });
    return promise;
  }
}

function bodyOf({ method, path }: EngineRequest, result: unknown): Readable {
  if (result instanceof Readable) return result;
  throw new ConnectionLost(`${method} ${path} was answered without a body`);
}

export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) throw cancelled();
}

function cancelled(): GoferError {
  return new GoferError('CANCELLED', 'the caller gave up');
}

function closed(): GoferError {
  return new GoferError('UNAVAILABLE', 'the Docker scheduler is closed');
}
