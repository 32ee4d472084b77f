/**
 * The server as users get it: the `gofer` command in a process of its own, on a directory of its own and a free loopback port. It may be
 * killed and begun again on the same state; `close` ends it and sees that nothing of it is left on the machine.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { Agent, type IncomingHttpHeaders, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { ErrorBody, Run, TaskExecution } from '@gofer/contracts/api';
import { openSocket, type Socket } from '../clients/open-socket.ts';
import { processesUsing, until } from './leftovers.ts';

export const GOFER = join(import.meta.dirname, '../../cli/bin/gofer.mjs');
export const VERSION = { 'gofer-api-version': 'v0' };
const IMAGE = 'gofer-test/busybox:latest';
const READY_LIMIT_MS = 60_000;

export type Engine = 'fake' | 'process' | 'docker';
type Headers = Readonly<Record<string, string>>;

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  /** Parsed; what is in it is the caller's to check. */
  json(): unknown;
}

/** What a test says of a task; the rest is filled in. */
export interface TaskSketch {
  readonly id: string;
  readonly image?: string;
  readonly command?: readonly string[];
  /** In the place of a command: for `sh -c`. */
  readonly script?: string;
  readonly depends_on?: Readonly<Record<string, 'Any' | 'Success' | 'Failure'>>;
  readonly variables?: Readonly<Record<string, string>>;
  readonly registry_auth?: { readonly user: string; readonly pass: string };
  readonly inject_api_token?: boolean;
  /** Beyond v0: time limits, retries, `always`. */
  readonly timeout?: number;
  readonly start_timeout?: number;
  readonly retries?: number;
  readonly retry_on?: readonly (string | number)[];
  readonly retry_backoff?: { readonly initial?: number; readonly maximum?: number };
  readonly always?: true;
}

/** What a test may say of a pipeline beyond v0. */
export interface PipelineSettings {
  readonly timeout?: number;
  readonly start_timeout?: number;
  readonly concurrency?: 'queue' | 'cancel_oldest' | 'cancel_newest';
}

export interface ServerOptions {
  /** As `SECTION.KEY=VALUE`. */
  readonly settings?: readonly string[];
  readonly env?: Headers;
  /** The file mode creation mask that it is started with, octal. */
  readonly umask?: string;
  /** Of loopback; one that is free where absent, and another one after each start. */
  readonly port?: number;
  /** A directory that exists and stays the caller's; else one is made and removed. */
  readonly directory?: string;
}

/** A pipeline's JSON as the SDK prints it. */
export function pipelineJson(id: string, tasks: readonly TaskSketch[], parallelism = 0, settings: PipelineSettings = {}) {
  return {
    id,
    name: id,
    description: '',
    parallelism,
    ...settings,
    tasks: tasks.map(({ script, ...task }) => ({
      image: IMAGE,
      depends_on: {},
      variables: {},
      inject_api_token: false,
      always_pull_newest_image: false,
      ...(script === undefined ? {} : { command: ['sh', '-c', script] }),
      ...task,
    })),
  };
}

export class GoferServer {
  readonly directory: string;
  /** What it has logged, since the first start. */
  readonly log: string[] = [];
  readonly #flags: readonly string[];
  readonly #env: NodeJS.ProcessEnv;
  readonly #umask: string | undefined;
  readonly #ownsDirectory: boolean;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 256 });
  #process: ChildProcess | undefined;
  #url = new URL('http://127.0.0.1:1');

