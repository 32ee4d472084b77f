import { type IncomingHttpHeaders, request } from 'node:http';
import { request as requestSecurely } from 'node:https';
import { connect } from 'node:net';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SYSTEM_CLOCK } from '../../clock/clock.ts';
import { DeliveryDispatcher } from '../../extensions/delivery-dispatcher.ts';
import { DeliveryStage, type ListeningExtension } from '../../extensions/delivery-stage.fixture.ts';
import { StoredDeliveryService } from '../../services/delivery-service.ts';
import { CertificateFiles, createLog, TestAuthority } from '../../tls/certificates.fixture.ts';
import { openCertificateFiles } from '../../tls/index.ts';
import type { HttpServer } from '../listener/listening-server.ts';
import { LIMITS } from '../test-client.fixture.ts';
import { createExternalEventsServer, type ExternalEventsServerOptions } from './external-events-server.ts';

const SOON = { timeout: 20_000 };
const PATHS = ['/events/github', '/external/github', '/api/external/github'];

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  readonly code: string | undefined;
}

let stage: DeliveryStage;
let extension: ListeningExtension;
let dispatcher: DeliveryDispatcher;
let server: HttpServer;
let shortages: string[];
const servers: HttpServer[] = [];

beforeEach(async () => {
  stage = new DeliveryStage();
  shortages = [];
  extension = await stage.install('github');
  dispatcher = new DeliveryDispatcher({ store: stage.store, calls: stage, clock: SYSTEM_CLOCK, random: () => 0, log: stage.log });
  await open();
});
afterEach(async () => {
  for (const each of servers.splice(0)) await each.close(1000);
  await dispatcher.close(1000);
  await stage.close();
});

type Changes = Partial<Omit<ExternalEventsServerOptions, 'config'>> & {
  readonly config?: Partial<ExternalEventsServerOptions['config']>;
  readonly maxPending?: number;
};
async function open({ config = {}, maxPending = 1000, ...changes }: Changes = {}): Promise<void> {
  const { store, log } = stage;
  const deliveries = new StoredDeliveryService({ store, dispatcher, disk: { shortages: () => shortages }, maxPending, now: Date.now });
  server = createExternalEventsServer({
    config: { bind_address: '127.0.0.1:0', max_body_size: 100_000, requests_per_minute: 0, ...config },
    limits: { ...LIMITS, failed_authentications: 0 },
    trustedProxies: [],
    requestTimeout: 30,
    certificates: undefined,
    deliveries,
    log,
    ...changes,
  });
  servers.push(server);
  await server.listen();
}

const port = (): number => Number(new URL(server.address ?? '').port);

function send(
  path: string,
  { method = 'POST', headers = {}, body, ca }: { method?: string; headers?: object; body?: Buffer | string; ca?: string } = {},
): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  const secure = ca === undefined ? {} : { ca };
  const options = { host: '127.0.0.1', port: port(), method, path, headers: headers as Record<string, string>, agent: false as const };
  const outgoing = (ca === undefined ? request : requestSecurely)({ ...options, ...secure }, (incoming) => {
    const chunks: Buffer[] = [];
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
    incoming.once('error', reject);
    incoming.once('end', () => {
      const text = Buffer.concat(chunks).toString();
      const status = incoming.statusCode ?? 0;
      const code = text === '' ? undefined : (JSON.parse(text) as { error_code: string }).error_code;
      resolve({ status, headers: incoming.headers, text, code });
    });
  });
  outgoing.once('error', reject);
  outgoing.end(body);
  return promise;
}

/** Bytes as they are; resolves with everything that comes back until the connection ends. */
function raw(...pieces: (string | Buffer)[]): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  let text = '';
  const socket = connect(port(), '127.0.0.1', () => {
    for (const piece of pieces) socket.write(typeof piece === 'string' ? Buffer.from(piece, 'latin1') : piece);
  });
  socket.on('data', (chunk) => {
    text += chunk.toString('latin1');
  });
  socket.on('error', (error) => {
    text += `[${error.message}]`;
  });
  socket.once('close', () => resolve(text));
  return promise;
}

