import { fakeScheduler } from '@gofer/scheduler-fake';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { waitingText } from '../orchestrator/run-stage.fixture.ts';
import type { LogBatch } from '../workers/logs/log-store.ts';
import { ANN, NEVER, ServiceStage } from './service-stage.fixture.ts';
import type { LogEnd, LogRequest, TaskPath } from './services.ts';

const TEXT = 'one\ntwo\nthree\n';
let services: ServiceStage;
beforeAll(async () => {
  services = await ServiceStage.open({
    scheduler: (host) => fakeScheduler.create({ script: [{ image: 'pulls', progress: ['pulling'], start_delay_ms: 3_600_000 }] }, host),
  });
});
afterAll(() => services.close());

async function textOf(batches: AsyncIterable<LogBatch | LogEnd>): Promise<string> {
  let text = '';
  for await (const batch of batches) if (batch.format === 'lines') text += Buffer.from(batch.text).toString();
  return text;
}
const read = (path: TaskPath, follow: boolean, signal = NEVER, after?: string) =>
  services.logs.read(path, { follow, format: 'lines', signal, ...(after === undefined ? {} : { after }) });

async function rawOf(path: TaskPath, range?: { start: number; end?: number }) {
  const { stream, ...about } = await services.logs.raw(path, range);
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return { ...about, text: Buffer.concat(chunks).toString() };
}

const TASKS = [
  { id: 'talks', steps: [{ print: TEXT }] },
  { id: 'silent', steps: [{ exit: 0 }] },
  { id: 'skipped', depends_on: { silent: 'Failure' } },
] as const;

async function ended(pipelineId: string): Promise<(taskId: string) => TaskPath> {
  const path = await services.deploy(pipelineId, TASKS);
  const { run_id: runId } = await services.startAndEnd(path);
  return (taskId) => ({ ...path, runId, taskId });
}