  constructor(engine: Engine, { settings = [], env = {}, directory, umask, port = 0 }: ServerOptions = {}) {
    this.#umask = umask;
    this.#ownsDirectory = directory === undefined;
    this.directory = directory ?? mkdtempSync(join(tmpdir(), 'gofer-e2e-'));
    const takesEvents = settings.some((setting) => setting.startsWith('external_events.'));
    // A supervisor that is idle goes soon, so that its going can be waited for.
    const usual = ['scheduler.process.idle_timeout=1', 'api.task_execution_stop_timeout=5s', 'extensions.install_std_extensions=false'];
    const isGiven = (setting: string): boolean => settings.some((each) => each.startsWith(setting.slice(0, setting.indexOf('=') + 1)));
    const all = [...(takesEvents ? [] : ['external_events.enable=false']), ...usual.filter((setting) => !isGiven(setting)), ...settings];
    this.#flags = ['--bind-address', `127.0.0.1:${port}`, '--scheduler', engine, ...all.flatMap((setting) => ['--set', setting])];
    this.#env = { PATH: process.env['PATH'], HOME: this.directory, XDG_STATE_HOME: this.directory, ...env };
  }

  static async start(engine: Engine, options: ServerOptions = {}): Promise<GoferServer> {
    const server = new GoferServer(engine, options);
    try {
      await server.begin();
    } catch (error) {
      await server.close();
      throw error;
    }
    return server;
  }

  get url(): string {
    return this.#url.origin;
  }

  get pid(): number {
    return this.#process?.pid ?? 0;
  }

  /** Resolves when it is ready; rejects with what it wrote if it ends before that. */
  async begin(): Promise<void> {
    const child = this.#spawn();
    this.#process = child;
    const ready = Promise.withResolvers<URL>();
    for (const stream of [child.stdout, child.stderr]) {
      if (stream === null) continue;
      createInterface({ input: stream }).on('line', (line) => {
        this.log.push(line);
        const url = /is ready at (http:\/\/[^\s"]+)/.exec(line)?.[1];
        if (url !== undefined) ready.resolve(new URL(url));
      });
    }
    child.once('exit', (code) => ready.reject(new Error(`the server ended with ${code} before it was ready:\n${this.log.join('\n')}`)));
    const late = setTimeout(() => ready.reject(new Error(`the server is not ready:\n${this.log.join('\n')}`)), READY_LIMIT_MS);
    try {
      this.#url = await ready.promise;
    } finally {
      clearTimeout(late);
    }
  }

  /** Another server on the same state, to its end. */
  async beginAnother(flags: readonly string[] = []): Promise<{ readonly code: number | null; readonly output: string }> {
    const child = this.#spawn(flags);
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk: Buffer) => (output += chunk.toString()));
    const [code] = (await once(child, 'close')) as [number | null];
    return { code, output };
  }

  /** Resolves with its exit code when it has ended. */
  async end(signal: 'SIGTERM' | 'SIGKILL'): Promise<number | null> {
    const child = this.#process;
    if (child === undefined) return null;
    this.#process = undefined;
    if (child.exitCode === null && child.signalCode === null) {
      const ended = once(child, 'exit');
      child.kill(signal);
      await ended;
    }
    return child.exitCode;
  }

