/** What this room's tests share: schedulers on a data directory of their own, and waiting for what must come true. Nothing stays behind. */

import { randomBytes } from 'node:crypto';
import { mkdtemp, readdir, readFile, readlink, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { LogChunk, PluginInstance, Scheduler, TaskExit, TaskHandle, TaskSpec } from '@gofer/contracts';
import type { ProcessConfig } from './process-config.ts';
import { plugin } from './process-plugin.ts';

export const NEVER = new AbortController().signal;
const CONFIG: ProcessConfig = { enable: true, max_output_memory: 1024 * 1024, idle_timeout: 60 };
/** Far above what any condition takes. */
const LIMIT_MS = 30_000;

export class ProcessStage {
  readonly dataDirectory: string;
  readonly #root: string;
  readonly #instances: (Scheduler & PluginInstance)[] = [];
  /** Of the supervisors that instances of this stage were connected to, in order. */
  readonly supervisors: number[] = [];

  private constructor(root: string, dataDirectory: string) {
    this.#root = root;
    this.dataDirectory = dataDirectory;
  }

  static async open(subdirectory = ''): Promise<ProcessStage> {
    const directory = await mkdtemp(join(tmpdir(), 'gofer-process-'));
    return new ProcessStage(directory, join(directory, subdirectory));
  }

  /** Another instance of the plugin on the same data directory. */
  async scheduler(config: Partial<ProcessConfig> = {}, umask?: number): Promise<Scheduler & PluginInstance> {
    const scheduler = await plugin.create(
      { ...CONFIG, ...config },
      {
        instanceId: 'test',
        dataDirectory: this.dataDirectory,
        ...(umask === undefined ? {} : { umask }),
        log: (level, _message, fields) => {
          const pid = fields?.['pid'];
          if (level === 'debug' && typeof pid === 'number' && this.supervisors.at(-1) !== pid) this.supervisors.push(pid);
        },
      },
    );
    this.#instances.push(scheduler);
    await scheduler.health();
    return scheduler;
  }

  /** Removes every attempt. */
  async removeAll(): Promise<void> {
    const scheduler = await this.scheduler();
    await Promise.all((await scheduler.list({})).map(({ handle }) => scheduler.remove(handle)));
  }

  /** Removes every attempt, lets the supervisor go and sees that it went. */
  async close(): Promise<void> {
    await this.removeAll();
    await Promise.all(this.#instances.map((instance) => instance.close()));
    for (const pid of this.supervisors) await until(`the end of supervisor ${pid}`, async () => !(await isAlive(pid)));
    // A supervisor that was killed may leave behind what still makes its pipes.
    await rm(this.#root, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
  }

  /** Processes that work in this stage's data directory. */
  async processes(): Promise<number[]> {
    const found: number[] = [];
    for (const name of await readdir('/proc')) {
      if (!/^\d+$/.test(name)) continue;
      const cwd = await readlink(`/proc/${name}/cwd`).catch(() => '');
      if (cwd.startsWith(this.dataDirectory)) found.push(Number(name));
    }
    return found;
  }
}

/** A task that runs this script. */
export function shell(script: string, more: Partial<TaskSpec> = {}): TaskSpec {
  return specOf(['/bin/sh', '-c', script], more);
}

export function specOf(command: readonly string[], more: Partial<TaskSpec> = {}): TaskSpec {
  return { attemptId: timeOrderedId(), image: 'none', command, env: {}, pullPolicy: 'missing', limits: {}, ports: [], labels: {}, ...more };
}

/** A version 7 uuid made at this time. */
export function timeOrderedId(time = Date.now()): string {
  const bytes = randomBytes(16);
  bytes.writeUIntBE(time, 0, 6);
  bytes.writeUInt8(0x70 | (bytes.readUInt8(6) & 0x0f), 6);
  bytes.writeUInt8(0x80 | (bytes.readUInt8(8) & 0x3f), 8);
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

export async function start(scheduler: Scheduler, spec: TaskSpec): Promise<TaskHandle> {
  for await (const update of scheduler.start(spec, NEVER)) if (update.kind === 'started') return update.handle;
  throw new Error('the start ended without "started"');
}

/** Everything that is printed, to the end, and how the task ended. */
export async function finish(scheduler: Scheduler, handle: TaskHandle): Promise<{ stdout: string; stderr: string; exit: TaskExit }> {
  const exit = scheduler.wait(handle, NEVER);
  const chunks = await collect(scheduler.logs(handle, { follow: true }, NEVER));
  const text = (stream: string) => Buffer.concat(chunks.filter((chunk) => chunk.stream === stream).map(({ bytes }) => bytes)).toString();
  return { stdout: text('stdout'), stderr: text('stderr'), exit: await exit };
}

export async function collect(stream: AsyncIterable<LogChunk>): Promise<LogChunk[]> {
  const chunks: LogChunk[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return chunks;
}

/** The first line of the output, as long as the task still runs. */
export async function firstLine(scheduler: Scheduler, handle: TaskHandle): Promise<string> {
  let text = '';
  for await (const { bytes } of scheduler.logs(handle, { follow: true }, NEVER)) {
    text += Buffer.from(bytes).toString();
    if (text.includes('\n')) return text.slice(0, text.indexOf('\n'));
  }
  throw new Error(`the output ended without a line: ${JSON.stringify(text)}`);
}

/** Whether a process exists and is more than a zombie. */
export async function isAlive(pid: number): Promise<boolean> {
  const stat = await readFile(`/proc/${pid}/stat`, 'latin1').catch(() => '');
  return stat !== '' && !/^[ZX]/.test(stat.slice(stat.lastIndexOf(')') + 2));
}

/** Looks until a condition holds; fails where it does not come true. */
export async function until(what: string, condition: () => Promise<boolean>): Promise<void> {
  const end = Date.now() + LIMIT_MS;
  while (!(await condition())) {
    if (Date.now() > end) throw new Error(`${what}: not within ${LIMIT_MS} ms`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
