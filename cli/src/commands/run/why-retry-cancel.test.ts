import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Run, TaskExecution } from '@gofer/contracts/api';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { GoferClient } from '../../api/gofer-client.ts';
import { runInProcess } from '../../testing/run-in-process.ts';
import { startTestServer, type TestServer } from '../../testing/test-server.ts';

/** `flaky` fails at its first start only. */
const SCRIPT = [
  { image: 'flaky', times: 1, steps: [{ print: 'first\n' }, { exit: 3 }] },
  { image: 'flaky', steps: [{ print: 'second\n' }] },
];

interface Sketch {
  readonly steps?: readonly object[];
  readonly after?: Readonly<Record<string, string>>;
  readonly more?: Readonly<Record<string, unknown>>;
}

let server: TestServer;
let client: GoferClient;
let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'gofer-cli-why-'));
  await writeFile(join(directory, 'script.json'), JSON.stringify(SCRIPT));
  server = await startTestServer('fake', { 'scheduler.fake.script': join(directory, 'script.json') });
  client = new GoferClient({ baseUrl: new URL(server.url), token: '', insecureSkipTlsVerify: false });
});
afterAll(async () => {
  await server?.close();
  await rm(directory, { recursive: true, force: true });
});

function toTask([id, { steps = [], after = {}, more = {} }]: readonly [string, Sketch]): object {
  const common = { id, image: 'busybox', depends_on: after, variables: {}, inject_api_token: false, always_pull_newest_image: false };
  return { ...common, entrypoint: ['gofer-fake-steps'], command: [JSON.stringify(steps)], ...more };
}

/** Registers a version of a pipeline and makes it live. */
async function deploy(
  id: string,
  tasks: Readonly<Record<string, Sketch>>,
  settings: Readonly<Record<string, unknown>> = {},
): Promise<void> {
  const path = { namespace_id: 'default', pipeline_id: id };
  const config = { id, name: id, parallelism: 0, tasks: Object.entries(tasks).map(toTask), ...settings };
  const { pipeline } = await client.call('register_config', { path, body: { config } });
  await client.call('deploy_config', { path: { ...path, version: pipeline.config.version } });
}

const pathOf = (id: string, run_id: number) => ({ namespace_id: 'default', pipeline_id: id, run_id });
const start = async (id: string, wait = 0): Promise<Run> =>
  (await client.call('start_run', { path: { namespace_id: 'default', pipeline_id: id }, body: { variables: {} }, query: { wait } })).run;
const ended = async (id: string, run: number): Promise<Run> =>
  (await client.call('get_run', { path: pathOf(id, run), query: { wait: 30 } })).run;
const taskOf = async (id: string, run: number, task_id: string): Promise<TaskExecution> =>
  (await client.call('get_task_execution', { path: { ...pathOf(id, run), task_id } })).task_execution;
const isRunning = async (id: string, run: number, task: string) =>
  await expect.poll(async () => (await taskOf(id, run, task)).state, { timeout: 30_000 }).toBe('running');

const gofer = (...argv: readonly string[]) => runInProcess(argv, { env: { GOFER_API_BASE_URL: server.url } });
/** What a command that succeeds prints. */
async function say(...argv: readonly string[]): Promise<string> {
  const outcome = await gofer(...argv);
  expect(outcome).toMatchObject({ code: 0, stderr: '' });
  return outcome.stdout;
}

