/**
 * The way to the supervisor of one data directory: connects, starts it where there is none, and asks again what a lost connection left
 * unanswered. Every request but `exec` may be repeated: the supervisor and its journal know what has been done.
 */
import { realpathSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { GoferError, type PluginLog } from '@gofer/contracts';
import { type HelloReply, PROTOCOL_VERSION, type Request, type SupervisorSettings } from './protocol.ts';
import { socketPath } from './socket-path.ts';
import { type Answer, ConnectionLost, cancelled, SupervisorConnection } from './supervisor-connection.ts';
import { launchSupervisor } from './supervisor-launch.ts';

export interface CallOptions {
  readonly signal?: AbortSignal;
  /** True: wait for the supervisor to come back, however long. False: reject with `UNAVAILABLE` after some attempts. */
  readonly patient?: boolean;
}

/** How often one call, or one attempt to connect, is begun again. */
const MAX_ATTEMPTS = 5;
/** Another process is starting or ending a supervisor at this very moment: rare, so a short wait is cheaper than being told. */
const LOCKED_WAIT_MS = 20;
const LOCKED_ATTEMPTS = 500;
const PATIENT_WAIT_MS = { first: 500, longest: 30_000 };
/** How long closing waits for the supervisor's last word. */
const GOODBYE_MS = 2000;

export class SupervisorClient {
  readonly #dataDirectory: string;
  readonly #socketPath: string;
  readonly #settings: SupervisorSettings;
  readonly #log: PluginLog;
  #connection: SupervisorConnection | undefined;
  #connecting: Promise<SupervisorConnection> | undefined;
  readonly #closing = new AbortController();

  constructor(dataDirectory: string, settings: SupervisorSettings, log: PluginLog) {
    // One name for one directory, whatever links lead to it.
    this.#dataDirectory = realpathSync(dataDirectory);
    this.#socketPath = socketPath(this.#dataDirectory);
    this.#settings = settings;
    this.#log = log;
  }

  /** A connection that has been greeted. */
  connected(): SupervisorConnection | Promise<SupervisorConnection> {
    if (this.#connection?.open === true) return this.#connection;
    if (this.#closing.signal.aborted) throw new GoferError('UNAVAILABLE', 'the process engine is closed');
    this.#connecting ??= this.#connect().finally(() => {
      this.#connecting = undefined;
    });
    return this.#connecting;
  }

  /** Asks the supervisor, again where the answer was lost. */
  async call<Reply>(request: Request, { signal, patient = false }: CallOptions = {}): Promise<Answer<Reply>> {
    let wait = PATIENT_WAIT_MS.first;
    for (let attempt = 1; ; attempt++) {
      try {
        const connection = await this.connected();
        return await connection.request<Reply>(request, signal);
      } catch (error) {
        if (signal?.aborted === true) throw cancelled();
        if (this.#closing.signal.aborted)
          throw new GoferError('UNAVAILABLE', 'the process engine was closed', {
            cause: error,
          });
        const lost = error instanceof ConnectionLost;
        if (!lost && !(patient && error instanceof GoferError && error.code === 'UNAVAILABLE')) throw error;
        if (lost && attempt < MAX_ATTEMPTS) continue;
        if (!patient)
          throw new GoferError('UNAVAILABLE', 'the process supervisor ends again and again: see supervisor.log in its data directory', {
            cause: error,
          });
        // Who gave up meanwhile is answered by the next attempt.
        await delay(wait, undefined, {
          signal: AbortSignal.any([this.#closing.signal, ...(signal === undefined ? [] : [signal])]),
        }).catch(() => {});
        wait = Math.min(wait * 2, PATIENT_WAIT_MS.longest);
      }
    }
  }

  /** Sends what is not answered, if there is a connection; a new one begins without it. */
  notify(request: Request): void {
    this.#connection?.notify(request);
  }

  async #connect(): Promise<SupervisorConnection> {
    let lost: unknown;
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      const connection = await this.#openOrLaunch();
      try {
        const hello: Request = {
          op: 'hello',
          version: PROTOCOL_VERSION,
          settings: this.#settings,
        };
        const { reply } = await connection.request<HelloReply>(hello);
        if (reply.version === PROTOCOL_VERSION) return this.#adopt(connection, reply.pid);
        if (reply.attempts > 0) throw otherVersion(reply);
        await connection.closed;
      } catch (error) {
        connection.destroy();
        if (!(error instanceof ConnectionLost)) throw error;
        lost = error;
      }
    }
    throw new GoferError('UNAVAILABLE', 'the process supervisor does not answer: see supervisor.log in its data directory', {
      cause: lost,
    });
  }

  async #openOrLaunch(): Promise<SupervisorConnection> {
    for (let attempt = 0; attempt < LOCKED_ATTEMPTS && !this.#closing.signal.aborted; attempt++) {
      try {
        return await SupervisorConnection.open(this.#socketPath);
      } catch (error) {
        if (!nobodyListens(error))
          throw new GoferError('UNAVAILABLE', `no connection to ${this.#socketPath}: ${String(error)}`, { cause: error });
      }
      const options = {
        dataDirectory: this.#dataDirectory,
        socketPath: this.#socketPath,
        settings: this.#settings,
      };
      if ((await launchSupervisor(options)) === 'locked') await delay(LOCKED_WAIT_MS);
    }
    throw new GoferError('UNAVAILABLE', `another process holds ${this.#dataDirectory}/lock, but nobody listens at ${this.#socketPath}`);
  }

  #adopt(connection: SupervisorConnection, pid: number): SupervisorConnection {
    this.#connection = connection;
    void connection.closed.then(() => {
      if (this.#connection === connection) this.#connection = undefined;
      if (connection.retired || this.#closing.signal.aborted) return;
      this.#log('error', `the process supervisor (process ${pid}) died; another one ends its tasks and takes over`, { pid });
      this.warm();
    });
    this.#log('debug', 'connected to the process supervisor', { pid });
    return connection;
  }

  /** Connects in the background, so that the first task does not wait for it. */
  warm(): void {
    Promise.resolve()
      .then(() => this.connected())
      .catch((error: unknown) => {
        if (!this.#closing.signal.aborted)
          this.#log('warn', 'the process supervisor is not available', {
            reason: String(error),
          });
      });
  }

  /** Lets the supervisor go: it ends at once where it has nothing to keep, else it goes on alone. */
  async close(): Promise<void> {
    if (this.#closing.signal.aborted) return;
    this.#closing.abort();
    // Whoever asked for the connection has heard why there is none.
    const connection = (await this.#connecting?.catch(() => undefined)) ?? this.#connection;
    if (connection === undefined) return;
    connection.notify({ op: 'goodbye' });
    const timer = setTimeout(() => connection.destroy(), GOODBYE_MS);
    await connection.closed;
    clearTimeout(timer);
  }
}

function nobodyListens(error: unknown): boolean {
  return (
    error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ECONNREFUSED' || error.code === 'ECONNRESET')
  );
}

function otherVersion({ version, pid, attempts }: HelloReply): GoferError {
  return new GoferError(
    'UNAVAILABLE',
    `another version's process supervisor (process ${pid}, protocol ${version}) still keeps ${attempts} tasks: start that version of gofer until they have ended, or end the process (its tasks then count as failed)`,
  );
}
