import type { ExecInput, ExecOutput } from '@gofer/contracts';
import { fakeScheduler } from '@gofer/scheduler-fake';
import { afterEach, describe, expect, it } from 'vitest';
import { INITIATOR, NEVER, ServiceStage } from './service-stage.fixture.ts';
import type { AttachSession, TaskPath } from './services.ts';

const LONG = { sleep_ms: 3_600_000 };
const STEPS = { command: ['gofer-fake-steps', JSON.stringify([{ print: 'hello' }, { exit: 7 }])], tty: false };
let services: ServiceStage;
afterEach(() => services.close());

async function start(exec = true): Promise<TaskPath> {
  services = await ServiceStage.open({ scheduler: (host) => fakeScheduler.create({ capabilities: { exec } }, host) });
  const path = await services.deploy('attached', [
    { id: 'long', steps: [LONG] },
    { id: 'later', depends_on: { long: 'Success' } },
  ]);
  const { run_id: runId } = await services.start(path);
  await services.running({ ...path, runId }, 'long');
  return { ...path, runId, taskId: 'long' };
}
async function* nothing(): AsyncGenerator<ExecInput> {}

async function outputOf(session: AttachSession, signal = NEVER): Promise<ExecOutput[]> {
  const items: ExecOutput[] = [];
  for await (const item of session.run(nothing(), signal)) items.push(item);
  return items;
}

describe('a command inside a running task', () => {
  it('runs to its exit code', async () => {
    const session = await attached(STEPS);
    expect(await outputOf(session)).toEqual([
      { kind: 'data', stream: 'stdout', bytes: new TextEncoder().encode('hello') },
      { kind: 'exit', exitCode: 7 },
    ]);
  });

  async function attached(request: typeof STEPS): Promise<AttachSession> {
    const path = await start();
    return await services.attach.attach(path, request);
  }

  it('is given up with its caller', async () => {
    const leaving = new AbortController();
    const output = outputOf(await attached({ ...STEPS, command: ['gofer-fake-steps', JSON.stringify([LONG])] }), leaving.signal);
    leaving.abort();
    await expect(output).rejects.toMatchObject({ code: 'CANCELLED' });
  });

  it('ends with the task', async () => {
    const path = await start();
    const session = await services.attach.attach(path, { ...STEPS, command: ['gofer-fake-steps', JSON.stringify([LONG])] });
    const output = outputOf(session);
    await services.tasks.cancel(path, INITIATOR, 0);
    expect((await output).filter((item) => item.kind === 'data')).toEqual([]);
    await services.runs.wait(path, 30, NEVER);
    await expect(services.attach.attach(path, STEPS)).rejects.toMatchObject({
      code: 'FAILED_PRECONDITION',
      message: expect.stringContaining('does not run: it is complete') as string,
    });
  });

  it('is refused without a task that runs, a word, or an engine that can', async () => {
    const path = await start();
    const attach = (at: TaskPath, command: string[]) => services.attach.attach(at, { command, tty: true });
    await expect(attach({ ...path, taskId: 'later' }, ['ls'])).rejects.toMatchObject({ code: 'FAILED_PRECONDITION' });
    await expect(attach({ ...path, taskId: 'other' }, ['ls'])).rejects.toMatchObject({ code: 'NOT_FOUND' });
    for (const command of [[], [''], ['a\0b']]) await expect(attach(path, command)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    await services.close();
    await expect(attach(await start(false), ['ls'])).rejects.toMatchObject({ code: 'UNSUPPORTED' });
  });
});