describe('the log of a task that has ended', () => {
  it('is read whole, behind a cursor, and in ranges', async () => {
    const task = await ended('ended');
    const talks = task('talks');
    expect(await services.logs.stat(talks)).toMatchObject({ bytes: TEXT.length, lines: 3, seal: { complete: true } });
    expect(await textOf(await read(talks, false))).toBe(TEXT);
    expect(await textOf(await read(talks, true))).toBe(TEXT);
    let cursor = '';
    for await (const batch of await read(talks, false)) cursor = batch.cursor;
    expect(await textOf(await read(talks, true, NEVER, cursor))).toBe('');
    const whole = { size: TEXT.length, start: 0, end: TEXT.length - 1, complete: true, text: TEXT };
    expect(await rawOf(talks)).toEqual(whole);
    expect(await rawOf(talks, { start: 0, end: 10_000 })).toEqual(whole);
    expect(await rawOf(talks, { start: 4, end: 6 })).toEqual({ ...whole, start: 4, end: 6, text: 'two' });
    expect(await rawOf(talks, { start: 13 })).toEqual({ ...whole, start: 13, text: '\n' });
    await expect(services.logs.raw(talks, { start: 14 })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    await expect(services.logs.raw(talks, { start: 1000, end: 1001 })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
  });

  it('may be empty, or may never have been', async () => {
    const task = await ended('empty');
    expect(await rawOf(task('silent'))).toEqual({ size: 0, start: 0, end: -1, complete: true, text: '' });
    expect(await textOf(await read(task('silent'), true))).toBe('');
    for (const ask of [
      () => services.logs.stat(task('skipped')),
      () => read(task('skipped'), true),
      () => read(task('skipped'), false),
      () => services.logs.raw(task('skipped')),
    ])
      await expect(ask()).rejects.toMatchObject({
        code: 'NOT_FOUND',
        message: expect.stringContaining("There is no log of task 'skipped' of run 1 of pipeline 'empty'"),
      });
    await expect(read(task('unknown'), true)).rejects.toMatchObject({
      code: 'NOT_FOUND',
      message: "Run 1 of pipeline 'empty' has no task 'unknown'.",
    });
  });

  it('that was removed is gone, and its task says so', async () => {
    const task = await ended('removed');
    const talks = task('talks');
    await services.logs.delete(talks);
    await services.logs.delete(talks);
    for (const ask of [() => services.logs.stat(talks), () => read(talks, true), () => read(talks, false), () => services.logs.raw(talks)])
      await expect(ask()).rejects.toMatchObject({ code: 'GONE', message: expect.stringContaining('was removed') });
    expect(await services.tasks.get(talks)).toMatchObject({ logs_removed: true, logs_expired: false });
    expect(await services.tasks.get(task('silent'))).toMatchObject({ logs_removed: false });
  });
});

describe('the log of a task that goes on', () => {
  it('is followed from before its start to its end', async () => {
    const path = await services.deploy('follow', [
      { id: 'first', steps: [{ sleep_ms: 3_600_000 }] },
      { id: 'second', depends_on: { first: 'Any' }, steps: [{ print: 'a\n' }, { sleep_ms: 5 }, { print: 'b\n' }] },
      { id: 'third', depends_on: { first: 'Success' } },
    ]);
    const { run_id: runId } = await services.start(path);
    const taskPath = (taskId: string): TaskPath => ({ ...path, runId, taskId });
    const [first, second, third] = [taskPath('first'), taskPath('second'), taskPath('third')];
    const followers = [second, second, third].map(async (task) => textOf(await read(task, true)));
    await services.running(first, 'first');
    await expect(services.logs.delete(first)).rejects.toMatchObject({ code: 'FAILED_PRECONDITION' });
    await expect(read(second, false)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    const given = new AbortController();
    const left = textOf(await read(first, true, given.signal));
    given.abort();
    await expect(left).rejects.toMatchObject({ name: expect.stringMatching(/AbortError|GoferError/) });
    await services.tasks.cancel(first, ANN, 0);
    expect(await Promise.all(followers)).toEqual(['a\nb\n', 'a\nb\n', '']);
  });

  it('of which nothing is there yet is empty for who does not follow, and ends with a cancelled start', async () => {
    const path = await services.deploy('pulling', [{ id: 'one', image: 'pulls' }]);
    const task = { ...path, runId: (await services.start(path)).run_id, taskId: 'one' };
    const uid = services.stage.store.runs.find(services.uidOf(path), 1)?.uid ?? '';
    await services.stage.until(
      uid,
      () => waitingText(services.stage.orchestrator.taskWaiting(services.stage.run(uid), 'one')) === 'pulling',
    );
    expect(await textOf(await read(task, false))).toBe('');
    const follower = textOf(await read(task, true));
    await services.runs.cancel(task, { by: ANN, force: false });
    expect(await follower).toBe('cancelled before it had started\n');
  });

  it('belongs to the run that was asked for, whatever its path comes to mean', async () => {
    const path = await services.deploy('renamed', [{ id: 'one', image: 'pulls' }]);
    const task = { ...path, runId: (await services.start(path)).run_id, taskId: 'one' };
    const follower = textOf(await read(task, true)).catch((error: unknown) => error);
    await services.pipelines.delete(path);
    await services.deploy('renamed', [{ id: 'one', steps: [{ print: 'of another run\n' }] }]);
    await services.startAndEnd(path);
    expect(await follower).not.toBe('of another run\n');
  });
});

describe('the logs of several attempts', () => {
  async function withAttempts(pipelineId: string, taskId: string, path: TaskPath): Promise<void> {
    const { store, logs } = services.stage;
    const runUid = store.runs.find(services.uidOf(path), path.runId)?.uid ?? '';
    const uid = `${pipelineId}-attempt-2`;
    await store.commit(() => store.attempts.insert({ uid, runUid, taskId, number: 2, engine: 'fake', created: 1 }));
    await logs.note(uid, 'of the second');
    await logs.seal(uid);
  }
  async function endsOf(path: TaskPath, request: Partial<LogRequest> = {}) {
    const ends: LogEnd[] = [];
    let text = '';
    for await (const batch of await services.logs.read(path, { follow: true, format: 'lines', signal: NEVER, ...request })) {
      if (batch.format === 'end') ends.push(batch);
      else if (batch.format === 'lines') text += Buffer.from(batch.text).toString();
    }
    return { ends, text };
  }

  it('are read one by one, the latest where none is named', async () => {
    const talks = (await ended('attempts'))('talks');
    await withAttempts('attempts', 'talks', talks);
    expect(await endsOf(talks)).toMatchObject({
      text: 'of the second\n',
      ends: [{ attempt: 2, stat: { lines: 1, seal: { complete: true } } }],
    });
    const first = await endsOf(talks, { attempt: 1 });
    expect(first).toMatchObject({ text: TEXT, ends: [{ attempt: 1, stat: { lines: 3 } }] });
    expect(await services.logs.stat(talks, 1)).toMatchObject({ bytes: TEXT.length });
    const second = await services.logs.raw(talks, undefined, 2);
    expect(second.size).toBe('of the second\n'.length);
    // What is opened and not read would be opened when its directory is gone.
    const pieces: Uint8Array[] = [];
    for await (const piece of second.stream) pieces.push(piece);
    expect(Buffer.concat(pieces).toString()).toBe('of the second\n');
    await expect(services.logs.stat(talks, 3)).rejects.toMatchObject({
      code: 'NOT_FOUND',
      message: expect.stringContaining('has no attempt 3'),
    });
    // Behind the end of the first, a follower goes on with the second, also where its cursor names no attempt.
    const { cursor = '' } = first.ends[0] ?? {};
    for (const after of [cursor, cursor.slice(2)])
      expect(await endsOf(talks, { after })).toMatchObject({ text: 'of the second\n', ends: [{ attempt: 1 }, { attempt: 2 }] });
    await expect(endsOf(talks, { after: cursor, attempt: 2 })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    await services.logs.delete(talks);
    for (const attempt of [1, 2]) await expect(services.logs.stat(talks, attempt)).rejects.toMatchObject({ code: 'GONE' });
  });

  it('refuse a selection that cannot be used', async () => {
    const talks = (await ended('selections'))('talks');
    expect(await endsOf(talks, { select: { grep: 't', tail: 1 } })).toMatchObject({ text: 'three\n' });
    for (const select of [{ grep: '(' }, { tail: 1, lines: { first: 0, end: 1 } }])
      await expect(endsOf(talks, { select })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
  });
});
