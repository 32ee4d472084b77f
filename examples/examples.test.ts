/** Every example is a program that prints a pipeline, in the wire's exact shape, that means what its description says. */
import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { PipelineJson, TaskJson } from '@gofer/sdk';
import { beforeAll, describe, expect, it } from 'vitest';

const directory = fileURLToPath(new URL('.', import.meta.url));
const EXAMPLES = [
  'artifact',
  'build-and-publish',
  'clean-up',
  'debug-envs',
  'debug-fail',
  'debug-log',
  'debug-wait',
  'diamond',
  'fan-out',
  'hello',
  'nightly',
  'retries',
] as const;
type Example = (typeof EXAMPLES)[number];

const printed = new Map<Example, { readonly stdout: string; readonly stderr: string }>();
beforeAll(async () => {
  for (const example of EXAMPLES) {
    // As a user's tool chain does it: the package's own main, in the package's own folder.
    const folder = `${directory}${example}`;
    const { main }: { main: string } = JSON.parse(await readFile(`${folder}/package.json`, 'utf8'));
    printed.set(example, await promisify(execFile)(process.execPath, [main], { cwd: folder }));
  }
});

function pipelineOf(example: Example): PipelineJson {
  return JSON.parse(printed.get(example)?.stdout ?? 'null');
}

function taskOf(example: Example, id: string): TaskJson {
  const task = pipelineOf(example).tasks.find((candidate) => candidate.id === id);
  if (task === undefined) throw new Error(`${example} has no task ${id}`);
  return task;
}

const text = expect.any(String);
const flag = expect.any(Boolean);

/** What the example of it may have beside v0's fields. */
function reliabilityOf({ timeout, retries, retry_on, retry_backoff, always }: TaskJson): Partial<TaskJson> {
  return { ...(timeout && { timeout }), ...(retries && { retries, retry_on, retry_backoff }), ...(always && { always }) };
}

describe.each(EXAMPLES)('%s', (example) => {
  it('prints one line of JSON of the wire shape', () => {
    const { stdout, stderr } = printed.get(example) ?? { stdout: '', stderr: '' };
    expect([stderr, stdout.indexOf('\n')]).toEqual(['', stdout.length - 1]);
    const pipeline = pipelineOf(example);
    expect(pipeline).toEqual({
      id: example,
      name: text,
      description: text,
      parallelism: 0,
      tasks: expect.any(Array),
      ...(example === 'nightly' ? { subscriptions: expect.any(Array) } : {}),
    });
    for (const task of pipeline.tasks) {
      expect(task).toEqual({
        id: expect.stringMatching(/^[a-zA-Z0-9_-]{1,63}$/),
        description: text,
        image: 'busybox:latest',
        registry_auth: null,
        depends_on: expect.any(Object),
        variables: expect.any(Object),
        entrypoint: null,
        command: expect.any(Array),
        inject_api_token: flag,
        always_pull_newest_image: flag,
        ...(example === 'retries' ? reliabilityOf(task) : {}),
      });
      for (const status of Object.values(task.depends_on)) expect(['Any', 'Success', 'Failure']).toContain(status);
    }
  });

  it('needs nothing but a shell, so that it also runs without containers', () => {
    for (const { command } of pipelineOf(example).tasks) expect(['sh', 'echo']).toContain(command?.[0]);
  });
});

it('is every folder there is', async () => {
  const entries = await readdir(directory, { withFileTypes: true });
  const folders = entries
    .filter((entry) => entry.isDirectory() && !['node_modules', 'demo'].includes(entry.name))
    .map((entry) => entry.name);
  expect(folders.toSorted()).toEqual([...EXAMPLES].toSorted());
});

