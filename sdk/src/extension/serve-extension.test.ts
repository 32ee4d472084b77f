import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { createServer, request } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { afterEach, describe, expect, test } from 'vitest';
import { TestAuthority } from '../../../kernel/src/tls/certificates.fixture.ts';

const ENV = {
  PATH: process.env.PATH,
  GOFER_EXTENSION_SYSTEM_ID: 'tested',
  GOFER_EXTENSION_SYSTEM_SECRET: 'hunter2',
  GOFER_EXTENSION_SYSTEM_GOFER_HOST: '127.0.0.1:1',
  GOFER_EXTENSION_SYSTEM_BIND_ADDRESS: '127.0.0.1:0',
  GOFER_EXTENSION_SYSTEM_ANNOUNCE_FD: '3',
};

let child: ChildProcess | undefined;
afterEach(() => {
  child?.kill('SIGKILL');
  child = undefined;
});

function start(env: Record<string, string | undefined> = {}) {
  const program = join(import.meta.dirname, 'serve-extension.fixture.ts');
  const started = spawn(process.execPath, [program], {
    env: { ...ENV, ...env },
    stdio: ['pipe', 'pipe', 'pipe', 'pipe'],
    timeout: 30_000,
    // SIGTERM would have one that hangs end well.
    killSignal: 'SIGKILL',
  });
  child = started;
  const ended = once(started, 'close') as Promise<[number | null, string | null]>;
  const lines = async () => {
    const whole = (await text(started.stdout)).split('\n').filter((line) => line !== '');
    return whole.map((line) => JSON.parse(line) as Record<string, unknown>);
  };
  return { started, ended, lines: lines(), errors: text(started.stderr), announced: text(started.stdio[3] as Readable) };
}

async function ask(url: string, path: string, method = 'GET'): Promise<{ status: number; body: string }> {
  const response = await fetch(`${url}/api/${path}`, { method, headers: { authorization: 'Bearer hunter2' } });
  return { status: response.status, body: await response.text() };
}

