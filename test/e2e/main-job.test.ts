/** The main job, end to end: a DAG of tasks runs, and its logs are watched while it does. */
import type { Event, Run } from '@gofer/contracts/api';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { describeDocker } from '../backends/docker-engine.ts';
import { GoferServer, pipelinePath, taskPath } from './gofer-server.ts';
import { containersOf, until } from './leftovers.ts';

const LINES = 50_000;
const DIAMOND = [
  { id: 'one', script: 'i=1; while [ $i -le 20 ]; do echo "one $i"; sleep 0.02; i=$((i+1)); done' },
  { id: 'left', script: 'echo left; echo problem >&2', depends_on: { one: 'Success' as const } },
  { id: 'right', script: `seq 1 ${LINES}`, depends_on: { one: 'Success' as const } },
  { id: 'last', script: 'printf "the end"', depends_on: { left: 'Success' as const, right: 'Any' as const } },
];

function mainJob(engine: 'process' | 'docker'): void {
  let server: GoferServer;
  beforeAll(async () => {
    server = await GoferServer.start(engine);
  });
  afterAll(() => server.close());

  it('runs a DAG whose logs arrive while it runs, whoever follows them and however', async () => {
    await server.deploy('diamond', DIAMOND);
    const run = await server.run('diamond');
    expect(run).toMatchObject({ run_id: 1, status: 'unknown', variables: [] });
    // Joined before the task has begun: `last` waits for all the others.
    const early = await server.follow('diamond', 1, 'last');
    const stopped = await server.follow('diamond', 1, 'right');
    stopped.socket.pause();
    const beside = await server.follow('diamond', 1, 'right');
    const watched = await server.follow('diamond', 1, 'one');
    await until('the first line', () => watched.frames.length > 0);
    expect(await server.task('diamond', 1, 'one')).toMatchObject({ state: 'running', status: 'unknown' });
    expect(await server.task('diamond', 1, 'left')).toMatchObject({ waiting_reason: expect.stringContaining('one') });
    const late = await server.follow('diamond', 1, 'one');
    const ended = await server.getRun('diamond', 1, 60);
    expect(ended).toMatchObject({ state: 'complete', status: 'successful', status_reason: null });
    expect(ended.ended).toBeGreaterThanOrEqual(ended.started);
    for (const follower of [early, watched, late, beside]) expect(await follower.closed).toMatchObject({ code: 1000 });
    const expected = Array.from({ length: 20 }, (_, index) => `one ${index + 1}\n`);
    expect(watched.frames).toEqual(expected);
    expect(late.frames).toEqual(expected);
    expect(early.frames).toEqual(['the end']);
    expect(beside.frames).toEqual(Array.from({ length: LINES }, (_, index) => `${index + 1}\n`));
    stopped.socket.resume();
    await stopped.closed;
    expect(stopped.frames).toEqual(beside.frames);
    expect((await server.rawLog('diamond', 1, 'last')).toString()).toBe('the end');
    expect(await server.statuses('diamond', 1)).toEqual({ one: 'successful', left: 'successful', right: 'successful', last: 'successful' });
    const left = await server.task('diamond', 1, 'left');
    expect(left).toMatchObject({ exit_code: 0, log: { lines: 2, bytes: 13, complete: true }, attempts: [{ attempt: 1, engine }] });
  });

  it('tells every event, each after its cause', async () => {
    const socket = await server.socket('/api/events?history=true');
    const isLast = (frame: string): boolean => 'completed_run' in (JSON.parse(frame) as Event).kind;
    await until('the last event', () => socket.frames.some(isLast));
    socket.socket.close();
    const events = socket.frames.map((frame) => JSON.parse(frame) as Event);
    expect(new Set(events.map(({ id }) => id)).size).toBe(events.length);
    const of = ({ kind }: Event): string => {
      const [name, payload] = Object.entries(kind)[0] ?? ['', {}];
      const task = payload['task_execution_id'];
      return typeof task === 'string' ? `${name} ${task}` : name;
    };
    const names = events.map(of);
    const position = (name: string): number => {
      expect(names.filter((each) => each === name)).toEqual([name]);
      return names.indexOf(name);
    };
    const orders = [
      ['created_pipeline', 'completed_deployment', 'queued_run', 'started_run', 'started_task_execution one'],
      ...['one', 'left', 'right', 'last'].map((task) =>
        ['created', 'started', 'completed'].map((what) => `${what}_task_execution ${task}`),
      ),
      ['completed_task_execution one', 'started_task_execution left', 'completed_task_execution left', 'started_task_execution last'],
      ['completed_task_execution right', 'started_task_execution last', 'completed_task_execution last', 'completed_run'],
    ];
    for (const order of orders) expect(order.map(position)).toEqual(order.map(position).toSorted((a, b) => a - b));
    expect(events.find((event) => of(event) === 'completed_run')?.kind).toMatchObject({ completed_run: { status: 'successful' } });
  });

  it('gives tasks their variables: the pipeline before the run before the system', async () => {
    const script = 'env | grep -E "^(GOFER_|ONLY_|BOTH|Both)" | LC_ALL=C sort';
    const variables = { ONLY_PIPELINE: 'pipeline', BOTH: 'pipeline', GOFER_TASK_ID: 'mine' };
    await server.deploy('variables', [{ id: 'show', script, variables }]);
    const run = await server.run('variables', 60, { ONLY_RUN: 'run', Both: 'run', GOFER_RUN_ID: '77' });
    expect(run.status).toBe('successful');
    expect((await server.rawLog('variables', 1, 'show')).toString().trim().split('\n')).toEqual([
      'BOTH=pipeline',
      'GOFER_NAMESPACE_ID=default',
      'GOFER_PIPELINE_ID=variables',
      'GOFER_RUN_ATTEMPT=1',
      'GOFER_RUN_ID=77',
      'GOFER_TASK_ID=mine',
      'GOFER_TASK_IMAGE=gofer-test/busybox:latest',
      'ONLY_PIPELINE=pipeline',
      'ONLY_RUN=run',
    ]);
    const { variables: shown } = await server.task('variables', 1, 'show');
    expect(Object.fromEntries(shown.map(({ key, source }) => [key, source]))).toMatchObject({
      BOTH: 'pipeline_config',
      ONLY_RUN: 'run_options',
      GOFER_RUN_ID: 'run_options',
      GOFER_TASK_ID: 'pipeline_config',
      GOFER_NAMESPACE_ID: 'system',
    });
  });

  it('starts a run once for one idempotency key, and waits no longer than it is told', async () => {
    await server.deploy('slow', [{ id: 'sleep', script: 'trap "exit 3" TERM; echo up; while :; do sleep 0.05; done' }]);
    const start = { 'gofer-api-version': 'v0', 'idempotency-key': 'nightly' };
    const ids = await Promise.all(
      [1, 2, 3].map(async () => ((await server.call('POST', `${pipelinePath('slow')}/runs`, {}, start)).json() as { run: Run }).run.run_id),
    );
    expect(ids).toEqual([1, 1, 1]);
    expect(await server.getRun('slow', 1, 1)).toMatchObject({ ended: 0, waiting_reason: expect.stringContaining('sleep') });
    const follower = await server.follow('slow', 1, 'sleep');
    await until('its first line', () => follower.frames.length === 1);
    await server.ask('DELETE', `${pipelinePath('slow')}/runs/1`);
    expect(await server.getRun('slow', 1, 60)).toMatchObject({ status: 'cancelled', status_reason: { reason: 'user_cancelled' } });
    expect(await server.statuses('slow', 1)).toEqual({ sleep: 'cancelled' });
    expect(await follower.closed).toMatchObject({ code: 1000 });
    expect((await server.call('DELETE', `${taskPath('slow', 1, 'sleep')}/logs`)).status).toBe(204);
    expect(await server.refusal('GET', `${taskPath('slow', 1, 'sleep')}/logs/raw`)).toMatchObject({ status: 410, error_code: 'GONE' });
  });
}

describe('the main job on processes', () => {
  mainJob('process');
});
await describeDocker('the main job on containers', (docker) => {
  mainJob('docker');
  it('leaves no container of a run that has ended', async () => {
    const server = await GoferServer.start('docker');
    try {
      await server.deploy('two', [
        { id: 'good', command: ['true'] },
        { id: 'bad', command: ['false'] },
      ]);
      expect((await server.run('two', 60)).status).toBe('failed');
      const attempts = (await server.tasks('two', 1)).flatMap((task) => task.attempts ?? []).map(({ id }) => id);
      expect(attempts).toHaveLength(2);
      await until('the removal of its containers', async () => (await containersOf(docker, attempts)).length === 0);
    } finally {
      await server.close();
    }
  });
});
