/** A real server for a measurement: the `gofer` command in a process of its own, on a temporary directory and a free loopback port. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { Agent, type IncomingMessage, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const GOFER = join(import.meta.dirname, '../../cli/bin/gofer.mjs');
const HEADERS = { 'gofer-api-version': 'v0' };
const IMAGE = process.env['GOFER_BENCH_IMAGE'] ?? 'gofer-test/busybox:latest';

export interface BenchTask {
  readonly id: string;
  readonly command: readonly string[];
  readonly after?: readonly string[];
}
export interface Answer {
  readonly status: number;
  readonly body: Buffer;
}

export class BenchServer {
  readonly url: URL;
  /** Where it takes external events; undefined where it takes none. */
  readonly externalEvents: string | undefined;
  readonly pid: number;
  readonly directory: string;
  /** From the start of the process to its readiness. */
  readonly readyMs: number;
  /** Sent with every call; absent where the server asks for none. */
  token: string | undefined;
  readonly #process: ChildProcess;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 256 });

  private constructor(child: ChildProcess, line: string, url: string, directory: string, readyMs: number) {
    this.#process = child;
    this.url = new URL(url);
    this.externalEvents = /externalEvents\W+(http:\/\/[\d.:]+)/.exec(line)?.[1];
    this.pid = child.pid ?? 0;
    this.directory = directory;
    this.readyMs = readyMs;
  }

  static async start(
    engine: 'docker' | 'process' | 'fake',
    settings: readonly string[] = [],
    nodeFlags: readonly string[] = [],
  ): Promise<BenchServer> {
    const directory = mkdtempSync(join(process.env['GOFER_BENCH_DIR'] ?? tmpdir(), 'gofer-bench-'));
    const started = performance.now();
    const takesEvents = settings.some((setting) => setting.startsWith('external_events.'));
    const all = [...(takesEvents ? [] : ['external_events.enable=false']), 'extensions.install_std_extensions=false', ...settings];
    const flags = ['--bind-address', '127.0.0.1:0', '--scheduler', engine, ...all.flatMap((setting) => ['--set', setting])];
    const child = spawn(process.execPath, [...nodeFlags, GOFER, 'service', 'start', ...flags], {
      env: { PATH: process.env['PATH'], HOME: directory, XDG_STATE_HOME: directory },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const lines = createInterface({ input: child.stdout });
    for await (const line of lines) {
      const url = /is ready at (http:\/\/[^\s"]+)/.exec(line)?.[1];
      if (url === undefined) continue;
      child.stdout.resume();
      return new BenchServer(child, line, url, directory, performance.now() - started);
    }
    throw new Error('the server ended before it was ready');
  }

  async stop(): Promise<void> {
    this.#agent.destroy();
    const ended = once(this.#process, 'exit');
    this.#process.kill('SIGTERM');
    await ended;
    rmSync(this.directory, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
  }

  call(method: string, path: string, body?: unknown): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const text = body === undefined ? undefined : Buffer.from(JSON.stringify(body));
      const credentials = this.token === undefined ? {} : { authorization: `Bearer ${this.token}` };
      const headers = {
        ...HEADERS,
        ...credentials,
        ...(text === undefined ? {} : { 'content-type': 'application/json', 'content-length': text.length }),
      };
      const sent = request(
        { host: this.url.hostname, port: this.url.port, method, path, agent: this.#agent, headers },
        (response: IncomingMessage) => {
          const chunks: Buffer[] = [];
          response.on('data', (chunk: Buffer) => chunks.push(chunk));
          response.on('end', () => resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks) }));
          response.on('error', reject);
        },
      );
      sent.on('error', reject);
      sent.end(text);
    });
  }

  async register(id: string, tasks: readonly BenchTask[], parallelism = 0): Promise<void> {
    const config = {
      id,
      name: id,
      parallelism,
      tasks: tasks.map(({ id: task, command, after = [] }) => ({
        id: task,
        image: IMAGE,
        depends_on: Object.fromEntries(after.map((parent) => [parent, 'Success'])),
        variables: {},
        command,
        inject_api_token: false,
        always_pull_newest_image: false,
      })),
    };
    const base = `/api/namespaces/default/pipelines/${id}/configs`;
    const registered = await this.call('POST', base, { config });
    if (registered.status !== 201) throw new Error(`registering ${id}: ${registered.body.toString()}`);
    const deployed = await this.call('POST', `${base}/1`);
    if (deployed.status !== 201) throw new Error(`deploying ${id}: ${deployed.body.toString()}`);
  }

  /** From the request to its end; rejects unless the run was successful. */
  async run(id: string): Promise<{ ms: number; runId: number }> {
    const started = performance.now();
    const answer = await this.call('POST', `/api/namespaces/default/pipelines/${id}/runs?wait=300`, { variables: {} });
    const ms = performance.now() - started;
    const { run } = JSON.parse(answer.body.toString()) as { run?: { run_id: number; status: string } };
    if (run?.status !== 'successful') throw new Error(`a run of ${id} was not successful: ${answer.body.toString()}`);
    return { ms, runId: run.run_id };
  }
}

export { IMAGE };