  async close(): Promise<void> {
    await this.end('SIGTERM');
    this.#agent.destroy();
    try {
      await until(`the end of every process that uses ${this.directory}`, async () => (await processesUsing(this.directory)).length === 0);
    } finally {
      if (this.#ownsDirectory) rmSync(this.directory, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
    }
  }

  #spawn(flags: readonly string[] = []): ChildProcess {
    const argv = [GOFER, 'service', 'start', ...this.#flags, ...flags];
    const [file, ...words] =
      this.#umask === undefined
        ? [process.execPath, ...argv]
        : ['/bin/sh', '-c', 'umask "$0"; exec "$@"', this.#umask, process.execPath, ...argv];
    return spawn(file ?? '', words, { env: this.#env, stdio: ['ignore', 'pipe', 'pipe'] });
  }

  /** `path` as it is sent, `body` as JSON unless it is bytes. */
  call(method: string, path: string, body?: object, headers: Headers = VERSION): Promise<Answer> {
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    const bytes = body === undefined || body instanceof Uint8Array ? body : Buffer.from(JSON.stringify(body));
    const length = headers['transfer-encoding'] === undefined ? { 'content-length': bytes?.length } : {};
    const sized = bytes === undefined ? {} : { 'content-type': 'application/json', ...length };
    const to = { host: this.#url.hostname, port: this.#url.port, method, path, agent: this.#agent, headers: { ...sized, ...headers } };
    const asked = request(to, (incoming) => {
      const chunks: Buffer[] = [];
      incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
      incoming.on('error', reject);
      incoming.on('end', () => {
        const whole = Buffer.concat(chunks);
        const json = (): unknown => JSON.parse(whole.toString());
        resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, body: whole, json });
      });
    });
    asked.on('error', reject);
    asked.end(bytes);
    return promise;
  }

  /** As `call`, but rejects with the answer where it is no success. */
  async ask<Body>(method: string, path: string, body?: object): Promise<Body> {
    const answer = await this.call(method, path, body);
    if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status} ${answer.body.toString()}`);
    return (answer.status === 204 ? {} : answer.json()) as Body;
  }

  async refusal(method: string, path: string, body?: object, headers: Headers = VERSION): Promise<ErrorBody & { readonly status: number }> {
    const answer = await this.call(method, path, body, headers);
    return { status: answer.status, ...(answer.json() as ErrorBody) };
  }

  /** Registers it and makes it live. */
  async deploy(id: string, tasks: readonly TaskSketch[], parallelism = 0, settings: PipelineSettings = {}): Promise<void> {
    const configs = `${pipelinePath(id)}/configs`;
    const { pipeline } = await this.ask<{ pipeline: { config: { version: number } } }>('POST', configs, {
      config: pipelineJson(id, tasks, parallelism, settings),
    });
    await this.ask('POST', `${configs}/${pipeline.config.version}`);
  }

  /** `waitSeconds`: answer when it has ended, or then. */
  async run(id: string, waitSeconds = 0, variables: Readonly<Record<string, string>> = {}): Promise<Run> {
    return (await this.ask<{ run: Run }>('POST', `${pipelinePath(id)}/runs?wait=${waitSeconds}`, { variables })).run;
  }

  async getRun(id: string, run: number, waitSeconds = 0): Promise<Run> {
    return (await this.ask<{ run: Run }>('GET', `${pipelinePath(id)}/runs/${run}?wait=${waitSeconds}`)).run;
  }

  async task(id: string, run: number, task: string): Promise<TaskExecution> {
    return (await this.ask<{ task_execution: TaskExecution }>('GET', taskPath(id, run, task))).task_execution;
  }

  async tasks(id: string, run: number): Promise<readonly TaskExecution[]> {
    return (await this.ask<{ task_executions: TaskExecution[] }>('GET', `${pipelinePath(id)}/runs/${run}/tasks`)).task_executions;
  }

  /** Status by task. */
  async statuses(id: string, run: number): Promise<Record<string, string>> {
    return Object.fromEntries((await this.tasks(id, run)).map(({ task_id, status }) => [task_id, status]));
  }

  /** The bytes of a task's log. */
  async rawLog(id: string, run: number, task: string): Promise<Buffer> {
    const answer = await this.call('GET', `${taskPath(id, run, task)}/logs/raw`);
    if (answer.status !== 200) throw new Error(`the log of ${task}: ${answer.status} ${answer.body.toString()}`);
    return answer.body;
  }

  follow(id: string, run: number, task: string, protocols: readonly string[] = []): Promise<Socket> {
    return this.socket(`${taskPath(id, run, task)}/logs`, protocols);
  }

  socket(path: string, protocols: readonly string[] = [], headers: Headers = VERSION): Promise<Socket> {
    return openSocket(`ws://${this.#url.host}${path}`, protocols, headers);
  }
}

export function pipelinePath(id: string): string {
  return `/api/namespaces/default/pipelines/${id}`;
}

export function taskPath(id: string, run: number, task: string): string {
  return `${pipelinePath(id)}/runs/${run}/tasks/${task}`;
}
