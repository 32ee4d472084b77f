/**
 * A server that asks for tokens, in this process, on a directory of its own: over real sockets, with a real database. What its tasks are
 * given is remembered, since nothing that the server writes or answers shows it. It may be stopped, its database changed as if time had
 * passed, and begun again.
 */
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { Agent, type IncomingHttpHeaders, request } from 'node:http';
import { request as requestOverTls, Agent as TlsAgent } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadServerConfig } from '@gofer/config';
import type { PluginDefinition, TaskSpec } from '@gofer/contracts';
import type { ErrorBody } from '@gofer/contracts/api';
import { type RunningServer, startServer } from '@gofer/kernel';
import { plugin as fake } from '@gofer/scheduler-fake';
import SQLite from 'better-sqlite3';
import { openSocket, type Socket } from '../clients/open-socket.ts';
import { processesUsing, until } from '../e2e/leftovers.ts';

/** A disk in memory where there is one: these tests are about who may do what, not about how long a disk takes. */
const PARENT = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();
export const ENCRYPTION_KEY = 'k'.repeat(32);

export interface Sent {
  readonly token?: string | undefined;
  /** What the browser holds as its session. */
  readonly cookie?: string | undefined;
  readonly headers?: Readonly<Record<string, string>>;
  /** JSON, or bytes as they are. */
  readonly body?: unknown;
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  /** Of an error. */
  readonly code: string | undefined;
}

export class AccessServer {
  readonly directory: string;
  readonly log: string[] = [];
  /** What each attempt was given, in the order of their starts. */
  readonly started: TaskSpec[] = [];
  /** The first token's secret. */
  admin = '';
  readonly #flags: Readonly<Record<string, string>>;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 16 });
  /** Of the certificate that a server makes itself nobody knows anything. */
  readonly #tlsAgent = new TlsAgent({ keepAlive: true, maxSockets: 16, rejectUnauthorized: false });
  #server: RunningServer | undefined;

  private constructor(directory: string, flags: Readonly<Record<string, string>>) {
    this.directory = directory;
    this.#flags = flags;
  }

  /** Begins, and takes the first token unless it is left to others. */
  static async start(
    flags: Readonly<Record<string, string>> = {},
    { bootstrap = true }: { readonly bootstrap?: boolean } = {},
  ): Promise<AccessServer> {
    const server = new AccessServer(await mkdtemp(join(PARENT, 'gofer-access-')), flags);
    try {
      await server.begin();
      if (bootstrap) server.admin = (await server.ask<{ secret: string }>('POST', '/api/tokens/bootstrap')).secret;
    } catch (error) {
      await server.close();
      throw error;
    }
    return server;
  }

  get url(): string {
    return this.#server?.url ?? 'http://127.0.0.1:1';
  }

  get databasePath(): string {
    return join(this.directory, 'gofer.db');
  }

