/** The routes that are WebSockets, asked with any query and any headers: upgraded, or refused with an error that the document has. */
import { API_VERSION, API_VERSION_HEADER, LOGS_PROTOCOL, TOKEN_PROTOCOL_PREFIX, TOKEN_QUERY } from '@gofer/contracts/api';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { exchange, type RawAnswer } from '../clients/raw-exchange.ts';
import { taskPath } from '../e2e/gofer-server.ts';
import { anyValue, changed, type Headers, toHead } from './any-header.ts';
import { assertRefusal } from './documented.ts';
import { type FuzzServer, startFuzzServer } from './fuzz-server.ts';

const RUNS = 200;
const SEED = 1;

const anyPath = fc
  .tuple(fc.constantFrom('demo', 'victim', '..', '\0'), fc.constantFrom('1', '0', '-1', '9007199254740992'), anyValue)
  .map(([pipeline, run, task]) => `/api/namespaces/default/pipelines/${[pipeline, 'runs', run, 'tasks', task].map(encode).join('/')}/logs`);
const path = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom('/api/events', `${taskPath('demo', 1, 'one')}/logs`, `${taskPath('demo', 2, 'two')}/logs`) },
  { weight: 1, arbitrary: anyPath },
);

const anyPair = fc.tuple(
  fc.oneof(fc.constantFrom('follow', 'history', 'reverse', 'after', TOKEN_QUERY, API_VERSION_HEADER), anyValue),
  anyValue,
);
const goodPair = fc.tuple(fc.constantFrom('follow', 'history', 'other'), fc.constantFrom('true', 'false'));
const query = fc
  .oneof(fc.array(goodPair, { maxLength: 1 }), fc.array(fc.oneof(goodPair, anyPair), { maxLength: 3 }))
  .map((pairs) => pairs.map(([name, value]) => `${encode(name)}=${encode(value)}`).join('&'));

interface Handshake {
  readonly path: string;
  readonly query: string;
  readonly headers: Headers;
}

const HANDSHAKE: Headers = [
  ['host', 'localhost'],
  ['connection', 'keep-alive, Upgrade'],
  ['upgrade', 'websocket'],
  ['sec-websocket-key', 'AAAAAAAAAAAAAAAAAAAAAA=='],
  ['sec-websocket-version', '13'],
  [API_VERSION_HEADER, API_VERSION],
];

/** A handshake as it should be, then changed. */
function handshake(token: string | undefined): fc.Arbitrary<Handshake> {
  const authorized: Headers[] =
    token === undefined
      ? [[], [['authorization', 'Bearer gofer_x']], [['cookie', 'a=b; gofer_session=x']]]
      : [[['authorization', `Bearer ${token}`]], [['sec-websocket-protocol', `${TOKEN_PROTOCOL_PREFIX}${token}`]]];
  const good = fc.constantFrom(...authorized).map((credentials) => HANDSHAKE.concat(credentials));
  const extra = fc.tuple(
    fc.constantFrom('sec-websocket-protocol', 'sec-websocket-extensions', 'origin', 'cookie', 'authorization', 'content-length', 'expect'),
    fc.oneof(fc.constantFrom(LOGS_PROTOCOL, 'http://localhost', 'null', 'gofer_session=x', 'Basic Og==', 'Bearer', '0'), anyValue),
  );
  return fc.record({ path, query, headers: changed(good, extra) });
}

function encode(text: string): string {
  return encodeURIComponent(text.replace(/[\ud800-\udfff]/g, ''));
}

function ask(url: string, { path, query, headers }: Handshake): Promise<RawAnswer> {
  return exchange(url, `GET ${path}${query === '' ? '' : `?${query}`} HTTP/1.1\r\n${toHead(headers)}\r\n`);
}

describe.each(['bypassed', 'admin'] as const)('WebSockets asked by the caller "%s"', (caller) => {
  let fuzzed: FuzzServer;
  beforeAll(async () => {
    fuzzed = await startFuzzServer(caller);
  });
  afterAll(() => fuzzed.server.close());

  it('are upgraded or refused as documented, whatever is asked', async () => {
    const { server, token } = fuzzed;
    let upgraded = 0;
    await fc.assert(
      fc.asyncProperty(handshake(token), async (asked) => {
        const answer = await ask(server.url, asked);
        if (answer.status === 101) upgraded += 1;
        else assertRefusal(answer);
      }),
      { numRuns: RUNS, seed: SEED },
    );
    // Else it would say little.
    expect(upgraded).toBeGreaterThan(RUNS / 20);
  });

  it('have no part in an error of the server, nor keep it from its end', async () => {
    expect(fuzzed.server.log.filter((line) => /ERROR|FATAL/.test(line))).toEqual([]);
    expect(await fuzzed.server.end('SIGTERM')).toBe(0);
  });
});

describe('WebSockets asked with wrong credentials', () => {
  let fuzzed: FuzzServer;
  beforeAll(async () => {
    fuzzed = await startFuzzServer('none');
  });
  afterAll(() => fuzzed.server.close());

  it('are never upgraded', async () => {
    await fc.assert(
      fc.asyncProperty(handshake(undefined), async (asked) => {
        const answer = await ask(fuzzed.server.url, asked);
        expect(answer.status).not.toBe(101);
        assertRefusal(answer);
      }),
      { numRuns: RUNS, seed: SEED },
    );
  });
});