describe('an event', () => {
  it('is answered with its id once it is in the database, under each name of the route', async () => {
    stage.setReady('github', false);
    for (const path of PATHS) {
      const { status, headers, text } = await send(path, { body: path });
      expect([status, text]).toEqual([204, '']);
      expect(stage.store.deliveries.find('uid-github', String(headers['gofer-delivery-id']))).toMatchObject({ state: 'pending' });
    }
    expect((await send('//events/%67ithub/', { body: 'last' })).status).toBe(204);
    stage.setReady('github', true);
    await expect.poll(() => extension.bodies, SOON).toHaveLength(4);
    expect([...extension.bodies].sort()).toEqual([...PATHS, 'last'].sort());
  });

  it('reaches its extension byte for byte, with every header, however it was sent', async () => {
    const token = fc.stringMatching(/^[xX]-[a-zA-Z\d!#$%&'*+.^_`|~-]{1,12}$/);
    // Field values of RFC 9110 §5.5, without white space at their ends: visible ASCII, and what once was Latin-1.
    const value = fc
      .array(fc.oneof(fc.integer({ min: 0x21, max: 0x7e }), fc.integer({ min: 0x80, max: 0xff }), fc.constantFrom(0x20, 0x09)), {
        maxLength: 20,
      })
      .map((codes) => String.fromCharCode(...codes).replace(/^[ \t]+|[ \t]+$/g, ''));
    const body = fc.uint8Array({ maxLength: 5_000 }).map((bytes) => Buffer.from(bytes));
    const fields = fc.array(fc.tuple(token, value), { maxLength: 10 });
    await fc.assert(
      fc.asyncProperty(body, fields, fc.option(fc.integer({ min: 1, max: 900 })), async (bytes, pairs, chunkSize) => {
        const before = extension.handed.length;
        const head = `POST /events/github HTTP/1.1\r\nHost: h\r\nConnection: close\r\n${pairs.map(([name, text]) => `${name}: ${text}\r\n`).join('')}`;
        const framed =
          chunkSize === null
            ? [`${head}content-length: ${bytes.length}\r\n\r\n`, bytes]
            : [`${head}transfer-encoding: chunked\r\n\r\n`, ...chunked(bytes, chunkSize)];
        expect(await raw(...framed)).toMatch(/^HTTP\/1\.1 204 /);
        await expect.poll(() => extension.handed.length, SOON).toBe(before + 1);
        const handed = extension.handed[before];
        expect(handed?.body.equals(bytes)).toBe(true);
        const expected = new Map<string, string>([['host', 'h']]);
        for (const [name, text] of pairs) {
          const former = expected.get(name.toLowerCase());
          expected.set(name.toLowerCase(), former === undefined ? text : `${former}, ${text}`);
        }
        if (chunkSize === null) expected.set('content-length', String(bytes.length));
        expect(handed?.headers).toEqual(Object.fromEntries(expected));
      }),
      { numRuns: 60 },
    );
  });

  it('keeps a coding of its content as it is', async () => {
    const bytes = Buffer.from([0x1f, 0x8b, 0x00, 0xff]);
    expect((await send('/events/github', { headers: { 'content-encoding': 'gzip' }, body: bytes })).status).toBe(204);
    await expect.poll(() => extension.handed.length, SOON).toBe(1);
    expect(extension.handed[0]?.body.equals(bytes)).toBe(true);
    expect(extension.handed[0]?.headers).toMatchObject({ 'content-encoding': 'gzip' });
  });

  it('is asked for by whoever waits to be asked', async () => {
    const asked = raw(
      'POST /events/github HTTP/1.1\r\nhost: h\r\nconnection: close\r\nexpect: 100-continue\r\ncontent-length: 5\r\n\r\nhello',
    );
    expect(await asked).toMatch(/^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 204 /);
    await expect.poll(() => extension.bodies, SOON).toEqual(['hello']);
    const refused = raw('POST /events/none HTTP/1.1\r\nhost: h\r\nconnection: close\r\nexpect: 100-continue\r\ncontent-length: 5\r\n\r\n');
    expect(await refused).toMatch(/^HTTP\/1\.1 404 /);
  });
});

describe('what is refused', () => {
  it('has the shape of every error, with what is allowed', async () => {
    for (const method of ['GET', 'PUT', 'DELETE', 'OPTIONS']) {
      expect(await send('/events/github', { method })).toMatchObject({
        status: 405,
        code: 'METHOD_NOT_ALLOWED',
        headers: { allow: 'POST' },
      });
    }
    expect((await send('/events/github', { method: 'HEAD' })).status).toBe(405);
    for (const path of ['/', '/events', '/events/a/b', '/api/namespaces', '/healthz', '/readyz', '/api/events', '/docs'])
      expect({ path, ...(await send(path)) }).toMatchObject({ status: 404, code: 'NOT_FOUND' });
    expect(await send('/events/none')).toMatchObject({ status: 404, code: 'NOT_FOUND', text: expect.stringContaining('none') });
    expect(stage.rows('github')).toEqual([]);
  });

  it('may be sent again where it is for another time: a disabled extension, too many that wait, no room', async () => {
    await stage.write('off', false);
    const later = { status: 503, code: 'UNAVAILABLE', headers: { 'retry-after': '60' } };
    expect(await send('/events/off')).toMatchObject(later);
    await open({ maxPending: 2 });
    stage.setReady('github', false);
    for (const status of [204, 204]) expect((await send('/events/github')).status).toBe(status);
    expect(await send('/events/github')).toMatchObject({ ...later, text: expect.stringContaining('external_events.max_pending') });
    stage.setReady('github', true);
    await expect.poll(async () => (await send('/events/github')).status, SOON).toBe(204);
    shortages = ['the database'];
    expect(await send('/events/github')).toMatchObject({ status: 507, code: 'STORAGE_FULL' });
  });

  it('counts for its extension, and no other', async () => {
    await stage.install('gitlab');
    await open({ config: { requests_per_minute: 3 } });
    for (const status of [204, 204, 204]) expect((await send('/events/github')).status).toBe(status);
    const { status, headers, code } = await send('/events/github');
    expect([status, code]).toEqual([429, 'RESOURCE_EXHAUSTED']);
    expect(Number(headers['retry-after'])).toBeGreaterThan(0);
    expect((await send('/events/gitlab')).status).toBe(204);
  });

  it('counts for the address that asks for extensions that are not there; its good events are taken', async () => {
    await open({ limits: { ...LIMITS, failed_authentications: 2 }, trustedProxies: ['127.0.0.1'] });
    const from = (address: string) => ({ headers: { 'x-forwarded-for': address } });
    for (const status of [404, 404, 429]) expect((await send('/events/guess', from('192.0.2.1'))).status).toBe(status);
    expect((await send('/events/guess', from('192.0.2.1'))).headers['retry-after']).toMatch(/^\d+$/);
    expect((await send('/events/guess', from('192.0.2.2'))).status).toBe(404);
    expect((await send('/events/github', from('192.0.2.1'))).status).toBe(204);
  });

  it('is too large before it was read, or as soon as it is', async () => {
    await open({ config: { max_body_size: 2000 } });
    const announced = await raw('POST /events/github HTTP/1.1\r\nhost: h\r\nconnection: close\r\ncontent-length: 2001\r\n\r\n');
    expect(announced).toMatch(/^HTTP\/1\.1 413 /);
    expect(announced).toContain('external_events.max_body_size');
    const endless = await raw(
      'POST /events/github HTTP/1.1\r\nhost: h\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n',
      '7d1\r\n',
      Buffer.alloc(2001),
    );
    expect(endless).toMatch(/^HTTP\/1\.1 413 /);
    expect((await send('/events/github', { body: Buffer.alloc(2000) })).status).toBe(204);
    expect(stage.rows('github').map(({ size }) => size)).toEqual([2000]);
  });

  it('is what is no request, or has too much of something', async () => {
    const close = 'host: h\r\nconnection: close\r\n';
    const post = `POST /events/github HTTP/1.1\r\n${close}`;
    const cases: [string, number][] = [
      ['hello\r\n\r\n', 400],
      [`${post}content-length: 1\r\ntransfer-encoding: chunked\r\n\r\n`, 400],
      [`${post}content-length: -1\r\n\r\n`, 400],
      [`${post}transfer-encoding: chunked\r\n\r\nzz\r\n`, 400],
      [`${post}transfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n`, 501],
      [`${post}expect: a miracle\r\n\r\n`, 417],
      [`POST /events/%ff HTTP/1.1\r\n${close}\r\n`, 400],
      [`POST /events/../github HTTP/1.1\r\n${close}\r\n`, 400],
      [`POST /events/${'a'.repeat(9000)} HTTP/1.1\r\n${close}\r\n`, 414],
      [`${post}${'x: 1\r\n'.repeat(150)}\r\n`, 431],
      [`${post}x: ${'a'.repeat(20_000)}\r\n\r\n`, 431],
      [`GET /events/github HTTP/1.1\r\nhost: h\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n`, 405],
    ];
    for (const [bytes, status] of cases) {
      const answer = await raw(bytes);
      const seen = { bytes: bytes.slice(0, 120), status: Number(answer.split(' ')[1]), code: /"error_code": "[A-Z_]+"/.test(answer) };
      expect(seen).toEqual({ bytes: bytes.slice(0, 120), status, code: true });
    }
    expect(stage.rows('github')).toEqual([]);
    expect(stage.logged.filter((line) => line.startsWith('error'))).toEqual([]);
  });

  it('never ends the server, whatever bytes it consists of', async () => {
    const piece = fc.oneof(
      fc.constantFrom(
        'POST ',
        '/events/github',
        ' HTTP/1.1\r\n',
        'host: h\r\n',
        'content-length: 3\r\n',
        'transfer-encoding: chunked\r\n',
        '\r\n',
      ),
      fc.string({ maxLength: 8 }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(piece, { maxLength: 12 }), async (pieces) => {
        // Its last request cannot be whole: it is answered, and the connection ended.
        const answer = await raw(`${pieces.join('')}\r\n\r\n\0\r\n\r\n`);
        if (answer.startsWith('HTTP/1.1 4') || answer.startsWith('HTTP/1.1 5')) expect(answer).toContain('"error_code"');
      }),
      { numRuns: 100 },
    );
    expect((await send('/events/github')).status).toBe(204);
    expect(stage.logged.filter((line) => line.startsWith('error'))).toEqual([]);
  });
});

describe('whoever takes their time', () => {
  it('is cut off, in the head and in the body, and keeps nobody else waiting', async () => {
    await open({ requestTimeout: 1 });
    const slow = [
      raw('POST /events/github HTTP/1.1\r\nhost: h\r\nx-slow: '),
      raw('POST /events/github HTTP/1.1\r\nhost: h\r\ncontent-length: 10\r\n\r\nhalf'),
      raw('POST /events/github HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\n\r\n2\r\nha\r\n'),
    ];
    expect((await send('/events/github')).status).toBe(204);
    for (const answer of await Promise.all(slow)) expect(answer).toMatch(/^HTTP\/1\.1 408 /);
    expect(stage.rows('github')).toHaveLength(1);
  });

  it('and leaves in the middle has sent nothing', async () => {
    const socket = connect(port(), '127.0.0.1', () =>
      socket.write('POST /events/github HTTP/1.1\r\nhost: h\r\ncontent-length: 10\r\n\r\nhalf'),
    );
    await new Promise((resolve) => socket.once('ready', resolve));
    socket.destroy();
    expect((await send('/events/github', { body: 'whole' })).status).toBe(204);
    await expect.poll(() => extension.bodies, SOON).toEqual(['whole']);
    expect(stage.rows('github')).toHaveLength(1);
  });
});

describe('TLS', () => {
  it('is spoken with a certificate of its own, which is taken anew', async () => {
    const [first, second] = [await TestAuthority.make(), await TestAuthority.make()];
    using files = new CertificateFiles();
    files.write(await first.issue());
    const keys = { cert: 'external_events.tls_cert_path', key: 'external_events.tls_key_path' };
    const certificates = await openCertificateFiles({ cert: files.cert, key: files.key, keys, log: createLog().log, pollMs: 3_600_000 });
    try {
      await open({ certificates });
      expect(server.address).toMatch(/^https:/);
      expect((await send('/events/github', { ca: first.pems.cert })).status).toBe(204);
      expect(await raw('POST /events/github HTTP/1.1\r\nhost: h\r\n\r\n')).toContain('https://');
      files.write(await second.issue());
      await server.reload();
      expect((await send('/events/github', { ca: second.pems.cert })).status).toBe(204);
      await expect(send('/events/github', { ca: first.pems.cert })).rejects.toThrow(/certificate/);
    } finally {
      await server.close(1000);
      certificates.close();
    }
  });
});

it('says which address is taken, by the name of its key', async () => {
  const bound = new URL(server.address ?? '').host;
  await expect(open({ config: { bind_address: bound } })).rejects.toMatchObject({
    code: 'LOCKED',
    message: `external_events.bind_address: ${bound} is in use by another process.`,
  });
  servers.pop();
});

function chunked(bytes: Buffer, size: number): Buffer[] {
  const pieces: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += size) {
    const piece = bytes.subarray(at, at + size);
    pieces.push(Buffer.from(`${piece.length.toString(16)}\r\n`), piece, Buffer.from('\r\n'));
  }
  return [...pieces, Buffer.from('0\r\n\r\n')];
}
