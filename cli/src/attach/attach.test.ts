import { execFileSync } from 'node:child_process';
import { readlinkSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { GoferClient } from '../api/gofer-client.ts';
import { LAUNCHER } from '../testing/launch.ts';
import { betweenSettings, onTerminal, settingsOf, type TerminalStep } from '../testing/on-terminal.ts';
import { type Outcome, type RunOptions, runInProcess } from '../testing/run-in-process.ts';
import { startTestServer, type TestServer } from '../testing/test-server.ts';

const PIPELINE = { namespace_id: 'default', pipeline_id: 'attached' };
const CONFIG = {
  id: 'attached',
  name: '',
  description: '',
  parallelism: 0,
  tasks: [
    {
      id: 'long',
      image: 'none',
      depends_on: {},
      variables: {},
      command: ['sh', '-c', 'echo $$; exec sleep 600'],
      inject_api_token: false,
      always_pull_newest_image: false,
    },
  ],
};
let server: TestServer;
let client: GoferClient;
let home: string;

/** A server with a pipeline whose one task runs until it is cancelled. */
async function start(): Promise<{ server: TestServer; client: GoferClient }> {
  const started = await startTestServer('process');
  const own = new GoferClient({ baseUrl: new URL(started.url), token: '', insecureSkipTlsVerify: false });
  await own.call('register_config', { path: PIPELINE, body: { config: CONFIG } });
  await own.call('deploy_config', { path: { ...PIPELINE, version: 1 } });
  return { server: started, client: own };
}

async function startRun(through = client): Promise<number> {
  const { run } = await through.call('start_run', { path: PIPELINE, body: { variables: {} } });
  const run_id = run?.run_id ?? 0;
  const stateOf = async () =>
    (await through.call('get_task_execution', { path: { ...PIPELINE, run_id, task_id: 'long' } })).task_execution.state;
  await vi.waitUntil(async () => (await stateOf()) === 'running', { timeout: 20_000 });
  return run_id;
}

const cancel = (run_id: number, through = client) => through.call('cancel_run', { path: { ...PIPELINE, run_id } });

let runId: number;
beforeAll(async () => {
  ({ server, client } = await start());
  home = await mkdtemp(join(tmpdir(), 'gofer-cli-attach-'));
  runId = await startRun();
});
afterAll(async () => {
  if (runId !== undefined) await cancel(runId);
  await server?.close();
  await rm(home, { recursive: true, force: true });
});

describe('without a terminal', () => {
  const attach = (words: readonly string[], options: RunOptions = {}): Promise<Outcome> =>
    runInProcess(['task', 'attach', 'attached', String(runId), 'long', ...words], { env: { GOFER_API_BASE_URL: server.url }, ...options });

  it('is a pipe: input, both outputs, the exit code, arguments as they are', async () => {
    const script = 'cat; echo "<$1>" >&2; exit 7';
    const input = Buffer.alloc(3_000_000, 'ab\n\u0003~.');
    const pieces: Uint8Array[] = [];
    const { code, stderr } = await attach(['--', 'sh', '-c', script, 'sh', 'one  two'], {
      stdin: input,
      onBytes: (piece) => pieces.push(piece),
    });
    expect([code, stderr]).toEqual([7, '<one  two>\n']);
    expect(Buffer.concat(pieces).equals(input)).toBe(true);
  });

  it.each([
    [['-c', 'echo  one two'], 'one two\n'],
    [['--cmd', 'pwd -P'], '/'],
    [[], 'from a shell\n'],
  ])('%j', async (words, shown) => {
    const { code, stdout, stderr } = await attach(words, { stdin: 'echo from a shell\n' });
    expect([code, stderr, stdout.slice(0, shown.length)]).toEqual([0, '', shown]);
  });

  it('runs on a terminal where it is asked for one', async () => {
    const { code, stdout } = await attach(['--tty', '--', 'sh', '-c', 'test -t 0 && test -t 1 && echo yes'], {
      stdin: new Readable({ read() {} }),
    });
    expect([code, stdout]).toEqual([0, 'yes\r\n']);
  });

  it.each([
    [['attached', '999', 'long'], 3, 'has no run 999'],
    [['attached', 'x', 'long'], 2, 'a run must be a whole number'],
  ])('%j is refused', async (words, code, message) => {
    const outcome = await runInProcess(['task', 'attach', ...words], { env: { GOFER_API_BASE_URL: server.url } });
    expect(outcome).toMatchObject({ code, stdout: '', stderr: expect.stringContaining(message) as string });
  });

  it('refuses two commands, one that is not there, and a task that does not run', async () => {
    expect(await attach(['-c', 'ls', '--', 'ls'])).toMatchObject({ code: 2 });
    expect(await attach(['--', '/not/there'])).toMatchObject({ code: 2, stderr: expect.stringContaining('/not/there') as string });
    const other = await startRun();
    await cancel(other);
    await client.call('get_run', { path: { ...PIPELINE, run_id: other }, query: { wait: 30 } });
    const outcome = await runInProcess(['task', 'attach', 'attached', String(other), 'long'], { env: { GOFER_API_BASE_URL: server.url } });
    expect(outcome).toMatchObject({ code: 5, stderr: expect.stringContaining('does not run: it is complete (cancelled)') as string });
  });
});

describe('on a terminal', () => {
  const onIt = (
    steps: readonly TerminalStep[],
    {
      run = runId,
      url = server.url,
      command = "sh -c 'echo pid $$; PS1=at: exec sh'",
    }: { run?: number; url?: string; command?: string } = {},
  ): Promise<string> =>
    onTerminal(
      betweenSettings(
        `stty rows 31 cols 97; sh -c 'echo cli $$; exec "$0" "$@"' ${process.execPath} ${LAUNCHER} task attach attached ${run} long -- ${command}`,
      ),
      {
        directory: home,
        env: { GOFER_API_BASE_URL: url },
        steps,
      },
    );
  /** Gone: nothing is left of the command that printed its process id. */
  async function expectEnded(seen: string): Promise<void> {
    const pid = Number(/pid (\d+)/u.exec(seen)?.[1]);
    expect(pid).toBeGreaterThan(1);
    await expect.poll(() => isAlive(pid), { timeout: 10_000 }).toBe(false);
  }
  /** The exit code, and whether the terminal was left as it was. */
  const endOf = (seen: string): { code: number; restored: boolean } => {
    const [before, after, ...more] = settingsOf(seen);
    const restored = before !== undefined && before === after && more.length === 0;
    return { code: Number(/exit (\d+)\r?\n/u.exec(seen.slice(seen.lastIndexOf('exit ')))?.[1]), restored };
  };

  it('passes keys on, knows the size and how it changes, and leaves the terminal as it was when the command exits', async () => {
    const seen = await onIt([
      { after: 'at:', type: 'stty size\r' },
      { after: '31 97', type: 'sleep 600\r' },
      { after: 'sleep 600', type: '\u0003' },
      { after: 'at:', type: 'while sleep 0.1; do stty size; done\r' },
      {
        after: '31 97',
        type: (shown) => {
          const terminal = readlinkSync(`/proc/${cliOf(shown)}/fd/0`);
          execFileSync('stty', ['-F', terminal, 'rows', '44', 'cols', '123']);
        },
      },
      { after: '44 123', type: '\u0003' },
      { after: 'at:', type: 'exit 9\r' },
    ]);
    expect(endOf(seen)).toEqual({ code: 9, restored: true });
    await expectEnded(seen);
  });

  const cliOf = (seen: string): number => Number(/cli (\d+)/u.exec(seen)?.[1]);

  it('is left by Enter ~ .', async () => {
    const seen = await onIt([{ after: 'at:', type: '\r~.' }]);
    expect(endOf(seen)).toEqual({ code: 0, restored: true });
    await expectEnded(seen);
  });

  it.each(['SIGTERM', 'SIGINT', 'SIGHUP'] as const)('is left as it was after %s', async (signal) => {
    const seen = await onIt([{ after: 'at:', type: (shown) => void process.kill(cliOf(shown), signal) }]);
    expect(endOf(seen)).toEqual({ code: 130, restored: true });
    await expectEnded(seen);
  });

  it('is left as it was when the task ends, which is told', async () => {
    const run = await startRun();
    const seen = await onIt([{ after: 'at:', type: () => void cancel(run) }], { run });
    expect(seen).toMatch(/the task has ended|exit 137/u);
    expect(endOf(seen)).toEqual({ code: expect.toBeOneOf([5, 137]) as number, restored: true });
    await expectEnded(seen);
  });

  it('is left as it was when the server stops, which is told', async () => {
    const other = await start();
    const run = await startRun(other.client);
    const taskPid = await vi.waitUntil(async () => {
      const pieces: Uint8Array[] = [];
      for await (const piece of await other.client.bytes('get_logs_raw', { path: { ...PIPELINE, run_id: run, task_id: 'long' } }))
        pieces.push(piece);
      return Number(Buffer.concat(pieces).toString());
    });
    let closing: Promise<void> | undefined;
    const seen = await onIt(
      [
        {
          after: 'at:',
          type: () => {
            closing = other.server.close();
          },
        },
      ],
      { run, url: other.server.url },
    );
    await closing;
    // It outlives its server, on purpose.
    process.kill(taskPid, 'SIGKILL');
    expect(seen).toContain('the server is stopping');
    expect(endOf(seen)).toEqual({ code: 6, restored: true });
    await expectEnded(seen);
  });
});

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
