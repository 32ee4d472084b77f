import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, realpathSync } from 'node:fs';
import { mkdir, readdir, rmdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { fileURLToPath } from 'node:url';
import type { TaskHandle } from '@gofer/contracts';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { collect, finish, firstLine, isAlive, NEVER, ProcessStage, shell, start, timeOrderedId, until } from './process-stage.ts';
import { type HelloReply, PROTOCOL_VERSION } from './protocol.ts';
import { socketPath } from './socket-path.ts';
import { supervisorCommand } from './supervisor-command.ts';
import { SupervisorConnection } from './supervisor-connection.ts';

describe('a server that goes away', () => {
  let stage: ProcessStage;
  beforeEach(async () => {
    stage = await ProcessStage.open();
  });
  afterEach(() => stage.close());

  it('by SIGKILL between receiving a chunk and keeping it: the next one reads on from the last kept byte', async () => {
    const count = 300_000;
    const attempt = timeOrderedId();
    const entry = fileURLToPath(new URL('./test-server.ts', import.meta.url));
    const server = spawn(process.execPath, [entry, stage.dataDirectory, attempt, String(count), '500000'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const line = (await createInterface(server.stdout)[Symbol.asyncIterator]().next()).value ?? '';
    const { handle, kept, hash } = JSON.parse(line) as { handle: TaskHandle; kept: number; hash: string };
    server.kill('SIGKILL');
    await once(server, 'exit');

    const expected = Buffer.from(Array.from({ length: count }, (_, index) => `${index + 1}\n`).join(''));
    expect(kept).toBeGreaterThan(500_000);
    expect(hash).toBe(createHash('sha256').update(expected.subarray(0, kept)).digest('hex'));
    const scheduler = await stage.scheduler();
    expect(await scheduler.inspect(handle)).toMatchObject({ state: 'running' });
    const chunks = await collect(scheduler.logs(handle, { after: String(kept), follow: true }, NEVER));
    const rest = Buffer.concat(chunks.map(({ bytes }) => bytes));
    expect(rest.equals(expected.subarray(kept))).toBe(true);
    expect(await scheduler.wait(handle, NEVER)).toMatchObject({ kind: 'exited', exitCode: 0 });
  });

  it('for longer than the supervisor stays without work: exit codes and unread output are kept on disk', async () => {
    const scheduler = await stage.scheduler({ idle_timeout: 1 });
    const one = await start(scheduler, shell('echo out; echo err >&2; exit 5'));
    const other = await start(scheduler, shell('echo first; exit 6'));
    for (const handle of [one, other]) await scheduler.wait(handle, NEVER);
    expect(await firstLine(scheduler, other)).toBe('first');
    await scheduler.close();
    const pid = stage.supervisors.at(-1) ?? 0;
    await until('the supervisor to go', async () => !(await isAlive(pid)));
    expect((await readdir(join(stage.dataDirectory, 'held'))).length).toBeGreaterThan(0);

    const next = await stage.scheduler();
    expect(stage.supervisors.at(-1)).not.toBe(pid);
    expect(await finish(next, one)).toMatchObject({ stdout: 'out\n', stderr: 'err\n', exit: { exitCode: 5 } });
    expect(await finish(next, other)).toMatchObject({ exit: { exitCode: 6 } });
    await until('the files to go', async () => (await readdir(join(stage.dataDirectory, 'held'))).length === 0);
  });

  it('again and again, and takes each supervisor with it: what was left on disk stays there until it was read', async () => {
    const scheduler = await stage.scheduler({ idle_timeout: 1 });
    const handle = await start(scheduler, shell('echo out; exit 5'));
    await scheduler.wait(handle, NEVER);
    await scheduler.close();
    const pid = stage.supervisors.at(-1) ?? 0;
    await until('the supervisor to go', async () => !(await isAlive(pid)));
    for (let death = 0; death < 2; death += 1) {
      await stage.scheduler();
      const next = stage.supervisors.at(-1) ?? 0;
      expect(next).not.toBe(pid);
      process.kill(next, 'SIGKILL');
      await until('the death of the supervisor', async () => !(await isAlive(next)));
    }
    const last = await stage.scheduler();
    expect(await finish(last, handle)).toMatchObject({ stdout: 'out\n', exit: { kind: 'exited', exitCode: 5 } });
    expect(await last.wait(handle, NEVER)).not.toHaveProperty('reason');
    await until('the files to go', async () => (await readdir(join(stage.dataDirectory, 'held'))).length === 0);
  });

  it('while it starts a supervisor: that serves the next one', async () => {
    await mkdir(stage.dataDirectory, { recursive: true });
    const dataDirectory = realpathSync(stage.dataDirectory);
    const settings = { idleTimeoutMs: 60_000, maxOutputMemory: 1024 };
    const { file, args } = supervisorCommand();
    const options = JSON.stringify({ dataDirectory, socketPath: socketPath(dataDirectory), settings });
    const supervisor = spawn(file, [...args, options], { stdio: ['ignore', 'pipe', 'inherit'] });
    supervisor.stdout.destroy();
    await until('the supervisor to listen', async () => existsSync(socketPath(dataDirectory)));
    const scheduler = await stage.scheduler();
    expect(stage.supervisors).toEqual([supervisor.pid]);
    expect(await finish(scheduler, await start(scheduler, shell('exit 7')))).toMatchObject({ exit: { exitCode: 7 } });
  });

  it('leaves no supervisor behind when there is nothing to keep', async () => {
    const scheduler = await stage.scheduler();
    await scheduler.remove(await start(scheduler, shell('exit 0')));
    await scheduler.close();
    await until('the supervisor to go', async () => !(await isAlive(stage.supervisors.at(-1) ?? 0)));
    expect(await readdir(stage.dataDirectory)).not.toContain('supervisor.sock');
  });
});

describe('the supervisor', () => {
  let stage: ProcessStage;
  beforeEach(async () => {
    stage = await ProcessStage.open();
  });
  afterEach(() => stage.close());

  it('is one, however many servers start at once', async () => {
    const schedulers = await Promise.all(Array.from({ length: 5 }, () => stage.scheduler()));
    expect(stage.supervisors).toHaveLength(1);
    const handles = await Promise.all(schedulers.map((scheduler) => start(scheduler, shell('exit 0'))));
    const [first] = schedulers;
    expect(await first?.list({})).toHaveLength(handles.length);
  });

  it('goes when it was idle, under a connected server too, and the next task starts another', async () => {
    const scheduler = await stage.scheduler({ idle_timeout: 1 });
    const pid = stage.supervisors.at(-1) ?? 0;
    const handle = await start(scheduler, shell('exit 9'));
    await finish(scheduler, handle);
    await until('the supervisor to go', async () => !(await isAlive(pid)));
    expect(await scheduler.wait(handle, NEVER)).toMatchObject({ exitCode: 9 });
    expect(stage.supervisors.at(-1)).not.toBe(pid);
  });

  it('does not go while a task runs', async () => {
    const scheduler = await stage.scheduler({ idle_timeout: 1 });
    const handle = await start(scheduler, shell('sleep 3; exit 2'));
    expect(await scheduler.wait(handle, NEVER)).toMatchObject({ exitCode: 2 });
    expect(stage.supervisors).toHaveLength(1);
  });

  it('carries nothing of the server in its environment', async () => {
    process.env['GOFER_TEST_SECRET'] = 'x';
    try {
      const scheduler = await stage.scheduler();
      const handle = await start(scheduler, shell(`tr '\\0' '\\n' </proc/$PPID/environ`));
      expect((await finish(scheduler, handle)).stdout).not.toContain('GOFER_TEST_SECRET');
    } finally {
      delete process.env['GOFER_TEST_SECRET'];
    }
  });
});

describe('a data directory with a long path', () => {
  it('has its socket elsewhere, and another server finds it', async () => {
    const stage = await ProcessStage.open('x'.repeat(120));
    await mkdir(stage.dataDirectory, { mode: 0o700 });
    const scheduler = await stage.scheduler();
    const handle = await start(scheduler, shell('exit 3'));
    await scheduler.close();
    const next = await stage.scheduler();
    expect(await next.wait(handle, NEVER)).toMatchObject({ exitCode: 3 });
    const elsewhere = dirname(socketPath(stage.dataDirectory));
    await stage.close();
    // Only an empty directory goes.
    await rmdir(elsewhere).catch(() => {});
  });
});

describe('a server of another version', () => {
  let stage: ProcessStage;
  beforeEach(async () => {
    stage = await ProcessStage.open();
  });
  afterEach(() => stage.close());

  const greet = async (): Promise<HelloReply> => {
    const connection = await SupervisorConnection.open(socketPath(stage.dataDirectory));
    const settings = { maxOutputMemory: 1, idleTimeoutMs: 1 };
    const { reply } = await connection.request<HelloReply>({ op: 'hello', version: 0, settings });
    await connection.closed;
    return reply;
  };

  it('finds a supervisor that goes where it keeps nothing, and one that stays where it does', async () => {
    const scheduler = await stage.scheduler();
    const handle = await start(scheduler, shell('sleep 1000'));
    expect(await greet()).toMatchObject({ version: PROTOCOL_VERSION, attempts: 1 });
    expect(await scheduler.inspect(handle)).toMatchObject({ state: 'running' });
    await scheduler.remove(handle);
    const { pid } = await greet();
    await until('the supervisor to go', async () => !(await isAlive(pid)));
    await scheduler.health();
    expect(stage.supervisors.at(-1)).not.toBe(pid);
  });
});
