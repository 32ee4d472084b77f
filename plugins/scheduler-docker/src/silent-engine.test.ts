/** What an engine owes and does not give: the end of a log, the end of a wait, an exit code. Real ones do so, and too rarely for a test. */
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import type { TaskHandle } from '@gofer/contracts';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { OpenScheduler } from '../test/scheduler-fixture.ts';
import { NEVER, openScheduler, readTask, shellTask, startTask } from '../test/scheduler-fixture.ts';
import { Engine } from './engine.ts';
import { ConnectionLost } from './engine-error.ts';

const ID = 'c0ffee000000';
const TIME = '2026-01-01T00:00:00.000000000Z';

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

let directory: string;
let path: string;
let server: Server;
/** By method and path. */
let answers: Record<string, Answer>;
let attached: (socket: Socket) => void;
let state: 'created' | 'running' | 'exited';
let seen: string[];
let scheduler: OpenScheduler;

const json =
  (value: () => object, status = 200): Answer =>
  (_, response) => {
    response.statusCode = status;
    response.end(JSON.stringify(value()));
  };
/** Headers, and nothing more. */
const silent: Answer = (_, response) => response.flushHeaders();

function frame(text: string): Buffer {
  const header = Buffer.from([1, 0, 0, 0, 0, 0, 0, 0]);
  header.writeUInt32BE(Buffer.byteLength(text), 4);
  return Buffer.concat([header, Buffer.from(text)]);
}

const log = (isFollowed: Answer): Answer => {
  return (request, response) => {
    response.write(frame(`${TIME} first\n`));
    if (request.url?.includes('follow=1') === true) return isFollowed(request, response);
    response.end(frame(`${TIME} last\n`));
  };
};

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'gofer-silent-'));
  path = join(directory, 'docker.sock');
  [state, seen] = ['created', []];
  attached = () => undefined;
  answers = {
    'POST /containers/create': json(() => ({ Id: ID }), 201),
    [`POST /containers/${ID}/start`]: (_, response) => {
      state = 'running';
      response.writeHead(204).end();
    },
    [`POST /containers/${ID}/wait`]: (_, response) => {
      state = 'exited';
      response.end('{"StatusCode":0}');
    },
    [`GET /containers/${ID}/json`]: json(() => ({
      Id: ID,
      Created: TIME,
      State: { Status: state, OOMKilled: false, ExitCode: 0, StartedAt: TIME, FinishedAt: TIME },
      Config: { Labels: {} },
    })),
    [`GET /containers/${ID}/logs`]: log((_, response) => response.end(frame(`${TIME} last\n`))),
    'GET /events': (_, response) => response.end(),
    'GET /version': json(() => ({})),
  };
  server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '', 'http://engine');
    seen.push(`${request.method} ${pathname}`);
    const answer = answers[`${request.method} ${pathname}`];
    if (answer === undefined) json(() => ({ message: 'no such thing' }), 404)(request, response);
    else answer(request, response);
  });
  server.on('upgrade', (_, socket: Socket) => {
    socket.on('error', () => undefined);
    socket.write('HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n');
    attached(socket);
  });
  const { promise, resolve } = Promise.withResolvers<void>();
  server.listen(path, resolve);
  await promise;
  scheduler = await openScheduler(directory, { host: `unix://${path}`, prune: false });
});
afterEach(async () => {
  vi.useRealTimers();
  await scheduler.close();
  server.closeAllConnections();
  server.close();
  rmSync(directory, { recursive: true, force: true });
});

async function until(what: () => boolean): Promise<void> {
  while (!what()) await turn();
}

/** The task's output, where nothing but the time that passes brings it to its end. */
async function readAsTimePasses(handle: TaskHandle, isReady: () => boolean): Promise<string> {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  const reading = readTask(scheduler, handle);
  await until(isReady);
  const over = reading.then(
    () => true,
    () => true,
  );
  while (!(await Promise.race([over, turn(false)]))) vi.advanceTimersByTime(100);
  return (await reading).stdout.toString();
}

