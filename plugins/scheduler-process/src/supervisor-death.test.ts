import { spawn } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { collect, finish, firstLine, isAlive, NEVER, ProcessStage, shell, start, timeOrderedId, until } from './process-stage.ts';

describe('the death of the supervisor', () => {
  let stage: ProcessStage;
  beforeEach(async () => {
    stage = await ProcessStage.open();
  });
  afterEach(() => stage.close());

  const supervisor = (): number => stage.supervisors.at(-1) ?? 0;

  it('ends its tasks as lost, saying so, and nothing of them runs on', async () => {
    const scheduler = await stage.scheduler();
    // One child in the task's own session, one that left it.
    const spec = shell('sleep 1000 & a=$!; setsid sleep 1000 & echo $$ $a $!; wait', { labels: { a: 'b' } });
    const handle = await start(scheduler, spec);
    const pids = (await firstLine(scheduler, handle)).split(' ').map(Number);
    const exit = scheduler.wait(handle, NEVER);
    const dead = supervisor();
    process.kill(dead, 'SIGKILL');
    expect(await exit).toMatchObject({ kind: 'lost', reason: `the process supervisor died (process ${dead} ended without saying why)` });
    for (const pid of pids) await until(`the end of process ${pid}`, async () => !(await isAlive(pid)));
    expect(await stage.processes()).toEqual([]);
    expect(await scheduler.inspect(handle)).toMatchObject({ state: 'exited', exit: { kind: 'lost' } });
    expect(await scheduler.list({ a: 'b' })).toEqual([{ handle, labels: { a: 'b' }, state: 'exited' }]);
    await expect(start(scheduler, spec)).rejects.toMatchObject({ code: 'TASK_LOST' });
    expect(supervisor()).not.toBe(dead);
    expect((await finish(scheduler, await start(scheduler, shell('echo on')))).stdout).toBe('on\n');
  });

  it('is told with its reason when a signal asked for it, and its tasks end at once', async () => {
    const scheduler = await stage.scheduler();
    const handle = await start(scheduler, shell('echo $$; exec sleep 1000'));
    const pid = Number(await firstLine(scheduler, handle));
    await scheduler.close();
    process.kill(supervisor(), 'SIGTERM');
    await until('the end of the task', async () => !(await isAlive(pid)));
    const next = await stage.scheduler();
    expect(await next.wait(handle, NEVER)).toMatchObject({ kind: 'lost', reason: 'the process supervisor died (it was ended by SIGTERM)' });
  });

  it('while no server is there: the next one ends what was left running', async () => {
    const scheduler = await stage.scheduler();
    const handle = await start(scheduler, shell('echo $$; sleep 1000'));
    const pid = Number(await firstLine(scheduler, handle));
    await scheduler.close();
    process.kill(supervisor(), 'SIGKILL');
    await until('the death of the supervisor', async () => !(await isAlive(supervisor())));
    expect(await isAlive(pid)).toBe(true);
    const next = await stage.scheduler();
    await until('the end of the task', async () => !(await isAlive(pid)));
    expect(await next.wait(handle, NEVER)).toMatchObject({ kind: 'lost' });
  });

  it('leaves exit codes known, and says that unread output is lost', async () => {
    const scheduler = await stage.scheduler();
    const read = await start(scheduler, shell('echo read; exit 3'));
    await finish(scheduler, read);
    const unread = await start(scheduler, shell('echo unread; exit 4'));
    await scheduler.wait(unread, NEVER);
    const recorded = ['"step":"read"', '"exitCode":4'];
    await until('the records', async () => {
      const journal = await readFile(join(stage.dataDirectory, 'journal'), 'utf8');
      return recorded.every((record) => journal.includes(record));
    });
    process.kill(supervisor(), 'SIGKILL');
    await until('the death of the supervisor', async () => !(await isAlive(supervisor())));
    expect(await scheduler.wait(read, NEVER)).toEqual({ kind: 'exited', exitCode: 3, endedAt: expect.any(Number) });
    const exit = await scheduler.wait(unread, NEVER);
    expect(exit).toMatchObject({ kind: 'exited', exitCode: 4, reason: expect.stringContaining('was lost') });
    const output = collect(scheduler.logs(unread, { follow: true }, NEVER));
    await expect(output).rejects.toMatchObject({ code: 'DATA_LOSS', message: expect.stringContaining('was lost') });
  });

  it('never ends a stranger that has the id of a dead task by now', async () => {
    const stranger = spawn('sleep', ['1000'], { detached: true, stdio: 'ignore' });
    try {
      const boot = (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim();
      const attempt = timeOrderedId();
      const records = [
        { step: 'open', pid: 1, at: 1, boot, unsureBefore: 0 },
        { step: 'start', attempt, labels: {} },
        { step: 'run', attempt, pid: stranger.pid, birth: '1', startedAt: 1 },
      ];
      await writeFile(join(stage.dataDirectory, 'journal'), records.map((record) => `${JSON.stringify(record)}\n`).join(''));
      const scheduler = await stage.scheduler();
      expect(await scheduler.wait({ attempt }, NEVER)).toMatchObject({ kind: 'lost' });
      expect(await isAlive(stranger.pid ?? 0)).toBe(true);
    } finally {
      stranger.kill('SIGKILL');
    }
  });

  it('with the whole machine: what may have been started is not started again, what is new is', async () => {
    const known = timeOrderedId();
    const records = [
      { step: 'open', pid: 1, at: 1, boot: 'another', unsureBefore: 0 },
      { step: 'start', attempt: known, labels: {} },
    ];
    // The last line is cut off, as a power failure may do.
    await writeFile(join(stage.dataDirectory, 'journal'), `${records.map((record) => JSON.stringify(record)).join('\n')}\n{"step":"sta`);
    const scheduler = await stage.scheduler();
    expect(await scheduler.wait({ attempt: known }, NEVER)).toMatchObject({
      kind: 'lost',
      reason: 'the process supervisor died (the machine was restarted)',
    });
    const unknown = shell('exit 0', { attemptId: timeOrderedId(Date.UTC(2020, 0, 1)) });
    await expect(start(scheduler, unknown)).rejects.toMatchObject({ code: 'TASK_LOST' });
    expect(await finish(scheduler, await start(scheduler, shell('exit 7')))).toMatchObject({ exit: { exitCode: 7 } });
  });
});