describe('run why', () => {
  it('says of what has not ended what it waits for, since when, until when and what comes next', async () => {
    const tasks = { work: { steps: [{ sleep_ms: 600_000 }], more: { timeout: 3_600 } }, after: { after: { work: 'Success' } } };
    await deploy('waits', tasks, { parallelism: 1, start_timeout: 7_200 });
    await start('waits');
    await start('waits');
    await isRunning('waits', 1, 'work');
    const first = await say('run', 'why', 'waits', '1');
    expect(first).toMatch(/^Run #1 of waits is running\n {2}Waiting {2}waiting for: work\n {2}Since {4}\S.*\n {2}Next {5}\S/u);
    expect(first).toMatch(/Task after is waiting\n {2}Waiting {2}waiting for: work\n/u);
    expect(first).toMatch(/Task work is running\n {2}Waiting {2}running\n {2}Since {4}.*, at the latest in (?:59|60) minutes\n/u);
    const second = await say('run', 'why', 'waits', '2');
    expect(second).toMatch(/Run #2 of waits is pending\n {2}Waiting {2}pipeline limit of 1 run reached; next to start\n/u);
    expect(second).toMatch(
      /at the latest in [12] hours?\n {2}Next {5}it begins once another run has ended; if it waits longer, it fails\n/u,
    );
    const told = JSON.parse(await say('run', 'why', 'waits', '1', '--output-format', 'json')) as {
      run: Run;
      task_executions: TaskExecution[];
    };
    expect(told).toMatchObject({
      run: { run_id: 1, waiting: { kind: 'tasks', next: expect.any(String) as string } },
      task_executions: [
        { task_id: 'after', waiting: { kind: 'parents' } },
        { task_id: 'work', waiting: { kind: 'running' } },
      ],
    });
    // The run and the task say the same in their own views.
    expect(await say('run', 'get', 'waits', '2')).toContain('it begins once another run has ended');
    expect(await say('task', 'get', 'waits', '1', 'after')).toContain('it starts, or is skipped, once they have ended');
    await say('run', 'cancel', 'waits', '--all', '--force');
    for (const run of [1, 2]) expect(await ended('waits', run)).toMatchObject({ status: 'cancelled' });
  });

  it('says of what has ended why, with each attempt of each task', async () => {
    const backoff = { initial: 1, maximum: 1 };
    await deploy('breaks', {
      fine: {},
      bad: { steps: [{ print: 'no\n' }, { exit: 9 }], more: { retries: 1, retry_backoff: backoff } },
      never: { after: { bad: 'Success' } },
    });
    expect(await start('breaks', 30)).toMatchObject({ status: 'failed' });
    const why = await say('run', 'why', 'breaks', '1');
    expect(why).toMatch(/^Run #1 of breaks failed after .*\n {2}Reason {2}tasks that did not succeed: bad \[abnormal_exit\]\n/u);
    expect(why).toMatch(
      /Task bad failed after .*\n {2}Reason {2}exit code 9 \[abnormal_exit, exit_code\]\n {2}attempt 1 +failed +exit 9 .*\[abnormal_exit, exit_code\]\n {2}attempt 2 +failed +exit 9 /u,
    );
    expect(why).toMatch(/Task never was skipped\n {2}Reason {2}task 'bad' did not end .* \[failed_precondition, dependency\]\n$/u);
    expect(why).not.toContain('Task fine');
    expect(await say('run', 'get', 'breaks', '1')).toMatch(/bad +failed .*exit 9 +attempt 2 +exit code 9/u);
  });
});

it('the attempts of a task are in its view, each with its own end', async () => {
  await deploy('flaky', { try: { more: { image: 'flaky', entrypoint: null, command: null, retries: 2, retry_backoff: { initial: 1 } } } });
  expect(await start('flaky', 30)).toMatchObject({ status: 'successful' });
  const view = await say('task', 'get', 'flaky', '1', 'try', '--detail');
  expect(view).toMatch(
    /Attempts\n {2}attempt 1 +failed +exit 3 .*exit code 3 \[abnormal_exit, exit_code\] +fake [\da-f-]{36}\n {2}attempt 2 +successful +exit 0 /u,
  );
});

describe('run cancel', () => {
  it('says what it found: queued, going on, being ended already, ended already', async () => {
    await deploy('stubborn', { work: { steps: [{ ignore_term: true }, { print: 'deaf\n' }, { sleep_ms: 600_000 }] } }, { parallelism: 1 });
    await start('stubborn');
    await start('stubborn');
    await expect.poll(async () => (await gofer('task', 'logs', 'stubborn', '1', 'work', '--no-follow')).stdout).toBe('deaf\n');
    await say('run', 'cancel', 'stubborn', '2');
    expect(await ended('stubborn', 2)).toMatchObject({ status: 'cancelled', begun: 0 });
    expect(await say('run', 'cancel', 'stubborn', '2')).toMatch(
      /Run #2 of stubborn had ended already, .*: cancelled, cancelled by \S+\n$/u,
    );

    expect(await say('run', 'cancel', 'stubborn', '1', '--wait-for', '10m')).toMatch(
      /✓ Cancelling run #1 of stubborn\n.*gofer run why stubborn 1\n/u,
    );
    const again = await say('run', 'cancel', 'stubborn', '1', '--wait-for', '20m');
    expect(again).toMatch(/✓ Run #1 of stubborn is being ended already: cancelled by \S+, \S.*\n/u);
    expect(await say('run', 'why', 'stubborn', '1')).toMatch(/Task work is running\n {2}Waiting {7}cancelled by .*; SIGTERM was sent\n/u);
    expect(await say('task', 'cancel', 'stubborn', '1', 'work', '-w', '10m')).toMatch(/Task work .* is being ended already: cancelled by/u);
    await say('run', 'cancel', 'stubborn', '1', '--force');
    expect(await ended('stubborn', 1)).toMatchObject({ status: 'cancelled' });
    expect(await say('task', 'cancel', 'stubborn', '1', 'work')).toMatch(/Task work .* had ended already, .*: cancelled, cancelled by/u);
    expect(await say('run', 'get', 'stubborn', '1')).toMatch(
      /Reason {8}cancelled by \S+ \[user_cancelled, cancelled, by \S+\]\n {2}Cancellation {2}cancelled by/u,
    );
  });

  it('of all runs names them, and says where there is none', async () => {
    await deploy('many', { work: { steps: [{ sleep_ms: 600_000 }] } }, { parallelism: 1 });
    for (let count = 0; count < 3; count += 1) await start('many');
    expect(await say('run', 'cancel', 'many', '--all', '--force')).toBe('✓ Cancelling runs #1, #2, #3 of many\n');
    for (const run of [1, 2, 3]) expect(await ended('many', run)).toMatchObject({ status: 'cancelled' });
    expect(await say('run', 'cancel', 'many', '--all')).toBe('✓ No run of many was left to cancel\n');
    expect(JSON.parse(await say('run', 'cancel', 'many', '--all', '--output-format', 'json'))).toEqual({ run_ids: [] });
  });

  it.each([
    [['many'], /its number, or --all/u],
    [['many', '1', '--all'], /beside --all/u],
    [['many', '1', '--wait-for', 'soon'], /--wait-for/u],
    [['many', '1', '--wait-for', '2d'], /of a day at most/u],
    [['many', '1', '--wait-for', '500ms'], /whole seconds/u],
  ])('refuses %j', async (argv, fault) => {
    expect(await gofer('run', 'cancel', ...argv)).toMatchObject({ code: 2, stdout: '', stderr: expect.stringMatching(fault) as string });
  });
});

describe('run retry', () => {
  it('takes over what was successful, links the runs, and says where a log is', async () => {
    await deploy('repeat', {
      build: { steps: [{ print: 'built\n' }] },
      test: { after: { build: 'Success' }, more: { image: 'flaky-test', entrypoint: null, command: null } },
      ship: { steps: [{ exit: 4 }], after: { build: 'Success' } },
    });
    expect(await start('repeat', 30)).toMatchObject({ status: 'failed' });
    const { code, stdout, stderr } = await gofer('run', 'retry', 'repeat', '1', '--from-failed', '-f');
    expect(code).toBe(1);
    expect(stderr).toMatch(/✓ Started run #2 of repeat \(v1\), which repeats what failed in run #1/u);
    expect(stderr).not.toContain('no log of');
    expect(stdout).not.toContain('built');
    const run = await say('run', 'get', 'repeat', '2');
    expect(run).toMatch(/Retry of {2}run #1\n/u);
    expect(run).toMatch(/build +successful .*taken over from run #1/u);
    const build = await say('task', 'get', 'repeat', '2', 'build');
    expect(build).toMatch(/Taken over {2}from run #1, which has its log\n/u);
    expect(build).toContain('Its log: gofer task logs repeat 1 build\n');
    for (const flags of [[], ['--raw'], ['--no-follow']])
      expect(await gofer('task', 'logs', 'repeat', '2', 'build', ...flags)).toMatchObject({
        code: 3,
        stdout: '',
        stderr: expect.stringContaining('taken over from run 1, which has the log: gofer task logs repeat 1 build') as string,
      });
    expect(await gofer('task', 'logs', 'repeat', '1', 'build')).toMatchObject({ code: 0, stdout: 'built\n' });
  });

  it('is of the version that is asked for', async () => {
    await deploy('repeat', { other: {} });
    expect(await say('run', 'retry', 'repeat', '1')).toMatch(/Started run #3 of repeat \(v1\), which repeats run #1\n/u);
    expect(await say('run', 'retry', 'repeat', '1', '--version', 'live')).toContain('#4 of repeat (v2)');
    await ended('repeat', 4);
    expect(await say('run', 'retry', 'repeat', '4', '--version', '1')).toMatch(/#5 of repeat \(v1\), which repeats run #4/u);
  });

  it('is refused with what would help', async () => {
    await deploy('fine', { good: {}, wait: { steps: [{ sleep_ms: 600_000 }] } });
    await start('fine');
    expect(await gofer('run', 'retry', 'fine', '1')).toMatchObject({
      code: 5,
      stderr: expect.stringContaining('gofer run why fine 1') as string,
    });
    await say('run', 'cancel', 'fine', '1', '--force');
    await ended('fine', 1);
    expect(await gofer('run', 'retry', 'fine', '1', '--version', '0')).toMatchObject({ code: 2 });
    expect(await gofer('run', 'retry', 'fine', '1', '--version', '99')).toMatchObject({ code: 3 });
    expect(await gofer('run', 'retry', 'fine', '99')).toMatchObject({ code: 3 });
  });
});