describe('what the examples show', () => {
  it('a diamond', () => {
    expect(pipelineOf('diamond').tasks.map((task) => [task.id, Object.keys(task.depends_on)])).toEqual([
      ['fetch', []],
      ['build', ['fetch']],
      ['test', ['fetch']],
      ['publish', ['build', 'test']],
    ]);
  });

  it('an artifact whose version and secret are references', () => {
    const version = 'pipeline_object{{version}}';
    expect(pipelineOf('artifact').tasks.map((task) => [task.id, task.depends_on, task.variables])).toEqual([
      ['build', {}, { VERSION: version }],
      ['publish', { build: 'Success' }, { VERSION: version, TOKEN: 'pipeline_secret{{publish_token}}' }],
      ['announce', { build: 'Success' }, { VERSION: version }],
    ]);
  });

  it('tasks that ask for a token, of which two wait for the one that builds', () => {
    expect(pipelineOf('build-and-publish').tasks.map((task) => [task.id, task.depends_on, task.inject_api_token])).toEqual([
      ['build', {}, true],
      ['test', { build: 'Success' }, true],
      ['publish', { build: 'Success' }, true],
    ]);
  });

  it('a clean-up that waits for a failure', () => {
    expect(taskOf('clean-up', 'roll-back').depends_on).toEqual({ 'integration-test': 'Failure' });
    expect(taskOf('clean-up', 'tear-down').depends_on).toEqual({ 'integration-test': 'Any' });
    expect(taskOf('clean-up', 'deploy').depends_on).toEqual({ 'integration-test': 'Success' });
  });

  it('retries for one exit code, a time limit and a clean-up', () => {
    expect(taskOf('retries', 'flaky')).toMatchObject({
      timeout: 60,
      retries: 4,
      retry_on: [75, 'infrastructure', 'timeout'],
      retry_backoff: { initial: 0.2, maximum: 5 },
    });
    expect(taskOf('retries', 'publish')).toMatchObject({ depends_on: { flaky: 'Success' }, timeout: 60 });
    expect(taskOf('retries', 'tear-down')).toMatchObject({ depends_on: { flaky: 'Any', publish: 'Any' }, always: true });
  });

  it('a subscription in code', () => {
    expect(pipelineOf('nightly').subscriptions).toEqual([
      { extension_id: 'cron', subscription_id: 'nightly', settings: { expression: '0 3 * * * *' } },
    ]);
  });

  it('a fan-out of 50 and a join', () => {
    expect(pipelineOf('fan-out').tasks).toHaveLength(52);
    expect(Object.keys(taskOf('fan-out', 'join').depends_on)).toHaveLength(50);
  });
});

describe('the debug containers', () => {
  const run = (task: TaskJson, env: Record<string, string>): Promise<{ code: number; stdout: string; stderr: string }> => {
    const [program = '', ...words] = task.command ?? [];
    return new Promise((resolve, reject) => {
      execFile(program, words, { env: { PATH: process.env.PATH ?? '', ...env } }, (error, stdout, stderr) => {
        const code = error === null ? 0 : error.code;
        if (typeof code === 'number') resolve({ code, stdout, stderr });
        else reject(error);
      });
    });
  };

  it.each(['envs', 'fail', 'log', 'wait'] as const)('%s runs what its example runs', async (name) => {
    const folder = `${directory}../containers/debug/${name}`;
    const script = await readFile(`${folder}/${name}.sh`, 'utf8');
    expect(script).toBe(`#!/bin/sh\n${taskOf(`debug-${name}`, name).command?.[2]}\n`);
    expect(await readFile(`${folder}/Dockerfile`, 'utf8')).toContain(
      `COPY ${name}.sh /usr/local/bin/${name}\nENTRYPOINT ["/usr/local/bin/${name}"]\n`,
    );
  });

  it('envs prints the environment', async () => {
    expect(await run(taskOf('debug-envs', 'envs'), { GOFER_RUN_ID: '7' })).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^GOFER_RUN_ID=7$/m),
    });
  });

  it('fail fails, as it is told', async () => {
    const task = taskOf('debug-fail', 'fail');
    expect(await run(task, {})).toMatchObject({ code: 1, stderr: expect.stringContaining('on purpose') });
    expect(await run(task, { EXIT_CODE: '7' })).toMatchObject({ code: 7 });
  });

  it('log prints its lines', async () => {
    const { code, stdout, stderr } = await run(taskOf('debug-log', 'log'), { PAUSE: '0' });
    expect([code, stdout.split('\n').length, stderr]).toEqual([0, 13, 'And this one to standard error.\n']);
  });

  it('wait waits for as long as it is told', async () => {
    const task = taskOf('debug-wait', 'wait');
    expect(await run(task, { WAIT: '0' })).toEqual({ code: 0, stdout: 'Waiting for 0 seconds.\nDone.\n', stderr: '' });
    expect(await run(task, { WAIT: 'soon' })).toMatchObject({ code: 2 });
  });
});
