import { globSync, mkdtempSync, rmSync, statSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { GoferClient } from '../../api/gofer-client.ts';
import { runInProcess } from '../../testing/run-in-process.ts';
import { startTestServer, type TestServer } from '../../testing/test-server.ts';

const LINES = 5000;
let server: TestServer;
let client: GoferClient;
let logs: string;
beforeAll(async () => {
  logs = mkdtempSync(join(tmpdir(), 'gofer-cli-logs-'));
  server = await startTestServer('fake', { 'api.task_execution_logs_dir': logs });
  client = new GoferClient({ baseUrl: new URL(server.url), token: '', insecureSkipTlsVerify: false });
});
afterAll(async () => {
  await server?.close();
  rmSync(logs, { recursive: true, force: true });
});

async function start(id: string, steps: readonly object[], wait: number): Promise<void> {
  const path = { namespace_id: 'default', pipeline_id: id };
  const task = {
    id: 'talk',
    image: 'busybox',
    depends_on: {},
    variables: {},
    entrypoint: ['gofer-fake-steps'],
    command: [JSON.stringify(steps)],
    inject_api_token: false,
    always_pull_newest_image: false,
  };
  const { pipeline } = await client.call('register_config', { path, body: { config: { id, name: id, parallelism: 0, tasks: [task] } } });
  await client.call('deploy_config', { path: { ...path, version: pipeline.config.version } });
  await client.call('start_run', { path, body: { variables: {} }, query: { wait } });
}

const logsOf = (pipeline: string, ...flags: string[]) =>
  runInProcess(['task', 'logs', pipeline, '1', 'talk', ...flags], { env: { GOFER_API_BASE_URL: server.url } });

describe('the log of a task that has ended', () => {
  beforeAll(() => start('ended', [{ print: 'a word\n', stream: 'stderr' }, { lines: LINES }], 30));

  it('ends with a line that says that it is complete', async () => {
    const complete = /^complete: 5,001 lines, 48,900 bytes, sha256 [0-9a-f]{64}\n$/;
    const { code, stdout, stderr } = await logsOf('ended');
    expect(stderr).toMatch(complete);
    expect({ code, lines: stdout.split('\n').length - 1 }).toEqual({ code: 0, lines: LINES + 1 });
    expect((await logsOf('ended', '--no-follow')).stderr).toMatch(complete);
    const json = await logsOf('ended', '--output-format', 'json', '--tail', '1');
    expect(JSON.parse(json.stderr)).toMatchObject({ task_id: 'talk', log: { attempt: 1, seal: { lines: LINES + 1, complete: true } } });
    expect(JSON.parse(json.stdout)).toMatchObject({ line: LINES + 1, text: 'line 5000' });
  });

  it('is read in parts', async () => {
    expect((await logsOf('ended', '--lines', '2-3')).stdout).toBe('line 1\nline 2\n');
    expect((await logsOf('ended', '--tail', '2')).stdout).toBe('line 4999\nline 5000\n');
    expect((await logsOf('ended', '--stream', 'stderr')).stdout).toBe('a word\n');
    expect((await logsOf('ended', '--grep', 'line 49+$')).stdout).toBe('line 49\nline 499\nline 4999\n');
    expect((await logsOf('ended', '--grep', 'line', '--tail', '1', '--timestamps')).stdout).toMatch(
      /^\d{4}-\d\d-\d\dT[\d:.]+Z line 5000\n$/,
    );
    expect((await logsOf('ended', '--since', '1h', '--tail', '1')).stdout).toBe('line 5000\n');
    expect((await logsOf('ended', '--attempt', '1', '--lines', '1')).stdout).toBe('a word\n');
    expect(await logsOf('ended', '--attempt', '2')).toMatchObject({ code: 3, stdout: '' });
    for (const flags of [
      ['--grep', '('],
      ['--lines', '3-2'],
      ['--stream', 'stdin'],
      ['--tail', '0'],
      ['--tail', '1', '--lines', '1'],
      ['--raw', '--tail', '1'],
      ['--raw', '--timestamps'],
    ])
      expect(await logsOf('ended', ...flags)).toMatchObject({ code: 2, stdout: '' });
  });

  it('is compared with its seal, also when its file was cut', async () => {
    expect(await logsOf('ended', '--verify')).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/✓ complete: 5,001 lines/u) as string,
    });
    const file = globSync(join(logs, '**/*.log')).find((path) => statSync(path).size === 48_900) ?? '';
    truncateSync(file, 1000);
    const damaged = await logsOf('ended', '--verify');
    expect(damaged.code).toBe(74);
    expect(damaged.stdout).toContain('x bytes 1,000 to 48,900 are missing');
    expect(await logsOf('ended')).toMatchObject({ code: 74, stderr: expect.stringContaining('shorter than its index says') as string });
  });
});

it('the log of a task that goes on is not finished yet', async () => {
  await start('going', [{ print: 'one\n' }, { sleep_ms: 600_000 }], 0);
  await expect
    .poll(async () => (await logsOf('going', '--no-follow')).stderr, { timeout: 30_000 })
    .toBe('not finished yet: 1 line, 4 bytes so far\n');
  expect(await logsOf('going', '--verify')).toMatchObject({ code: 74, stdout: expect.stringContaining('not finished yet') as string });
  await client.call('cancel_run', { path: { namespace_id: 'default', pipeline_id: 'going', run_id: 1 } });
  await client.call('get_run', { path: { namespace_id: 'default', pipeline_id: 'going', run_id: 1 }, query: { wait: 30 } });
});
