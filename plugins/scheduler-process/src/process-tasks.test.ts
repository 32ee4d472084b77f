import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Scheduler, TaskHandle, TaskSpec } from '@gofer/contracts';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { collect, finish, firstLine, isAlive, NEVER, ProcessStage, shell, specOf, start, until } from './process-stage.ts';

describe('a task as a process', () => {
  let stage: ProcessStage;
  beforeAll(async () => {
    stage = await ProcessStage.open();
  });
  afterEach(() => stage.removeAll());
  afterAll(() => stage.close());

  it('has exactly its own environment plus PATH, HOME and TMPDIR', async () => {
    const scheduler = await stage.scheduler();
    const plain = specOf(['env'], { env: { GREETING: 'a b\nc' } });
    const home = join(stage.dataDirectory, 'attempts', plain.attemptId);
    const lines = (await finish(scheduler, await start(scheduler, plain))).stdout;
    expect(lines.split('\n').toSorted()).toEqual(
      `PATH=${process.env['PATH']}\nHOME=${home}\nTMPDIR=${home}\nGREETING=a b\nc\n`.split('\n').toSorted(),
    );
    const own = specOf(['/usr/bin/env'], { env: { PATH: '/bin', HOME: '/', TMPDIR: '/var/tmp' } });
    expect((await finish(scheduler, await start(scheduler, own))).stdout).toBe('PATH=/bin\nHOME=/\nTMPDIR=/var/tmp\n');
  });

  it('runs in a fresh directory of its own, which goes with it', async () => {
    const scheduler = await stage.scheduler();
    const spec = shell('pwd; ls -A; mkdir -p deep/er; chmod 0 deep/er; stat -c %a .');
    const handle = await start(scheduler, spec);
    const directory = join(stage.dataDirectory, 'attempts', spec.attemptId);
    expect((await finish(scheduler, handle)).stdout).toBe(`${directory}\n700\n`);
    await scheduler.remove(handle);
    expect(await readdir(join(stage.dataDirectory, 'attempts'))).toEqual([]);
  });

  it('makes files as whoever started the server does, and so does what runs inside it later', async () => {
    const script = 'umask; touch file; mkdir directory; stat -c %a file directory; echo; sleep 1000';
    const scheduler = await stage.scheduler({}, 0o027);
    const handle = await start(scheduler, shell(script));
    expect(await linesUntilEmpty(scheduler, handle)).toEqual(['0027', '640', '750']);
    const mask: string[] = [];
    for await (const item of scheduler.exec(handle, { command: ['sh', '-c', 'umask'], tty: false }, NEVER)) {
      if (item.kind === 'data') mask.push(Buffer.from(item.bytes).toString());
    }
    expect(mask.join('')).toBe('0027\n');
    // A server that was started with another mask, under the same supervisor; then one that does not say.
    expect((await finish(...(await begun(stage.scheduler({}, 0), shell('umask'))))).stdout).toBe('0000\n');
    const inherited = process.umask().toString(8).padStart(4, '0');
    expect((await finish(...(await begun(stage.scheduler(), shell('umask'))))).stdout).toBe(`${inherited}\n`);
  });

  it('can open its output again by name', async () => {
    const scheduler = await stage.scheduler();
    const handle = await start(scheduler, shell('echo out >/dev/stdout; echo err >/dev/stderr'));
    expect(await finish(scheduler, handle)).toMatchObject({ stdout: 'out\n', stderr: 'err\n', exit: { exitCode: 0 } });
  });

  it.each([
    ['is not found', specOf(['gofer-no-such-command']), '"gofer-no-such-command" was not found'],
    ['is not in its own PATH', specOf(['env'], { env: { PATH: '/nowhere' } }), '"env" was not found on the task'],
    ['is a directory', specOf(['/tmp']), 'permission denied'],
    ['is too long', specOf(['true', 'x'.repeat(5_000_000)]), 'too long'],
    ['holds a NUL', specOf(['true', 'a\0b']), 'null bytes'],
    ['is not there', specOf([]), 'needs an entrypoint or a command'],
  ])('a command that %s is refused by name', async (_, spec, message) => {
    const scheduler = await stage.scheduler();
    await expect(start(scheduler, spec)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT', message: expect.stringContaining(message) });
    expect(await scheduler.list({})).toEqual([]);
    expect(await readdir(join(stage.dataDirectory, 'attempts'))).toEqual([]);
  });

  it('takes its children with it, and its output ends', async () => {
    const scheduler = await stage.scheduler();
    const handle = await start(scheduler, shell('sleep 1000 & echo $!; exit 4'));
    const { stdout, exit } = await finish(scheduler, handle);
    expect(exit).toMatchObject({ exitCode: 4 });
    await until('the end of the child', async () => !(await isAlive(Number(stdout))));
  });

  it('does not wait for a child that left its session and holds its output', async () => {
    const scheduler = await stage.scheduler();
    const handle = await start(scheduler, shell('setsid sleep 1000 & echo $!; exit 4'));
    const { stdout, exit } = await finish(scheduler, handle);
    expect(exit).toMatchObject({ exitCode: 4 });
    await until('the end of the child', async () => !(await isAlive(Number(stdout))));
  });

  it('tells the signal that ended it', async () => {
    const scheduler = await stage.scheduler();
    const handle = await start(scheduler, shell('kill -SEGV $$'));
    expect(await scheduler.wait(handle, NEVER)).toMatchObject({ exitCode: 139, reason: 'killed by SIGSEGV' });
  });

  it('is stopped with all its children, however deaf they are', async () => {
    const scheduler = await stage.scheduler();
    const handle = await start(scheduler, shell(`trap '' TERM; sleep 1000 & echo $!; wait; sleep 1000`));
    const child = Number(await firstLine(scheduler, handle));
    await scheduler.stop(handle, 100);
    expect(await scheduler.wait(handle, NEVER)).toMatchObject({ exitCode: 137, reason: 'killed by SIGKILL' });
    await until('the end of the child', async () => !(await isAlive(child)));
  });

  it('waits while nobody reads: memory is bounded', async () => {
    const scheduler = await stage.scheduler({ max_output_memory: 256 * 1024 });
    const handle = await start(scheduler, specOf(['/bin/sh', '-c', 'exec yes']));
    const pids = async () => await stage.processes();
    await until('the task', async () => (await pids()).length === 1);
    const [pid = 0] = await pids();
    const written = async () => Number(/^wchar: (\d+)$/m.exec(await readFile(`/proc/${pid}/io`, 'utf8'))?.[1]);
    let last = -1;
    await until('the task to wait', async () => {
      const before = last;
      last = await written();
      return last > 0 && last === before && /^\d+ \(yes\) S/.test(await readFile(`/proc/${pid}/stat`, 'latin1'));
    });
    // What is held, one read in flight and the pipe itself.
    expect(last).toBeLessThan(1024 * 1024);
    await scheduler.remove(handle);
    expect(await pids()).toEqual([]);
  });

  it('prints a million lines, all of them, in order', async () => {
    const scheduler = await stage.scheduler();
    const handle = await start(scheduler, specOf(['seq', '1', '1000000']));
    const hash = createHash('sha256');
    for await (const { bytes } of scheduler.logs(handle, { follow: true }, NEVER)) hash.update(bytes);
    const expected = createHash('sha256');
    for (let line = 1; line <= 1_000_000; line++) expected.update(`${line}\n`);
    expect(hash.digest('hex')).toBe(expected.digest('hex'));
  });

  it('keeps the order of its streams across both', async () => {
    const scheduler = await stage.scheduler();
    const handle = await start(scheduler, shell('for i in 1 2 3 4 5; do echo $i; sleep 0.05; echo $i >&2; sleep 0.05; done'));
    const chunks = await collect(scheduler.logs(handle, { follow: true }, NEVER));
    expect(chunks.map(({ stream, bytes }) => `${stream} ${Buffer.from(bytes).toString()}`).join('')).toBe(
      [1, 2, 3, 4, 5].map((line) => `stdout ${line}\nstderr ${line}\n`).join(''),
    );
  });

  it('is one of 200 at once: none is lost, nothing is left', async () => {
    const scheduler = await stage.scheduler();
    const results = await Promise.all(
      Array.from({ length: 200 }, async (_, index) => {
        const handle = await start(scheduler, shell(`echo ${index}; exit ${index % 100}`));
        const { stdout, exit } = await finish(scheduler, handle);
        await scheduler.remove(handle);
        return { stdout, exitCode: exit.kind === 'exited' ? exit.exitCode : undefined };
      }),
    );
    expect(results).toEqual(Array.from({ length: 200 }, (_, index) => ({ stdout: `${index}\n`, exitCode: index % 100 })));
    expect(await scheduler.list({})).toEqual([]);
    expect(await stage.processes()).toEqual([]);
    expect(await readdir(join(stage.dataDirectory, 'attempts'))).toEqual([]);
  });
});

async function begun(opening: Promise<Scheduler>, spec: TaskSpec): Promise<[Scheduler, TaskHandle]> {
  const scheduler = await opening;
  return [scheduler, await start(scheduler, spec)];
}

/** The lines of a task's output before the first empty one. */
async function linesUntilEmpty(scheduler: Scheduler, handle: TaskHandle): Promise<readonly string[]> {
  let text = '';
  for await (const { bytes } of scheduler.logs(handle, { follow: true }, NEVER)) {
    text += Buffer.from(bytes).toString();
    if (text.includes('\n\n')) break;
  }
  return text.slice(0, text.indexOf('\n\n')).split('\n');
}
