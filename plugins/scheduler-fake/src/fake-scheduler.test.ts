import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ExecOutput, PluginInstance, Scheduler, StartUpdate, TaskHandle, TaskSpec } from '@gofer/contracts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { FakeConfig } from './fake-config.ts';
import { plugin } from './index.ts';

const NEVER = new AbortController().signal;
let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'gofer-fake-'));
});
afterAll(() => rm(directory, { recursive: true }));

const create = (config: FakeConfig = {}, dataDirectory: string = randomUUID()): Promise<Scheduler & PluginInstance> =>
  plugin.create(config, { instanceId: 'test', dataDirectory, log: () => undefined });

const spec = (changes: Partial<TaskSpec> = {}): TaskSpec => ({
  attemptId: randomUUID(),
  image: 'ubuntu:24.04',
  env: {},
  pullPolicy: 'missing',
  limits: {},
  ports: [],
  labels: {},
  ...changes,
});

async function updates(scheduler: Scheduler, task: TaskSpec, signal = NEVER): Promise<StartUpdate[]> {
  const seen: StartUpdate[] = [];
  for await (const update of scheduler.start(task, signal)) seen.push(update);
  return seen;
}

async function start(scheduler: Scheduler, changes: Partial<TaskSpec> = {}): Promise<TaskHandle> {
  const last = (await updates(scheduler, spec(changes))).at(-1);
  if (last?.kind !== 'started') throw new Error('it did not start');
  return last.handle;
}

async function output(scheduler: Scheduler, handle: TaskHandle): Promise<string> {
  let text = '';
  for await (const chunk of scheduler.logs(handle, { follow: true }, NEVER)) text += Buffer.from(chunk.bytes).toString();
  return text;
}

const exitCode = async (scheduler: Scheduler, handle: TaskHandle): Promise<number | string> => {
  const end = await scheduler.wait(handle, NEVER);
  return end.kind === 'exited' ? end.exitCode : end.reason;
};

