/** A flood of wrong tokens, in every way in which one can be sent: it is refused, slowed down and told, and harms nobody else. */
import { statSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { join } from 'node:path';
import { API_VERSION, API_VERSION_HEADER, SESSION_COOKIE, TOKEN_PROTOCOL_PREFIX, TOKEN_QUERY } from '@gofer/contracts/api';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { exchange } from '../clients/raw-exchange.ts';
import { GoferServer, VERSION } from './gofer-server.ts';
import { filesUnder } from './leftovers.ts';
import { type Held, INSPECTED, ServerHeap } from './server-heap.ts';

const WARM_UP = 2000;
const FLOOD = 10_000;
const AT_ONCE = 16;
/** `limits.failed_authentications`, as it is where nothing is said. */
const ALLOWED = 30;
const ADDRESSES = ['127.0.0.1', '127.0.0.2', '127.0.0.3', '127.0.0.4', '127.0.0.5', '127.0.0.6'];
const MiB = 1024 * 1024;

interface Refusal {
  readonly address: string;
  readonly status: number;
  readonly retryAfter: string | undefined;
}

let server: GoferServer;
let heap: ServerHeap;
let admin = '';
const agents = new Map(ADDRESSES.map((address) => [address, new Agent({ keepAlive: true, maxSockets: AT_ONCE, localAddress: address })]));
const refusals: Refusal[] = [];
const began = performance.now();

beforeAll(async () => {
  server = await GoferServer.start('fake', {
    settings: [
      'development.bypass_auth=false',
      'development.pretty_logging=true',
      `secret_store.sqlite.encryption_key=${'0123456789abcdef'.repeat(2)}`,
    ],
    env: INSPECTED,
  });
  admin = (await server.ask<{ secret: string }>('POST', '/api/tokens/bootstrap')).secret;
  heap = await ServerHeap.of(server);
});
afterAll(async () => {
  heap?.close();
  for (const agent of agents.values()) agent.destroy();
  await server?.close();
});

let sent = 0;

/** Each is another one. */
function wrongToken(): string {
  sent += 1;
  return `${sent % 2 === 0 ? 'gofer_' : ''}${sent.toString(36).padStart(43, 'x')}`;
}

/** One request with a wrong token: in a header, in a cookie, or in any of the places where a WebSocket may have it. */
async function sendWrong(at: number): Promise<void> {
  const address = ADDRESSES[at % ADDRESSES.length] ?? '';
  const token = wrongToken();
  const way = Math.floor(at / ADDRESSES.length) % 10;
  if (way < 6) refusals.push(await ask(address, { authorization: `Bearer ${token}` }));
  else if (way === 6) refusals.push(await ask(address, { cookie: `${SESSION_COOKIE}=${token}` }));
  else if (way === 7) refusals.push(await upgrade(address, { authorization: `Bearer ${token}` }));
  else if (way === 8) refusals.push(await upgrade(address, { 'sec-websocket-protocol': `gofer.api.v0, ${TOKEN_PROTOCOL_PREFIX}${token}` }));
  else refusals.push(await upgrade(address, {}, `?${TOKEN_QUERY}=${token}`));
}

async function flood(count: number): Promise<void> {
  let next = 0;
  const work = async (): Promise<void> => {
    while (next < count) await sendWrong(next++);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
}

function ask(address: string, headers: Record<string, string>): Promise<Refusal> {
  const { promise, resolve, reject } = Promise.withResolvers<Refusal>();
  const { hostname, port } = new URL(server.url);
  const asked = request(
    { hostname, port, path: '/api/namespaces', agent: agents.get(address), headers: { ...VERSION, ...headers } },
    (incoming) => {
      incoming.resume();
      incoming.once('error', reject);
      incoming.once('end', () => resolve({ address, status: incoming.statusCode ?? 0, retryAfter: incoming.headers['retry-after'] }));
    },
  );
  asked.once('error', reject);
  asked.end();
  return promise;
}

async function upgrade(address: string, headers: Record<string, string>, query = ''): Promise<Refusal> {
  const lines = Object.entries({
    host: 'localhost',
    connection: 'Upgrade',
    upgrade: 'websocket',
    'sec-websocket-key': 'AAAAAAAAAAAAAAAAAAAAAA==',
    'sec-websocket-version': '13',
    [API_VERSION_HEADER]: API_VERSION,
    ...headers,
  }).map(([name, value]) => `${name}: ${value}\r\n`);
  const answer = await exchange(server.url, `GET /api/events${query} HTTP/1.1\r\n${lines.join('')}\r\n`, address);
  return { address, status: answer.status, retryAfter: answer.headers['retry-after'] };
}

/** Milliseconds of each of so many requests with the right token, one after the other, from an address that wrong ones come from. */
async function timesOfRight(count: number): Promise<number[]> {
  const times: number[] = [];
  for (let n = 0; n < count; n++) {
    const start = performance.now();
    const { status } = await ask('127.0.0.2', { authorization: `Bearer ${admin}` });
    expect(status).toBe(200);
    times.push(performance.now() - start);
  }
  return times;
}

function median(times: readonly number[]): number {
  return times.toSorted((a, b) => a - b)[Math.floor(times.length / 2)] ?? Number.NaN;
}

async function databaseBytes(): Promise<number> {
  const files = (await filesUnder(server.directory)).filter((path) => /\.db(-wal)?$/.test(path));
  expect(files.length).toBeGreaterThan(0);
  return files.reduce((sum, path) => sum + statSync(join(server.directory, path)).size, 0);
}

function isFlat({ heap, resident }: Held): boolean {
  return heap < MiB && resident < 4 * MiB;
}

/** How many windows of a minute there can have been. */
function minutes(): number {
  return Math.floor((performance.now() - began) / 60_000) + 1;
}

describe('a flood of wrong tokens', () => {
  it('leaves nothing in memory, nothing in the database and next to nothing in the log', async () => {
    await flood(WARM_UP);
    const bytes = await databaseBytes();
    const lines = server.log.length;
    // What is kept of a failure is kept of those of every flood; what an allocator takes for once is not.
    const growths: Held[] = [];
    for (let turn = 0; turn < 3 && !growths.some(isFlat); turn++) {
      const before = await heap.measure();
      await flood(FLOOD);
      const after = await heap.measure();
      growths.push({ heap: after.heap - before.heap, resident: after.resident - before.resident });
    }
    expect(growths).toSatisfy((all: Held[]) => all.some(isFlat));
    // When tokens were last used is written, a few pages a minute.
    expect((await databaseBytes()) - bytes).toBeLessThan(minutes() * 64 * 1024);
    expect(server.log.length - lines).toBeLessThanOrEqual(2 * ADDRESSES.length * minutes());
  });

  it('was answered with 401, and with 429 and the time to wait once there were too many', () => {
    expect(refusals.length).toBeGreaterThanOrEqual(WARM_UP + FLOOD);
    for (const address of ADDRESSES) {
      const ofAddress = refusals.filter((refusal) => refusal.address === address);
      expect(new Set(ofAddress.map(({ status }) => status))).toEqual(new Set([401, 429]));
      expect(ofAddress.filter(({ status }) => status === 401).length).toBeLessThanOrEqual(ALLOWED * minutes());
      for (const { status, retryAfter } of ofAddress) {
        if (status === 401) expect(retryAfter).toBeUndefined();
        else expect(Number(retryAfter)).toBeOneOf(Array.from({ length: 60 }, (_, second) => second + 1));
      }
    }
  });

  it('is in the log for the operator, by address', () => {
    for (const address of ADDRESSES) expect(server.log.join('\n')).toMatch(new RegExp(`wrong credentials.*"address":"${address}"`));
    expect(server.log.join('\n')).not.toContain('xxxxxxxx');
  });

  it('keeps nobody waiting who has a right token, not even from the same address', async () => {
    // Beside as many requests that are right, and beside wrong ones, in turns: whatever else the machine does is in both.
    const busy: number[] = [];
    const flooded: number[] = [];
    for (let turn = 0; turn < 5; turn++) {
      const others = Promise.all(Array.from({ length: AT_ONCE }, () => timesOfRight(100)));
      busy.push(...(await timesOfRight(60)));
      await others;
      const wrong = flood(1500);
      flooded.push(...(await timesOfRight(60)));
      await wrong;
    }
    expect(median(flooded) / median(busy)).toBeLessThan(5);
  });
});
