import { ATTACH_PROTOCOL } from '@gofer/contracts/api';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { startTestServer, TASK, type TestServer, VERSION } from '../test-client.fixture.ts';

const ATTACH = `${TASK}/attach`;
let server: TestServer;
beforeEach(async () => {
  server = await startTestServer();
});
afterEach(() => server.close(0));

const requestOf = () => server.services.calls.findLast(({ name }) => name === 'attach')?.arguments[1];

describe('a command as v0 has it', () => {
  test('is split at its spaces; lines get a carriage return; what it shows comes in Binary frames; nothing else is listened to', async () => {
    const { socket, frames, bytes, closed } = await server.socket(`${ATTACH}?command=/bin/sh%20-c%20ls`);
    expect([socket.protocol, requestOf()]).toEqual(['', { command: ['/bin/sh', '-c', 'ls'], tty: true }]);
    socket.send(Buffer.from('not listened to'));
    socket.send('first');
    socket.send('second\nline');
    await expect.poll(() => bytes().toString()).toBe('first\rsecond\nline\r');
    socket.send('exit 3');
    expect(await closed).toEqual({ code: 1000, reason: 'the command has ended' });
    expect(frames.join('')).toBe(bytes().toString());
  });

  test.each([
    ['', ['/bin/sh']],
    ['?command=ls&command=a%20b', ['ls', 'a b']],
    ['?command=ls%20%20-l', ['ls', '-l']],
    ['?command=', []],
  ])('the command of %j', async (query, command) => {
    const { socket, closed } = await server.socket(ATTACH + query);
    expect(requestOf()).toEqual({ command, tty: true });
    socket.close();
    await closed;
  });
});

describe('a command with control messages', () => {
  const open = (query = '') => server.socket(ATTACH + query, [ATTACH_PROTOCOL]);

  test('bytes both ways, sizes, the streams apart, the end of the input, the exit code', async () => {
    const { socket, frames, closed } = await open('?command=a%20b&command=c&tty=false');
    expect([socket.protocol, requestOf()]).toEqual([ATTACH_PROTOCOL, { command: ['a b', 'c'], tty: false }]);
    socket.send('{"kind":"resize","columns":80,"rows":24}');
    for (const text of ['out', 'err 1', 'err 2', 'out again']) socket.send(Buffer.from(text));
    socket.send(Buffer.alloc(0));
    socket.send(Buffer.from('exit 42'));
    expect(await closed).toEqual({ code: 1000, reason: 'the command has ended' });
    expect(frames).toEqual([
      '80x24',
      'out',
      '{"kind":"stream","stream":"stderr"}',
      'err 1',
      'err 2',
      '{"kind":"stream","stream":"stdout"}',
      'out again',
      '{"kind":"exit","exit_code":42}',
    ]);
  });

  test('the end of the input is not the end of the command', async () => {
    const { socket, frames } = await open();
    socket.send('{"kind":"end"}');
    await expect.poll(() => frames).toEqual(['end']);
    expect(server.services.attached.ended).toBe(0);
    socket.close();
    await expect.poll(() => server.services.attached.ended).toBe(1);
  });

  test.each([
    ['task', 1000, 'the task has ended'],
    ['fail', 1011, 'UNAVAILABLE: The engine went away.'],
  ])('%s', async (word, code, reason) => {
    const { socket, frames, closed } = await open();
    socket.send(Buffer.from(word));
    expect(await closed).toEqual({ code, reason });
    expect(frames).toEqual([]);
  });

  test.each([
    'no JSON',
    'null',
    '[]',
    '{}',
    '{"kind":"other"}',
    '{"kind":"resize"}',
    '{"kind":"resize","columns":0,"rows":1}',
    '{"kind":"resize","columns":1.5,"rows":1}',
    '{"kind":"resize","columns":1,"rows":65536}',
    '{"kind":"resize","columns":"1","rows":1}',
  ])('%s is refused', async (message) => {
    const { socket, closed } = await open();
    socket.send(message);
    const { code, reason } = await closed;
    expect([code, reason.slice(0, 16)]).toEqual([1008, 'INVALID_ARGUMENT']);
    expect(server.services.attached.ended).toBe(1);
  });

  test('a frame that is too large ends it', async () => {
    const { socket, closed } = await open();
    socket.send(Buffer.alloc(70_000));
    expect((await closed).code).toBe(1009);
    await expect.poll(() => server.services.attached.ended).toBe(1);
  });

  test.each([
    ['says goodbye', (socket: { close(): void }) => socket.close()],
    ['is gone', (socket: { terminate(): void }) => socket.terminate()],
  ])('ends with a client that %s', async (_, leave) => {
    const { socket } = await open();
    leave(socket);
    await expect.poll(() => server.services.attached.ended).toBe(1);
    expect(server.logged.filter((line) => line.startsWith('error'))).toEqual([]);
  });

  test('ends with the server, which says so', async () => {
    const { closed } = await open();
    await server.close();
    expect(await closed).toEqual({ code: 1012, reason: 'the server is stopping; reconnect' });
    expect(server.services.attached.ended).toBe(1);
  });

  test('a client that does not read is waited for, and let go when it goes', async () => {
    const { socket } = await open();
    socket.send(Buffer.from('flood'));
    socket.pause();
    const { attached } = server.services;
    let before = -1;
    const isStill = () => {
      const still = attached.output === before;
      before = attached.output;
      return still && before > 0;
    };
    await expect.poll(isStill, { interval: 200, timeout: 10_000 }).toBe(true);
    // What the connection and the server's own bound hold, and no more: 100 kB each.
    expect(attached.output).toBeLessThan(300);
    socket.terminate();
    await expect.poll(() => attached.ended).toBe(1);
  });

  test('a client that sends more than is taken waits', async () => {
    const { socket } = await open();
    socket.pause();
    socket.send(Buffer.from('flood'));
    // The command takes no more input by now.
    await expect.poll(() => server.services.attached.output).toBeGreaterThan(0);
    for (let count = 0; count < 2000; count += 1) socket.send(Buffer.alloc(60_000));
    let before = -1;
    const isStill = () => {
      const still = socket.bufferedAmount === before;
      before = socket.bufferedAmount;
      return still;
    };
    await expect.poll(isStill, { interval: 200, timeout: 10_000 }).toBe(true);
    expect(socket.bufferedAmount).toBeGreaterThan(60_000_000);
    socket.terminate();
    await expect.poll(() => server.services.attached.ended, { timeout: 15_000 }).toBe(1);
  }, 30_000);
});

describe('what is refused before the upgrade', () => {
  test.each([
    [ATTACH.replace('/one/', '/two/'), 404, 'NOT_FOUND'],
    [`${ATTACH}?tty=perhaps`, 400, 'INVALID_ARGUMENT'],
    [`${ATTACH}?${'command&'.repeat(1001)}`, 400, 'INVALID_ARGUMENT'],
  ])('%.90s', async (target, status, code) => {
    const asked = server.socket(target, [ATTACH_PROTOCOL]);
    await expect(asked).rejects.toMatchObject({ status, code });
  });
});

test('is in the audit before it begins, with its command', async () => {
  const { socket, closed } = await server.socket(`${ATTACH}?command=ls%20-l`, [], VERSION);
  expect(server.services.audited).toMatchObject([
    {
      operation: 'attach_task_execution',
      target: { namespace_id: 'default', pipeline_id: 'demo', run_id: '1', task_id: 'one', command: '["ls -l"]' },
    },
  ]);
  socket.close();
  await closed;
});