describe('the fake scheduler', () => {
  it('without a script prints the command and exits with 0', async () => {
    const scheduler = await create();
    const handle = await start(scheduler, { entrypoint: ['echo'], command: ['hello', 'world'] });
    expect(await exitCode(scheduler, handle)).toBe(0);
    expect(await output(scheduler, handle)).toBe('echo hello world\n');
  });

  it('plays the first rule whose image, command and labels match', async () => {
    const scheduler = await create({
      script: [
        { image: '*busybox*', command: 'sh -c *test*', steps: [{ exit: 1 }] },
        { image: '*busybox*', labels: { 'gofer.task': 'b*' }, steps: [{ exit: 2 }] },
        { image: '*busybox*', steps: [{ exit: 3 }] },
      ],
    });
    const code = async (changes: Partial<TaskSpec>): Promise<unknown> => exitCode(scheduler, await start(scheduler, changes));
    expect(await code({ image: 'host:5000/busybox:1', command: ['sh', '-c', 'make test'] })).toBe(1);
    expect(await code({ image: 'busybox', labels: { 'gofer.task': 'build' } })).toBe(2);
    expect(await code({ image: 'busybox' })).toBe(3);
    expect(await code({ image: 'alpine' })).toBe(0);
  });

  it('plays a rule so many times only: a task that fails at first', async () => {
    const scheduler = await create({ script: [{ times: 2, steps: [{ print: 'flaky' }, { exit: 7 }] }] });
    const codes = [];
    for (let attempt = 0; attempt < 3; attempt++) codes.push(await exitCode(scheduler, await start(scheduler)));
    expect(codes).toEqual([7, 7, 0]);
  });

  it('reports progress, takes its time, and can be given up meanwhile', async () => {
    const script = [{ progress: ['pulling 10 %', 'pulling 90 %'], start_delay_ms: 5 }];
    const scheduler = await create({ script });
    expect((await updates(scheduler, spec())).map((update) => (update.kind === 'progress' ? update.message : update.kind))).toEqual([
      'pulling 10 %',
      'pulling 90 %',
      'started',
    ]);
    const slow = await create({ script: [{ start_delay_ms: 600_000 }] });
    const controller = new AbortController();
    const starting = updates(slow, spec(), controller.signal);
    controller.abort();
    await expect(starting).rejects.toMatchObject({ code: 'CANCELLED' });
    expect(await slow.list({})).toEqual([]);
  });

  it('refuses a start with the code of the rule', async () => {
    const scheduler = await create({ script: [{ refuse: { code: 'IMAGE_PULL_FAILED', message: 'the registry is asleep' } }] });
    await expect(start(scheduler)).rejects.toMatchObject({ code: 'IMAGE_PULL_FAILED', message: 'the registry is asleep' });
    expect(await scheduler.list({})).toEqual([]);
  });

  it('asks a server, in a task and inside one, and fails where none answers', async () => {
    const server = createServer((request, response) => void response.writeHead(request.url === '/' ? 200 : 404).end('the answer'));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    try {
      const steps = (asked: string) => [{ get: asked }, { print: '!' }, { exit: 7 }];
      const scheduler = await create({
        script: [
          { image: 'there', steps: [{ sleep_ms: 1 }, ...steps(url)], exec: steps(url) },
          { image: 'missing', steps: steps(`${url}none`) },
          { image: 'runs', steps: [{ sleep_ms: 600_000 }], exec: steps(`${url}none`) },
        ],
      });
      const there = await start(scheduler, { image: 'there' });
      expect([await exitCode(scheduler, there), await output(scheduler, there)]).toEqual([7, 'the answer!']);
      const missing = await start(scheduler, { image: 'missing' });
      expect([await exitCode(scheduler, missing), await output(scheduler, missing)]).toEqual([1, '']);
      const runs = await start(scheduler, { image: 'runs' });
      const items: ExecOutput[] = [];
      for await (const item of scheduler.exec(runs, { command: ['any'], tty: false }, NEVER)) items.push(item);
      expect(items).toEqual([{ kind: 'exit', exitCode: 1 }]);
      await scheduler.remove(runs);
    } finally {
      server.closeAllConnections();
      server.close();
    }
  });

  it('loses sight of a task', async () => {
    const scheduler = await create({ script: [{ steps: [{ print: 'so far' }, { lose: 'the node is gone' }] }] });
    const handle = await start(scheduler);
    expect(await exitCode(scheduler, handle)).toBe('the node is gone');
    expect(await output(scheduler, handle)).toBe('so far');
  });

  it('tells an end late, or only to one who inspects', async () => {
    const scheduler = await create({
      script: [
        { image: 'late', end_told: { after_ms: 5 } },
        { image: 'lost', end_told: 'when inspected' },
      ],
    });
    expect(await exitCode(scheduler, await start(scheduler, { image: 'late' }))).toBe(0);
    const handle = await start(scheduler, { image: 'lost' });
    let known = false;
    const waiting = scheduler.wait(handle, NEVER).then(() => (known = true));
    expect(await output(scheduler, handle)).toBe('\n');
    await new Promise(setImmediate);
    expect(known).toBe(false);
    await scheduler.inspect(handle);
    expect(await waiting).toBe(true);
  });

  it('writes bursts of lines, at once and at a rate', async () => {
    const scheduler = await create({
      script: [{ steps: [{ lines: 2500 }, { lines: 30, per_second: 1000, stream: 'stderr' }, { fill: 3 }] }],
    });
    const text = await output(scheduler, await start(scheduler));
    const numbered = (count: number): string => Array.from({ length: count }, (_, index) => `line ${index + 1}\n`).join('');
    expect(text).toBe(`${numbered(2500)}${numbered(30)}xxx`);
  });

  it('answers exec and endpoints from the rule', async () => {
    const scheduler = await create({
      script: [{ steps: [{ sleep_ms: 600_000 }], exec: [{ print: 'ok' }, { exit: 4 }], endpoints: { '8080': 'http://127.0.0.1:9' } }],
    });
    const handle = await start(scheduler, { ports: [8080, 9090] });
    const { endpoints } = await scheduler.inspect(handle);
    expect(endpoints[0]).toEqual({ port: 8080, url: 'http://127.0.0.1:9' });
    expect(endpoints[1]?.url).toMatch(/^http:\/\/.*\.fake\.invalid:9090$/);
    const items = [];
    for await (const item of scheduler.exec(handle, { command: ['anything'], tty: false }, NEVER)) items.push(item);
    expect(items.at(-1)).toEqual({ kind: 'exit', exitCode: 4 });
    const cut = scheduler.exec(handle, { command: ['gofer-fake-steps', '[{"print":"x"},{"sleep_ms":600000}]'], tty: true }, NEVER);
    expect((await cut[Symbol.asyncIterator]().next()).done).toBe(false);
    await scheduler.remove(handle);
  });

  it('ends a command of exec when its task ends', async () => {
    const scheduler = await create({ script: [{ steps: [{ sleep_ms: 600_000 }], exec: [{ print: 'x' }, { sleep_ms: 600_000 }] }] });
    const handle = await start(scheduler);
    const items = [];
    for await (const item of scheduler.exec(handle, { command: ['x'], tty: false }, NEVER)) {
      items.push(item);
      if (item.kind === 'data') await scheduler.stop(handle, 0);
    }
    expect(items.at(-1)).toEqual({ kind: 'exit', exitCode: 137 });
  });

  it('says of a task of an earlier process that it is lost', async () => {
    const scheduler = await create();
    const handle = { attempt: randomUUID(), process: 'another' };
    expect(await scheduler.wait(handle, NEVER)).toMatchObject({ kind: 'lost' });
    expect(await scheduler.inspect(handle)).toEqual({ state: 'gone', endpoints: [] });
    await scheduler.remove(handle);
  });

  it('reads its script from a file', async () => {
    const script = join(directory, 'script.json');
    await writeFile(script, '[{ "steps": [{ "exit": 9 }] }]');
    const scheduler = await create({ script });
    expect(await exitCode(scheduler, await start(scheduler))).toBe(9);
    await writeFile(script, '[{ "steps": ');
    await expect(create({ script })).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
    await expect(create({ script: join(directory, 'none.json') })).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
  });

  it('lists every fault of a script', async () => {
    const script = JSON.parse(
      '[7, {"imagee": "x"}, {"times": -1, "steps": [{"exit": 256}, {"sing": true}, {"lines": 3, "per_second": 0, "stream": "both"}]}, {"refuse": {"code": "NOPE", "message": ""}}]',
    ) as NonNullable<FakeConfig['script']>;
    await expect(create({ script })).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      details: [
        { path: 'script[0]' },
        { path: 'script[1].imagee' },
        { path: 'script[2].times' },
        { path: 'script[2].steps[0].exit' },
        { path: 'script[2].steps[1]' },
        { path: 'script[2].steps[2].stream' },
        { path: 'script[2].steps[2].per_second' },
        { path: 'script[3].refuse' },
      ],
    });
  });

  it('refuses inline steps that are none', async () => {
    const scheduler = await create();
    for (const steps of ['[', '[{"sing": 1}]']) {
      await expect(start(scheduler, { command: ['gofer-fake-steps', steps] })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    }
    expect(await scheduler.list({})).toEqual([]);
  });
});