it('reads the log of a task that was attached to one engine and started by the next', async () => {
  const gone = Promise.withResolvers<void>();
  attached = (socket) => void socket.end(() => gone.resolve());
  const handle = await startTask(scheduler, shellTask(''));
  await gone.promise;
  expect((await readTask(scheduler, handle)).stdout.toString()).toBe('first\nlast\n');
  expect(await scheduler.wait(handle, NEVER)).toMatchObject({ kind: 'exited', exitCode: 0 });
});

it('reads the log of a task that has ended, where its live connection does not end', async () => {
  attached = (socket) => void socket.write(frame('first\n'));
  const handle = await startTask(scheduler, shellTask(''));
  expect(await readAsTimePasses(handle, () => state === 'exited')).toBe('first\nlast\n');
});

it('reads the log of a task that has ended again, behind what it had, where following it does not end', async () => {
  answers[`GET /containers/${ID}/logs`] = log(silent);
  attached = (socket) => void socket.end();
  state = 'running';
  const wait = answers[`POST /containers/${ID}/wait`];
  let isAsked = false;
  answers[`POST /containers/${ID}/wait`] = (request, response) => {
    isAsked = true;
    // Not before it is followed.
    void until(() => seen.includes(`GET /containers/${ID}/logs`)).then(() => wait?.(request, response));
  };
  expect(await readAsTimePasses({ id: ID }, () => isAsked && state === 'exited')).toBe('first\nlast\n');
});

it('looks at a task now and then, where the engine does not say that it has ended', async () => {
  const handle = await startTask(scheduler, shellTask(''));
  const wait = answers[`POST /containers/${ID}/wait`];
  answers[`POST /containers/${ID}/wait`] = silent;
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  const waiting = scheduler.wait(handle, NEVER);
  const looks = (): number => seen.filter((each) => each === `GET /containers/${ID}/json`).length;
  await until(() => seen.includes(`POST /containers/${ID}/wait`));
  const before = looks();
  while (looks() < before + 2) {
    vi.advanceTimersByTime(1_000);
    await turn();
  }
  // It runs, however long it is waited for; then it has ended.
  state = 'exited';
  if (wait !== undefined) answers[`POST /containers/${ID}/wait`] = wait;
  const over = waiting.then(() => true);
  while (!(await Promise.race([over, turn(false)]))) vi.advanceTimersByTime(1_000);
  expect(await waiting).toMatchObject({ kind: 'exited', exitCode: 0 });
});

it.each([
  ['was told', '58', { kind: 'exited', exitCode: 58 }],
  ['nobody knows', undefined, { kind: 'lost', reason: expect.stringContaining('does not know') }],
])('does not believe the 0 of an engine that began after the end of a task; its exit code %s', async (_, exitCode, expected) => {
  const heard = Promise.withResolvers<void>();
  let isAway = false;
  answers['GET /info'] = json(() => ({ LiveRestoreEnabled: false }));
  answers['GET /networks/bridge'] = json(() => ({ Created: '2026-01-01T00:00:00.100000000Z' }));
  answers['GET /events'] = (request, response) => {
    // Of the engine that began later nothing is to be had.
    if (isAway || request.url?.includes('until=') === true) return void response.end();
    response.write(
      `${JSON.stringify({ Action: 'die', timeNano: 1, Actor: { ID: ID, Attributes: exitCode === undefined ? {} : { exitCode } } })}\n`,
    );
    heard.resolve();
  };
  const wait = answers[`POST /containers/${ID}/wait`];
  answers[`POST /containers/${ID}/wait`] = (request, response) => {
    if (isAway) return wait?.(request, response);
    void heard.promise.then(() => {
      isAway = true;
      server.closeAllConnections();
    });
  };
  const handle = await startTask(scheduler, shellTask(''));
  expect(await scheduler.wait(handle, NEVER)).toMatchObject(expected);
});

it('does not wait for ever for what is to come at once', async () => {
  const engine = await Engine.open({ host: `unix://${path}`, timeout: 0.05 });
  try {
    answers['GET /events'] = silent;
    answers['GET /version'] = () => undefined;
    for (const asked of ['/events', '/version']) {
      const read = async (): Promise<void> => {
        for await (const part of engine.parts({ method: 'GET', path: asked })) expect(part).toBe('nothing');
      };
      await expect(read()).rejects.toBeInstanceOf(ConnectionLost);
    }
  } finally {
    engine.close();
  }
});
