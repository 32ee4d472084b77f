/** The example pipelines, registered and run by the command against the real server. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Run, TaskExecution } from '@gofer/contracts/api';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { GoferServer } from './gofer-server.ts';
import { type Outcome, runGofer } from './run-gofer.ts';

const EXAMPLES = join(import.meta.dirname, '../../examples');
const ALL = ['artifact', 'hello', 'diamond', 'clean-up', 'fan-out', 'retries', 'debug-envs', 'debug-fail', 'debug-log', 'debug-wait'];

describe('the examples', () => {
  let server: GoferServer;
  let home: string;
  const gofer = (...argv: string[]): Promise<Outcome> => runGofer(server.url, argv, home);
  beforeAll(async () => {
    home = mkdtempSync(join(tmpdir(), 'gofer-e2e-home-'));
    server = await GoferServer.start('process');
    for (const example of ALL) {
      expect(await gofer('up', join(EXAMPLES, example))).toMatchObject({ code: 0, stdout: expect.stringContaining('Registered pipeline') });
    }
  });
  afterAll(async () => {
    await server.close();
    rmSync(home, { recursive: true, force: true });
  });

  /** Without the prefix of each line's task, which `lines` are sought with. */
  const lines = (output: string): readonly string[] => output.split('\n').map((line) => line.replace(/ +│ /, '|'));

  it('hello says hello and exits 0', async () => {
    const { code, stdout } = await gofer('run', 'start', 'hello', '--follow');
    expect(code).toBe(0);
    expect(lines(stdout)).toContain('hello|Hello from Gofer!');
  });

  it('the artifact is the object’s value for all three tasks, and its secret is not shown', async () => {
    const missing = await gofer('run', 'start', 'artifact', '--follow');
    expect(missing.code).toBe(1);
    expect(missing.stdout + missing.stderr).toContain('pipeline_object{{version}}: there is no such object');
    expect(await gofer('pipeline', 'object', 'put', 'artifact', 'version=1.2.3')).toMatchObject({ code: 0 });
    expect(await gofer('secret', 'pipeline', 'put', 'artifact', 'publish_token', 'the-token-of-the-test')).toMatchObject({ code: 0 });
    const { code, stdout } = await gofer('run', 'start', 'artifact', '--follow');
    expect(code).toBe(0);
    expect(lines(stdout)).toEqual(
      expect.arrayContaining([
        'build|building app-1.2.3.tar',
        'publish|publishing app-1.2.3.tar with the token [redacted]',
        'announce|version 1.2.3 is out; the token is not mine to know',
      ]),
    );
  });

  it('the diamond runs in the shape of a diamond', async () => {
    const { code, stdout } = await gofer('run', 'start', 'diamond', '--follow');
    expect(code).toBe(0);
    const shown = lines(stdout);
    for (const line of ['fetch|fetched 42 files', 'build|building for release', 'test|test 3: ok', 'publish|publishing run 1 of diamond'])
      expect(shown).toContain(line);
    expect(shown.indexOf('publish|publishing run 1 of diamond')).toBeGreaterThan(shown.indexOf('build|built'));
    const again = await gofer('run', 'logs', 'diamond', '1');
    expect([again.code, lines(again.stdout).includes('fetch|fetched 42 files')]).toEqual([0, true]);
  });

  it('clean-up fails, cleans up, and says so by its exit code', async () => {
    const { code, stdout, stderr } = await gofer('run', 'start', 'clean-up', '--follow');
    expect(code).toBe(1);
    const shown = lines(stdout);
    expect(shown).toContain('integration-test|assertion failed: 1 is not 2');
    expect(shown).toContain('roll-back|rolling back');
    expect(stdout).not.toContain('this is never printed');
    expect(`${stdout}${stderr}`).toMatch(/failed/);
    const listed = await gofer('task', 'list', 'clean-up', '1', '--output-format', 'json');
    const task_executions = JSON.parse(listed.stdout) as TaskExecution[];
    expect(Object.fromEntries(task_executions.map((task) => [task.task_id, [task.status, task.exit_code]]))).toMatchObject({
      provision: ['successful', 0],
      'integration-test': ['failed', 3],
      deploy: ['skipped', expect.anything()],
      'roll-back': ['successful', 0],
      'tear-down': ['successful', 0],
    });
  });

  it('retries succeeds at the third attempt, each with a log of its own, and cleans up', async () => {
    const { code, stdout } = await gofer('run', 'start', 'retries', '--follow');
    expect(code).toBe(0);
    const shown = lines(stdout);
    // Who begins to follow late begins with a later attempt.
    for (const line of ['flaky|attempt 3', 'flaky|it works', 'publish|published', 'tear-down|the test environment is down'])
      expect(shown).toContain(line);
    const task = await server.task('retries', 1, 'flaky');
    expect(task).toMatchObject({ status: 'successful', exit_code: 0, attempt: 3 });
    expect(task.attempts?.map(({ attempt, status, exit_code, log }) => [attempt, status, exit_code, log?.lines])).toEqual([
      [1, 'failed', 75, 2],
      [2, 'failed', 75, 2],
      [3, 'successful', 0, 2],
    ]);
    const log = (...flags: string[]): Promise<Outcome> => gofer('task', 'logs', 'retries', '1', 'flaky', ...flags);
    expect(await log('--raw')).toEqual({ code: 0, stdout: 'attempt 3\nit works\n', stderr: '' });
    expect((await log('--attempt', '1')).stdout).toBe('attempt 1\nnot yet\n');
  });

  it('fan-out runs all its parts', async () => {
    const { code, stdout } = await gofer('run', 'start', 'fan-out', '--follow');
    expect(code).toBe(0);
    const shown = lines(stdout);
    for (let part = 1; part <= 50; part += 1) expect(shown).toContain(`part-${part}|working on part ${part}`);
    expect(shown).toContain('join|joined 50 parts');
  });

  it('the debug tasks do what they are for', async () => {
    const [envs, fail, log, wait] = await Promise.all([
      gofer('run', 'start', 'debug-envs', '--follow', '-v', 'COLOUR=blue'),
      gofer('run', 'start', 'debug-fail', '--follow', '-v', 'EXIT_CODE=42'),
      gofer('run', 'start', 'debug-log', '--follow', '-v', 'PAUSE=0'),
      gofer('run', 'start', 'debug-wait', '--follow', '-v', 'WAIT=0'),
    ]);
    expect([envs.code, fail.code, log.code, wait.code]).toEqual([0, 1, 0, 0]);
    for (const line of ['envs|COLOUR=blue', 'envs|GOFER_PIPELINE_ID=debug-envs']) expect(lines(envs.stdout)).toContain(line);
    expect(lines(log.stdout)).toContain('log|And this one to standard error.');
    expect(await server.task('debug-fail', 1, 'fail')).toMatchObject({ exit_code: 42, status_reason: { reason: 'abnormal_exit' } });
  });

  it('gives a log as its bytes, and exit codes to every refusal', async () => {
    expect(await gofer('task', 'logs', 'hello', '1', 'hello', '--raw')).toEqual({ code: 0, stdout: 'Hello from Gofer!\n', stderr: '' });
    const run = JSON.parse((await gofer('run', 'get', 'hello', '1', '--output-format', 'json')).stdout) as Run;
    expect(run).toMatchObject({ run_id: 1, status: 'successful' });
    for (const [argv, code] of [
      [['run', 'start', 'nothing'], 3],
      [['run', 'get', 'hello', '99'], 3],
      [['run', 'start'], 2],
      [['task', 'logs', 'hello', '1', 'nobody'], 3],
      [['namespace', 'create', 'default', 'Again', ''], 5],
    ] as const) {
      const refused = await gofer(...argv);
      expect([argv, refused.code, refused.stdout]).toEqual([argv, code, '']);
      expect(refused.stderr).not.toBe('');
    }
    expect((await runGofer('http://127.0.0.1:9', ['pipeline', 'list'], home)).code).toBe(6);
  });
});
