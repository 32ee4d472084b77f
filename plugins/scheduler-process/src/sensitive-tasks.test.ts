/** What becomes of secrets: neither the environment nor the output of a sensitive task is on the disk at any time. */
import { randomUUID } from 'node:crypto';
import { mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { filesHolding } from '@gofer/contracts/conformance';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { collect, finish, firstLine, isAlive, NEVER, ProcessStage, shell, start, until } from './process-stage.ts';

describe('a sensitive task', () => {
  let stage: ProcessStage;
  let secret: string;
  beforeEach(async () => {
    stage = await ProcessStage.open();
    secret = randomUUID();
  });
  afterEach(() => stage.close());

  const telling = (script = 'echo $TOKEN; exit 5') => shell(script, { env: { TOKEN: secret }, sensitive: true });
  const leaks = () => filesHolding(stage.dataDirectory, Buffer.from(secret));
  const endSupervisor = async (signal: NodeJS.Signals) => {
    const pid = stage.supervisors.at(-1) ?? 0;
    process.kill(pid, signal);
    await until('the end of the supervisor', async () => !(await isAlive(pid)));
  };
  const recorded = (text: string) =>
    until(`the record of ${text}`, async () => (await readFile(join(stage.dataDirectory, 'journal'), 'utf8')).includes(text));

  it('whose data directory was removed keeps no supervisor, though its output is unread', async () => {
    const scheduler = await stage.scheduler({ idle_timeout: 1 });
    await scheduler.wait(await start(scheduler, telling()), NEVER);
    await scheduler.close();
    const pid = stage.supervisors.at(-1) ?? 0;
    await rm(stage.dataDirectory, { recursive: true });
    await until('the supervisor to go', async () => !(await isAlive(pid)));
    expect(stage.supervisors).toEqual([pid]);
    await mkdir(stage.dataDirectory);
  });

  it('whose output is unread keeps its supervisor, beyond the time after which others go, until it was read', async () => {
    const scheduler = await stage.scheduler({ idle_timeout: 1 });
    const handle = await start(scheduler, telling());
    await scheduler.wait(handle, NEVER);
    await scheduler.close();
    const pid = stage.supervisors.at(-1) ?? 0;

    // Another supervisor that began to be idle later, with output that it may write down, tells that the time is over.
    const other = await ProcessStage.open();
    try {
      const clock = await other.scheduler({ idle_timeout: 1 });
      await clock.wait(await start(clock, shell('echo x')), NEVER);
      await clock.close();
      await until('the other supervisor to go', async () => !(await isAlive(other.supervisors.at(-1) ?? 0)));
    } finally {
      await other.close();
    }
    expect(await isAlive(pid)).toBe(true);
    expect(await leaks()).toEqual([]);

    const next = await stage.scheduler({ idle_timeout: 1 });
    expect(stage.supervisors).toEqual([pid]);
    expect(await finish(next, handle)).toMatchObject({ stdout: `${secret}\n`, exit: { exitCode: 5 } });
    await until('the supervisor to go', async () => !(await isAlive(pid)));
    expect(await leaks()).toEqual([]);
    // What was read to its end is not missed.
    expect(await finish(next, handle)).toEqual({
      stdout: '',
      stderr: '',
      exit: { kind: 'exited', exitCode: 5, endedAt: expect.any(Number) },
    });
  });

  it('whose output is unread lets its supervisor go once it is removed', async () => {
    const scheduler = await stage.scheduler({ idle_timeout: 1 });
    const handle = await start(scheduler, telling());
    await scheduler.wait(handle, NEVER);
    await scheduler.remove(handle);
    await until('the supervisor to go', async () => !(await isAlive(stage.supervisors.at(-1) ?? 0)));
    expect(await leaks()).toEqual([]);
  });

  it('loses its unread output with a supervisor that is told to end, and its reader is told why', async () => {
    const scheduler = await stage.scheduler();
    const handle = await start(scheduler, telling());
    const end = await scheduler.wait(handle, NEVER);
    await scheduler.close();
    // Again, because what the first successor wrote down is all that the second one knows.
    for (let round = 0; round < 2; round++) {
      await endSupervisor('SIGTERM');
      expect(await leaks()).toEqual([]);
      const next = await stage.scheduler();
      expect(await next.wait(handle, NEVER)).toEqual({ ...end, reason: expect.stringMatching(/^what was unread [^;]* may hold secrets$/) });
      for (const follow of [true, false]) {
        const read = collect(next.logs(handle, { follow }, NEVER));
        await expect(read).rejects.toMatchObject({ code: 'DATA_LOSS', message: expect.stringContaining('may hold secrets') });
      }
      await next.close();
    }
  });

  it('loses nothing with a supervisor that is told to end where all was read', async () => {
    const scheduler = await stage.scheduler();
    const handle = await start(scheduler, telling());
    const { exit, stdout } = await finish(scheduler, handle);
    expect(stdout).toBe(`${secret}\n`);
    await recorded('"step":"read"');
    await endSupervisor('SIGTERM');
    expect(await finish(scheduler, handle)).toEqual({ stdout: '', stderr: '', exit });
    expect(await leaks()).toEqual([]);
  });

  it('that runs when its supervisor dies is lost, and its output with it', async () => {
    const scheduler = await stage.scheduler();
    const handle = await start(scheduler, telling('echo $TOKEN; exec sleep 1000'));
    expect(await firstLine(scheduler, handle)).toBe(secret);
    await endSupervisor('SIGKILL');
    expect(await scheduler.wait(handle, NEVER)).toMatchObject({ kind: 'lost' });
    await expect(collect(scheduler.logs(handle, { follow: true }, NEVER))).rejects.toMatchObject({ code: 'DATA_LOSS' });
    expect(await leaks()).toEqual([]);
  });

  it('that cannot be executed for its environment is refused without a word of it', async () => {
    const scheduler = await stage.scheduler();
    const spec = shell('exit 0', { env: { TOKEN: `${secret}\0` }, sensitive: true });
    const refusal: unknown = await start(scheduler, spec).catch((error: unknown) => error);
    expect(refusal).toMatchObject({ code: 'INVALID_ARGUMENT', message: expect.stringContaining('TOKEN') });
    expect(String(refusal)).not.toContain(secret);
    expect(await leaks()).toEqual([]);
  });
});

describe('a task that is not sensitive', () => {
  it('has its unread output on the disk while no supervisor runs, where the search for secrets finds it', async () => {
    const stage = await ProcessStage.open();
    try {
      const scheduler = await stage.scheduler({ idle_timeout: 1 });
      const handle = await start(scheduler, shell('echo findable'));
      await scheduler.wait(handle, NEVER);
      await scheduler.close();
      await until('the supervisor to go', async () => !(await isAlive(stage.supervisors.at(-1) ?? 0)));
      expect(await filesHolding(stage.dataDirectory, Buffer.from('findable'))).toHaveLength(1);
    } finally {
      await stage.close();
    }
  });
});
