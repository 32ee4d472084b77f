/**
 * Requests with any headers, over a connection of their own: credentials, codings, conditions, ranges, expectations, lengths. Whatever they
 * are, the answer is whole, has a status that the document has, and lets nobody in who has no token.
 */
import { API_VERSION, API_VERSION_HEADER } from '@gofer/contracts/api';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { exchange } from '../clients/raw-exchange.ts';
import { pipelinePath, taskPath } from '../e2e/gofer-server.ts';
import { anyValue, changed, type Headers, toHead } from './any-header.ts';
import { assertRefusal } from './documented.ts';
import { type FuzzServer, startFuzzServer } from './fuzz-server.ts';

const RUNS = 200;
const SEED = 1;

const request = fc.constantFrom<readonly [line: string, body: string]>(
  ['GET /api/namespaces?limit=1', ''],
  ['GET /api/roles', ''],
  [`GET ${pipelinePath('demo')}/configs`, ''],
  [`GET ${pipelinePath('demo')}/objects/one`, ''],
  [`GET ${taskPath('demo', 1, 'one')}/logs/raw`, ''],
  [`POST ${pipelinePath('demo')}/runs`, '{"variables":{"a":"b"}}'],
  [`POST ${pipelinePath('demo')}/objects/two?force=true`, 'an object'],
  ['PATCH /api/namespaces/default', '{"description":"x"}'],
  ['POST /api/sessions', ''],
  ['DELETE /api/secrets/global/none', ''],
);

/** What the server, its libraries or the parser read. */
const NAMES = [
  'authorization cookie origin host gofer-api-version idempotency-key content-type content-encoding content-language expect connection',
  'accept accept-encoding accept-language cache-control if-match if-none-match if-range if-modified-since range te trailer upgrade via',
  'x-forwarded-for x-forwarded-proto x-http-method-override access-control-request-method keep-alive __proto__ constructor',
].flatMap((line) => line.split(' '));
const VALUES = [
  'gzip | identity;q=0 | *;q=0 | gzip;q=0, *;q=0 | bytes=0- | bytes=-1 | bytes=5-2 | bytes=99999999999999999999- | lines=1 | W/"x" | "x", *',
  '100-continue | application/json | APPLICATION/JSON; x=" | multipart/form-data | no-cache | close | upgrade | websocket | h2c | null',
  'Bearer | Bearer x | bearer x | Basic Og== | gofer_session= | gofer_session=x; gofer_session=y | http://localhost | evil.example',
].flatMap((line) => line.split(' | '));
const extra = fc.tuple(fc.constantFrom(...NAMES), fc.oneof(fc.constantFrom(...VALUES), anyValue));

function bytesOf(authorization: Headers): fc.Arbitrary<string> {
  const usual: Headers = [
    ['host', 'localhost'],
    [API_VERSION_HEADER, API_VERSION],
    ['content-type', 'application/json'],
    ['connection', 'close'],
  ];
  return fc.tuple(request, changed(fc.constant(usual.concat(authorization)), extra)).map(([[line, body], headers]) => {
    // It stays right: what is not of the body would be another request.
    const length = body === '' ? '' : `content-length: ${body.length}\r\n`;
    return `${line} HTTP/1.1\r\n${toHead(headers)}${length}\r\n${body}`;
  });
}

describe.each(['bypassed', 'admin', 'none'] as const)('requests with any headers, for the caller "%s"', (caller) => {
  let fuzzed: FuzzServer;
  beforeAll(async () => {
    fuzzed = await startFuzzServer(caller);
  });
  afterAll(() => fuzzed.server.close());

  it('are answered as documented', async () => {
    const { server, token } = fuzzed;
    const authorization: Headers = token === undefined ? [] : [['authorization', `Bearer ${token}`]];
    let accepted = 0;
    await fc.assert(
      fc.asyncProperty(bytesOf(authorization), async (bytes) => {
        const answer = await exchange(server.url, bytes);
        if (answer.status >= 400) assertRefusal(answer);
        else accepted += 1;
      }),
      { numRuns: RUNS, seed: SEED },
    );
    if (caller === 'none') expect(accepted).toBe(0);
    else expect(accepted).toBeGreaterThan(RUNS / 5);
    expect(server.log.filter((line) => /ERROR|FATAL/.test(line))).toEqual([]);
    expect(await server.end('SIGTERM')).toBe(0);
  });
});