describe('an extension as a process', () => {
  test.each(['SIGTERM', 'SIGINT', 'shutdown', 'stdin'] as const)('says where it is, and ends well: %s', async (how) => {
    const env = how === 'stdin' ? { GOFER_EXTENSION_SYSTEM_PARENT_PIPE: 'stdin' } : {};
    const { started, ended, lines, errors, announced } = start({ ...env, Mode: 'fine' });
    const { url } = JSON.parse(await announced) as { url: string };
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    expect(await ask(url, 'health')).toEqual({ status: 204, body: '' });
    expect((await ask(url, 'info')).body).toContain('"body":"fine"');
    // Its key is not left where children and /proc readers of its own find it.
    expect(await ask(url, 'debug')).toEqual({ status: 200, body: '{"info":"[]"}' });
    if (how === 'shutdown') expect(await ask(url, 'shutdown', 'POST')).toEqual({ status: 204, body: '' });
    else if (how === 'stdin') started.stdin?.end();
    else started.kill(how);
    expect(await ended).toEqual([0, null]);
    expect(await errors).toBe('');
    expect(await lines).toMatchObject([
      { level: 'info', message: 'the extension is ready', extension_id: 'tested', url },
      { level: 'info', message: 'good-bye', aborted: true },
      { level: 'info', message: 'the extension has ended' },
    ]);
  });

  test.each([
    [{ MODE: 'broken' }, 'MODE must not be broken'],
    [{ GOFER_EXTENSION_SYSTEM_SECRET: '' }, 'GOFER_EXTENSION_SYSTEM_SECRET is not set'],
    [{ GOFER_EXTENSION_SYSTEM_BIND_ADDRESS: 'nowhere' }, 'GOFER_EXTENSION_SYSTEM_BIND_ADDRESS is "nowhere"'],
  ])('that cannot be started says why in one line, and fails: %j', async (env, message) => {
    const { ended, lines, announced } = start(env);
    expect(await ended).toEqual([1, null]);
    expect(await lines).toMatchObject([{ level: 'error', message: expect.stringContaining(message) }]);
    expect(await announced).toBe('');
  });

  test('ends well also where nobody reads its log any more', async () => {
    const { started, ended, lines, announced } = start({ GOFER_EXTENSION_SYSTEM_PARENT_PIPE: 'stdin' });
    // Both are asked for now: its first line may be here before the announcement is.
    await Promise.all([once(started.stdout, 'data'), announced]);
    started.stdout.destroy();
    await expect(lines).rejects.toThrow('Premature close');
    started.stdin.end();
    expect(await ended).toEqual([0, null]);
  });

  test('says what it died of', async () => {
    const { ended, lines, errors, announced } = start();
    const { url } = JSON.parse(await announced) as { url: string };
    const name = { namespace_id: 'default', pipeline_id: 'simple', pipeline_subscription_id: 'one' };
    const body = JSON.stringify({ ...name, pipeline_subscription_params: {} });
    const headers = { authorization: 'Bearer hunter2' };
    await fetch(`${url}/api/subscribe`, { method: 'POST', headers, body }).catch(() => 'it may die before it answers');
    expect(await ended).toEqual([1, null]);
    expect((await lines).at(-1)).toMatchObject({ level: 'error', error: expect.stringMatching(/^Error: a fault of a timer\n/) });
    expect(await errors).toContain('a fault of a timer');
  });

  test('says where its code is mistaken where it cannot be started, and of settings only what is wrong', async () => {
    const [mistaken, broken] = [start({ MODE: 'mistaken' }), start({ MODE: 'broken' })];
    const message = 'the extension could not be started: nothing has no length';
    expect(await mistaken.lines).toMatchObject([
      { level: 'error', message, error: expect.stringContaining('serve-extension.fixture.ts:') },
    ]);
    const [said = {}] = await broken.lines;
    expect(Object.keys(said)).toEqual(['time', 'level', 'message']);
    expect(await Promise.all([mistaken.ended, broken.ended])).toEqual([
      [1, null],
      [1, null],
    ]);
  });

  test('over TLS both ways, with an authority that only it knows', async () => {
    const authority = await TestAuthority.make();
    const { cert, key } = await authority.issue();
    const gofer = createServer({ cert, key }, (_, response) => void response.end('{"objects":[{"key":"kept","created":0}]}'));
    await new Promise<void>((resolve) => gofer.listen(0, '127.0.0.1', resolve));
    try {
      const { ended, lines, announced } = start({
        MODE: 'objects',
        GOFER_EXTENSION_SYSTEM_USE_TLS: 'true',
        GOFER_EXTENSION_SYSTEM_TLS_CERT: cert,
        GOFER_EXTENSION_SYSTEM_TLS_KEY: key,
        GOFER_EXTENSION_SYSTEM_GOFER_CA: authority.pems.cert,
        GOFER_EXTENSION_SYSTEM_GOFER_HOST: `127.0.0.1:${(gofer.address() as AddressInfo).port}`,
      });
      const { url } = JSON.parse(await announced) as { url: string };
      expect(url).toMatch(/^https:/);
      const options = { ca: authority.pems.cert, method: 'POST', headers: { authorization: 'Bearer hunter2' }, agent: false };
      const [response] = (await once(request(`${url}/api/shutdown`, options).end(), 'response')) as [IncomingMessage];
      response.resume();
      expect(response.statusCode).toBe(204);
      expect(await ended).toEqual([0, null]);
      expect((await lines)[0]).toMatchObject({ message: 'objects', keys: ['kept'] });
    } finally {
      gofer.closeAllConnections();
      gofer.close();
    }
  });

  test('logs what was asked for, and no less', async () => {
    const { started, ended, lines, announced } = start({ GOFER_EXTENSION_SYSTEM_LOG_LEVEL: 'error' });
    await announced;
    started.kill('SIGTERM');
    expect(await ended).toEqual([0, null]);
    expect(await lines).toEqual([]);
  });
});
