import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { GoferError, type HostAccess } from '@gofer/contracts';
import { afterEach, describe, expect, it } from 'vitest';
import type { HttpServer } from '../http/index.ts';
import { TaskListener, type TaskListenerOptions } from './task-listener.ts';

const opened: Server[] = [];
afterEach(async () => {
  await Promise.all(opened.splice(0).map((server) => new Promise((resolve) => server.close(resolve))));
});

/** A listener on the address, as the boot makes it, of which nothing but its address matters here. */
function listenerOn(bindAddress: string): HttpServer {
  const colon = bindAddress.lastIndexOf(':');
  const [host, port] = [bindAddress.slice(0, colon), Number(bindAddress.slice(colon + 1))];
  const server = createServer();
  const address = () => {
    const bound = server.address() as AddressInfo | null;
    return bound === null ? undefined : `http://${bound.address}:${bound.port}`;
  };
  return {
    listen: () =>
      new Promise<void>((resolve, reject) => {
        server.once('error', (cause) => reject(new GoferError('LOCKED', 'in use', { cause })));
        server.listen(port, host, () => {
          opened.push(server);
          resolve();
        });
      }),
    get address() {
      return address();
    },
    reload: async () => undefined,
    close: () => new Promise<void>((resolve) => server.close(() => resolve())),
  };
}

const options = (change: Partial<TaskListenerOptions> & { access?: HostAccess }): TaskListenerOptions => ({
  scheduler: { hostAccess: async () => change.access ?? {} },
  engine: 'docker',
  configured: undefined,
  main: 'http://127.0.0.1:8080',
  bypassed: false,
  create: () => {
    throw new Error('no listener is needed here');
  },
  log: () => undefined,
  ...change,
});

async function baseUrl(change: Parameters<typeof options>[0]) {
  const listener = new TaskListener();
  await listener.open(options(change));
  return listener.baseUrl();
}

describe('the address that tasks are given', () => {
  it.each([
    ['is the one that is configured', { configured: 'ci.example.com:443', main: 'https://10.0.0.1:8443' }, 'https://ci.example.com:443'],
    ['is loopback for tasks that share it', { access: { address: '127.0.0.1' } }, 'http://127.0.0.1:8080'],
    ['is loopback where everybody may do everything, too', { access: { address: '127.0.0.1' }, bypassed: true }, 'http://127.0.0.1:8080'],
    [
      'leads to a main listener that listens everywhere',
      { access: { address: '172.17.0.1' }, main: 'http://0.0.0.0:80' },
      'http://172.17.0.1:80',
    ],
    ['leads to a main listener that is there', { access: { address: '10.0.0.1' }, main: 'http://10.0.0.1:8080' }, 'http://10.0.0.1:8080'],
  ])('%s', async (_, change, url) => {
    expect(await baseUrl(change)).toEqual({ url });
  });

  it.each([
    ['main listener on loopback', { main: 'http://127.0.0.1:8080' }],
    ['main listener that asks nobody', { main: 'http://127.0.0.1:8080', bypassed: true }],
    ['main listener that speaks TLS everywhere', { main: 'https://0.0.0.0:8080' }],
  ])('is that of a listener of their own beside a %s', async (_, change) => {
    const wanted: string[] = [];
    const create = (bindAddress: string) => {
      wanted.push(bindAddress);
      // No machine has the address of every engine.
      return listenerOn('127.0.0.2:0');
    };
    const answer = await baseUrl({ access: { address: '172.17.0.1' }, create, ...change });
    expect(wanted).toEqual(['172.17.0.1:8080']);
    expect(answer).toMatchObject({ url: expect.stringMatching(/^http:\/\/127\.0\.0\.2:\d+$/) });
  });

  it('has the port of the main listener where that is free, and else one near it', async () => {
    const taken = listenerOn('127.0.0.2:0');
    await taken.listen();
    const port = Number(new URL(taken.address ?? '').port);
    const answer = await baseUrl({ access: { address: '127.0.0.2' }, create: listenerOn, main: `https://127.0.0.1:${port}` });
    expect('url' in answer ? Number(new URL(answer.url).port) : 0).not.toBe(port);
    const free = await baseUrl({ access: { address: '127.0.0.3' }, create: listenerOn, main: `https://127.0.0.1:${port}` });
    expect(free).toEqual({ url: `http://127.0.0.3:${port}` });
  });

  it('is missing, with the reason, where the scheduler knows none or cannot be asked', async () => {
    const lines: string[] = [];
    const log = (level: string, message: string) => void lines.push(`${level} ${message}`);
    expect(await baseUrl({ log })).toEqual({ missing: expect.stringContaining("the scheduler 'docker' knows no address") });
    const scheduler = { hostAccess: () => Promise.reject(new GoferError('UNAVAILABLE', 'the engine is away')) };
    expect(await baseUrl({ log, scheduler })).toEqual({ missing: 'the engine is away' });
    expect(lines).toEqual(Array.from({ length: 2 }, () => 'warn tasks cannot reach this server: set server.extension_address'));
  });

  it('is not waited for by a server that stops', async () => {
    const asked = Promise.withResolvers<HostAccess>();
    const listener = new TaskListener();
    const opening = listener.open(options({ scheduler: { hostAccess: () => asked.promise }, create: listenerOn, bypassed: true }));
    await listener.close(0);
    expect(await listener.baseUrl()).toEqual({ missing: 'the server is stopping' });
    asked.resolve({ address: '127.0.0.2' });
    await opening;
    expect(opened).toEqual([]);
  });
});
