import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { GoferClient } from '../api/gofer-client.ts';
import { startBreakableProxy } from '../testing/breakable-proxy.ts';
import { runInProcess } from '../testing/run-in-process.ts';
import { startTestServer, type TestServer } from '../testing/test-server.ts';

type Step = Record<string, unknown>;
const ESC = '\u001b';

describe('following a run', () => {
  let server: TestServer;
  let client: GoferClient;
  let directory: string;

  beforeAll(async () => {
    const script = [{ image: '*refused:latest', refuse: { code: 'IMAGE_NOT_FOUND', message: 'no such image' } }];
    directory = await mkdtemp(join(tmpdir(), 'gofer-cli-follow-'));
    await writeFile(join(directory, 'script.json'), JSON.stringify(script));
    server = await startTestServer('fake', { 'scheduler.fake.script': join(directory, 'script.json') });
    client = new GoferClient({ baseUrl: new URL(server.url), token: '', insecureSkipTlsVerify: false });
  });
  afterAll(async () => {
    await server?.close();
    await rm(directory, { recursive: true, force: true });
  });

  /** `tasks`: id → what it does and what it waits for. */
  async function register(id: string, tasks: Record<string, { steps: Step[]; after?: Record<string, string> }>): Promise<void> {
    const path = { namespace_id: 'default', pipeline_id: id };
    const config = {
      id,
      name: id,
      parallelism: 0,
      tasks: Object.entries(tasks).map(([task, { steps, after = {} }]) => ({
        id: task,
        image: id === 'refused' ? 'refused:latest' : 'busybox',
        depends_on: after,
        variables: {},
        entrypoint: ['gofer-fake-steps'],
        command: [JSON.stringify(steps)],
        inject_api_token: false,
        always_pull_newest_image: false,
      })),
    };
    const { pipeline } = await client.call('register_config', { path, body: { config } });
    await client.call('deploy_config', { path: { ...path, version: pipeline.config.version } });
  }

  const gofer = (argv: readonly string[], options: Parameters<typeof runInProcess>[1] = {}) =>
    runInProcess(argv, { ...options, env: { GOFER_API_BASE_URL: server.url, ...options.env } });

  it('shows every line of every task behind its name, aligned, and the result', async () => {
    await register('diamond', {
      build: { steps: [{ print: 'one\ntwo\n' }] },
      'test-left': { steps: [{ print: 'left\n', stream: 'stderr' }], after: { build: 'Success' } },
      right: { steps: [{ print: 'no newline' }], after: { build: 'Success' } },
      ship: { steps: [{ print: 'shipped\n' }], after: { 'test-left': 'Success', right: 'Any' } },
    });
    const { code, stdout, stderr } = await gofer(['run', 'start', 'diamond', '--follow']);
    expect(stdout.trimEnd().split('\n').toSorted()).toEqual([
      'build     │ one',
      'build     │ two',
      'right     │ no newline',
      'ship      │ shipped',
      'test-left │ left',
    ]);
    expect(stderr).toMatch(/✓ Started run #1 of diamond.*\n✓ Run #1 of diamond was successful after .+\n/u);
    expect(code).toBe(0);
  });

  it('ends with 1 and the reasons where the run failed, also when it has ended before', async () => {
    await register('failing', {
      break: { steps: [{ print: 'so long\n' }, { exit: 7 }] },
      never: { steps: [], after: { break: 'Success' } },
      cleanup: { steps: [{ print: 'swept\n' }], after: { break: 'Failure' } },
    });
    const live = await gofer(['pipeline', 'run', 'failing', '-f']);
    expect(live.code).toBe(1);
    expect(live.stderr).toMatch(/x Run #1 of failing failed/u);
    expect(live.stderr).toMatch(/break failed: .*7/u);
    expect(live.stderr).toMatch(/never was skipped/u);

    const later = await gofer(['run', 'logs', 'failing', '1']);
    expect(later.code).toBe(1);
    expect(later.stdout).toBe('break   │ so long\ncleanup │ swept\n');
    expect((await gofer(['run', 'logs', 'failing', '1', '--no-follow'])).code).toBe(0);
    expect(await gofer(['run', 'logs', 'failing', '1', '--output-format', 'silent'])).toEqual({ code: 1, stdout: '', stderr: '' });
  });

  it('is a stream of JSON documents for programs', async () => {
    const { code, stdout } = await gofer(['run', 'logs', 'failing', '1', '--output-format', 'json']);
    const documents = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(documents[0]).toMatchObject({ task_id: 'break', stream: 'stdout', text: 'so long' });
    expect(documents.at(-1)).toMatchObject({ run: { run_id: 1, status: 'failed' } });
    expect(code).toBe(1);
  });

  it('leaves the run going at Ctrl-C and says how to come back', async () => {
    await register('long', { wait: { steps: [{ print: 'waiting\n' }, { sleep_ms: 600_000 }] } });
    const { code, stderr } = await gofer(['run', 'start', 'long', '-f'], {
      onStdout: (all, signal) => {
        if (all.includes('waiting')) signal('SIGINT');
      },
    });
    expect(code).toBe(130);
    expect(stderr).toMatch(/goes on\.\n.*gofer run logs long 1\n.*gofer run cancel long 1/u);
    const path = { namespace_id: 'default', pipeline_id: 'long', run_id: 1 };
    expect((await client.call('get_run', { path })).run.state).toBe('running');

    const cancelled = await gofer(['run', 'cancel', 'long', '1']);
    expect(cancelled.stdout).toContain('Cancelling run #1');
    await client.call('get_run', { path, query: { wait: 30 } });
    expect((await gofer(['run', 'logs', 'long', '1'])).stderr).toContain('was cancelled');
  });

  it('lets no escape code of a task into the lines of the others, and keeps bytes where they are asked for', async () => {
    const text = `${ESC}]0;title\u0007${ESC}[31mred${ESC}[2J 10 %\r20 %`;
    await register('hostile', { paint: { steps: [{ print: `${text}\n` }] } });
    const plain = await gofer(['run', 'start', 'hostile', '-f']);
    expect(plain.stdout).toBe('paint │ 20 %\n');
    const coloured = await gofer(['run', 'logs', 'hostile', '1', '--color']);
    expect(coloured.stdout).not.toContain('title');
    expect((await gofer(['task', 'logs', 'hostile', '1', 'paint', '--raw'])).stdout).toBe(`${text}\n`);
    expect((await gofer(['task', 'logs', 'hostile', '1', 'paint'])).stdout).toBe(`${text}\n`);
  });

  it('shows why a task could not start', async () => {
    await register('refused', { gone: { steps: [{ print: 'never' }] }, after: { steps: [], after: { gone: 'Success' } } });
    const path = { namespace_id: 'default', pipeline_id: 'refused' };
    const { config } = await client.call('get_config', { path: { ...path, version: 1 } });
    expect(Object.keys(config.tasks)).toHaveLength(2);
    const { code, stderr } = await gofer(['run', 'start', 'refused', '-f']);
    expect(stderr).toMatch(/gone failed: .*no such image/u);
    expect(stderr).not.toContain('no log of after');
    expect(code).toBe(1);
  });

  it('keeps all of a long log, in order', async () => {
    await register('chatty', { talk: { steps: [{ lines: 50_000 }] }, echo: { steps: [{ lines: 50_000 }] } });
    const { code, stdout } = await gofer(['run', 'start', 'chatty', '-f']);
    const lines = stdout.trimEnd().split('\n');
    const expected = Array.from({ length: 50_000 }, (_, index) => `line ${index + 1}`);
    for (const task of ['talk', 'echo']) {
      expect(lines.filter((line) => line.startsWith(`${task} │ `)).map((line) => line.slice(7))).toEqual(expected);
    }
    expect(code).toBe(0);
  });

  it('goes on where it was when the connection breaks', async () => {
    const proxy = await startBreakableProxy(new URL(server.url).port);
    try {
      await register('patient', { count: { steps: [{ print: 'first\n' }, { sleep_ms: 1_500 }, { print: 'second\n' }] } });
      let broken = false;
      const { code, stdout, stderr } = await gofer(['run', 'start', 'patient', '-f'], {
        env: { GOFER_API_BASE_URL: `http://127.0.0.1:${proxy.port}` },
        onStdout: (all) => {
          if (!broken && all.includes('first')) {
            broken = true;
            proxy.breakAll();
          }
        },
      });
      expect(stdout).toBe('count │ first\ncount │ second\n');
      expect(stderr).toContain('reconnecting');
      expect(code).toBe(0);
    } finally {
      await proxy.close();
    }
  });

  it('shows events as they happen until Ctrl-C, and those that happened', async () => {
    const created = async (id: string) => await client.call('create_namespace', { body: { id, name: id, description: '' } });
    const proxy = await startBreakableProxy(new URL(server.url).port);
    try {
      let last = 'first-one';
      const following = gofer(['event', 'list'], {
        env: { GOFER_API_BASE_URL: `http://127.0.0.1:${proxy.port}` },
        onStdout: (all, signal) => {
          if (all.includes('second-one')) signal('SIGINT');
          else if (all.includes('first-one') && last === 'first-one') {
            last = 'second-one';
            // What happens while nobody is connected is not lost either.
            proxy.breakAll();
            void created('second-one');
          }
        },
      });
      await created('first-one');
      const { code, stdout } = await following;
      expect(stdout.match(/created_namespace namespace_id=first-one/gu)).toHaveLength(1);
      expect(stdout.match(/created_namespace namespace_id=second-one/gu)).toHaveLength(1);
      expect(code).toBe(0);
    } finally {
      await proxy.close();
    }
    const newest = await gofer(['event', 'list', '--limit', '2', '--output-format', 'json']);
    expect(
      newest.stdout
        .trimEnd()
        .split('\n')
        .map((line) => (JSON.parse(line) as { kind: unknown }).kind),
    ).toEqual([{ created_namespace: { namespace_id: 'first-one' } }, { created_namespace: { namespace_id: 'second-one' } }]);
    expect((await gofer(['event', 'list', '--reverse', '--no-history'])).code).toBe(2);
  });

  it('names what is not there', async () => {
    expect(await gofer(['run', 'start', 'nowhere', '-f'])).toMatchObject({
      code: 3,
      stdout: '',
      stderr: expect.stringContaining("'nowhere'") as string,
    });
    expect(await gofer(['run', 'logs', 'diamond', '999'])).toMatchObject({ code: 3 });
    expect(await gofer(['task', 'logs', 'diamond', '1', 'nobody'])).toMatchObject({ code: 3 });
  });
});