  async begin(): Promise<void> {
    const { directory } = this;
    const loaded = await loadServerConfig({
      environment: { XDG_STATE_HOME: directory },
      systemConfigPath: join(directory, 'none.toml'),
      homeDirectory: directory,
      flags: {
        'server.bind_address': '127.0.0.1:0',
        'external_events.enable': 'false',
        'server.storage_path': this.databasePath,
        'server.shutdown_timeout': '2s',
        'api.task_execution_logs_dir': join(directory, 'logs'),
        'scheduler.engine': 'fake',
        'scheduler.process.idle_timeout': '1',
        'object_store.engine': 'filesystem',
        'secret_store.sqlite.encryption_key': ENCRYPTION_KEY,
        'development.bypass_auth': 'false',
        'limits.failed_authentications': '0',
        'workers.log_threads': '1',
        'extensions.install_std_extensions': 'false',
        ...this.#flags,
      },
    });
    this.#server = await startServer({
      loaded,
      builtIns: {
        scheduler: {
          fake: async () => ({ plugin: this.#watched(fake) }),
          process: async () => ({ plugin: this.#watched((await import('@gofer/scheduler-process')).plugin) }),
        },
        object_store: { filesystem: () => import('@gofer/object-store-filesystem') },
        secret_store: { sqlite: () => import('@gofer/secret-store-sqlite') },
        auth: { token: () => import('@gofer/auth-token') },
        automatic: ['fake'],
      },
      metadata: { semver: '1.0.0', commit: 'test' },
      write: (line) => void this.log.push(line),
    });
  }

  async stop(): Promise<void> {
    await this.#server?.stop();
    this.#server = undefined;
  }

  /** `edit` changes the database of the stopped server. */
  async restart(edit?: (database: SQLite.Database) => void): Promise<void> {
    await this.stop();
    if (edit !== undefined) {
      const database = new SQLite(this.databasePath);
      try {
        edit(database);
      } finally {
        database.close();
      }
    }
    await this.begin();
  }

  async close(): Promise<void> {
    await this.stop();
    this.#agent.destroy();
    this.#tlsAgent.destroy();
    await until('the end of what runs tasks', async () => (await processesUsing(this.directory)).length === 0);
    await rm(this.directory, { recursive: true, force: true });
  }

  /** `path` as it is sent. */
  call(method: string, path: string, sent: Sent = {}, base = this.url): Promise<Answer> {
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    const { hostname, port, protocol } = new URL(base);
    const host = hostname.replace(/^\[|\]$/g, '');
    const bytes = bytesOf(sent.body);
    const sized = bytes === undefined ? {} : { 'content-type': 'application/json', 'content-length': bytes.length };
    const headers = { ...sized, ...headersOf(sent) };
    const isTls = protocol === 'https:';
    const to = { host, port, method, path, headers, agent: isTls ? this.#tlsAgent : this.#agent };
    const asked = (isTls ? requestOverTls : request)(to, (incoming) => {
      const chunks: Buffer[] = [];
      incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
      incoming.on('error', reject);
      incoming.on('end', () => {
        const text = Buffer.concat(chunks).toString();
        const status = incoming.statusCode ?? 0;
        resolve({ status, headers: incoming.headers, text, code: status < 400 || text === '' ? undefined : codeIn(text) });
      });
    });
    asked.on('error', reject);
    asked.end(bytes);
    return promise;
  }

  /** The answer's body; rejects with the answer where it is no success. The first token's unless another is named. */
  async ask<Body>(method: string, path: string, body?: unknown, token = this.admin): Promise<Body> {
    const answer = await this.call(method, path, { token: token === '' ? undefined : token, ...(body === undefined ? {} : { body }) });
    if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status} ${answer.text}`);
    return (answer.text === '' ? {} : JSON.parse(answer.text)) as Body;
  }

  socket(path: string, sent: Sent = {}, protocols: readonly string[] = [], base = this.url): Promise<Socket> {
    return openSocket(`${base.replace(/^http/, 'ws')}${path}`, protocols, headersOf(sent));
  }

  /** A scheduler that tells what it is asked to start. */
  #watched<Config>(plugin: PluginDefinition<'scheduler', Config>): PluginDefinition<'scheduler', Config> {
    const { started } = this;
    return {
      ...plugin,
      async create(config, host) {
        const scheduler = await plugin.create(config, host);
        const start = scheduler.start.bind(scheduler);
        scheduler.start = (spec, signal) => {
          started.push(spec);
          return start(spec, signal);
        };
        return scheduler;
      },
    };
  }
}

function headersOf({ token, cookie, headers }: Sent): Record<string, string> {
  return {
    'gofer-api-version': 'v0',
    ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    ...(cookie === undefined ? {} : { cookie: `gofer_session=${cookie}` }),
    ...headers,
  };
}

function bytesOf(body: unknown): Buffer | undefined {
  if (body === undefined) return undefined;
  return body instanceof Uint8Array ? Buffer.from(body) : Buffer.from(JSON.stringify(body));
}

function codeIn(text: string): string | undefined {
  return (JSON.parse(text) as Partial<ErrorBody>).error_code;
}
