import { connect } from 'node:net';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SOON } from '../../tls/certificates.fixture.ts';
import { LIMITS } from '../test-client.fixture.ts';
import { EventStage } from './event-stage.fixture.ts';

let events: EventStage;
beforeEach(async () => {
  events = await EventStage.open();
});
afterEach(() => events.close());

describe('what is refused', () => {
  it('has the shape of every error, with what is allowed', async () => {
    for (const method of ['GET', 'PUT', 'DELETE', 'OPTIONS']) {
      expect(await events.send('/events/github', { method })).toMatchObject({
        status: 405,
        code: 'METHOD_NOT_ALLOWED',
        headers: { allow: 'POST' },
      });
    }
    expect((await events.send('/events/github', { method: 'HEAD' })).status).toBe(405);
    for (const path of ['/', '/events', '/events/a/b', '/api/namespaces', '/healthz', '/readyz', '/api/events', '/docs'])
      expect({ path, ...(await events.send(path)) }).toMatchObject({ status: 404, code: 'NOT_FOUND' });
    expect(await events.send('/events/none')).toMatchObject({ status: 404, code: 'NOT_FOUND', text: expect.stringContaining('none') });
    expect(events.stage.rows('github')).toEqual([]);
  });

  it('may be sent again where it is for another time: a disabled extension, too many that wait, no room', async () => {
    await events.stage.write('off', false);
    const later = { status: 503, code: 'UNAVAILABLE', headers: { 'retry-after': '60' } };
    expect(await events.send('/events/off')).toMatchObject(later);
    await events.open({ maxPending: 2 });
    events.stage.setReady('github', false);
    for (const status of [204, 204]) expect((await events.send('/events/github')).status).toBe(status);
    expect(await events.send('/events/github')).toMatchObject({ ...later, text: expect.stringContaining('external_events.max_pending') });
    events.stage.setReady('github', true);
    await expect.poll(async () => (await events.send('/events/github')).status, SOON).toBe(204);
    events.shortages.push('the database');
    expect(await events.send('/events/github')).toMatchObject({ status: 507, code: 'STORAGE_FULL' });
  });

  it('counts for its extension, and no other', async () => {
    await events.stage.install('gitlab');
    await events.open({ config: { requests_per_minute: 3 } });
    for (const status of [204, 204, 204]) expect((await events.send('/events/github')).status).toBe(status);
    const { status, headers, code } = await events.send('/events/github');
    expect([status, code]).toEqual([429, 'RESOURCE_EXHAUSTED']);
    expect(Number(headers['retry-after'])).toBeGreaterThan(0);
    expect((await events.send('/events/gitlab')).status).toBe(204);
  });

  it('counts for its sender first: a flood from one address takes nothing from the others', async () => {
    await events.open({ config: { requests_per_minute: 5, sender_requests_per_minute: 2 }, trustedProxies: ['127.0.0.1'] });
    const from = (address: string) => events.send('/events/github', { headers: { 'x-forwarded-for': address } });
    for (const status of [204, 204]) expect((await from('192.0.2.1')).status).toBe(status);
    for (let flood = 0; flood < 10; flood += 1) {
      const { status, code, headers, text } = await from('192.0.2.1');
      expect([status, code]).toEqual([429, 'RESOURCE_EXHAUSTED']);
      expect(Number(headers['retry-after'])).toBeGreaterThan(0);
      expect(text).toContain('192.0.2.1 in a minute (external_events.sender_requests_per_minute)');
    }
    for (const status of [204, 204, 429]) expect((await from('192.0.2.2')).status).toBe(status);
    expect((await from('192.0.2.3')).status).toBe(204);
    expect(await from('192.0.2.4')).toMatchObject({ status: 429, text: expect.stringContaining('(external_events.requests_per_minute)') });
  });

  it('is counted by its connection, whatever it says of where it comes from, unless that is a trusted proxy', async () => {
    await events.open({ config: { sender_requests_per_minute: 1 } });
    const from = (address: string) => events.send('/events/github', { headers: { 'x-forwarded-for': address } });
    expect((await from('192.0.2.1')).status).toBe(204);
    expect(await from('192.0.2.2')).toMatchObject({ status: 429, text: expect.stringContaining('127.0.0.1') });
  });

  it('counts for the address that asks for extensions that are not there; its good events are taken', async () => {
    await events.open({ limits: { ...LIMITS, failed_authentications: 2 }, trustedProxies: ['127.0.0.1'] });
    const from = (address: string) => ({ headers: { 'x-forwarded-for': address } });
    for (const status of [404, 404, 429]) expect((await events.send('/events/guess', from('192.0.2.1'))).status).toBe(status);
    expect((await events.send('/events/guess', from('192.0.2.1'))).headers['retry-after']).toMatch(/^\d+$/);
    expect((await events.send('/events/guess', from('192.0.2.2'))).status).toBe(404);
    expect((await events.send('/events/github', from('192.0.2.1'))).status).toBe(204);
  });

  it('is too large before it was read, or as soon as it is', async () => {
    await events.open({ config: { max_body_size: 2000 } });
    const announced = await events.raw('POST /events/github HTTP/1.1\r\nhost: h\r\nconnection: close\r\ncontent-length: 2001\r\n\r\n');
    expect(announced).toMatch(/^HTTP\/1\.1 413 /);
    expect(announced).toContain('external_events.max_body_size');
    const endless = await events.raw(
      'POST /events/github HTTP/1.1\r\nhost: h\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n',
      '7d1\r\n',
      Buffer.alloc(2001),
    );
    expect(endless).toMatch(/^HTTP\/1\.1 413 /);
    expect((await events.send('/events/github', { body: Buffer.alloc(2000) })).status).toBe(204);
    expect(events.stage.rows('github').map(({ size }) => size)).toEqual([2000]);
  });

  it('is what comes beside as many large events as there is room for', async () => {
    await events.open({ roomBytes: 100_000 });
    const head = 'POST /events/github HTTP/1.1\r\nhost: h\r\nconnection: close\r\ncontent-length: 90000\r\n\r\n';
    const large = connect(events.port, '127.0.0.1');
    const answer = new Promise<string>((resolve) => large.once('data', (chunk) => resolve(chunk.toString())));
    await new Promise((resolve) => large.write(Buffer.concat([Buffer.from(head), Buffer.alloc(80_000)]), resolve));
    await expect.poll(async () => (await events.send('/events/github', { body: Buffer.alloc(50_000) })).status, SOON).toBe(503);
    large.write(Buffer.alloc(10_000));
    expect(await answer).toMatch(/^HTTP\/1\.1 204 /);
    expect((await events.send('/events/github', { body: Buffer.alloc(50_000) })).status).toBe(204);
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
      const answer = await events.raw(bytes);
      const seen = { bytes: bytes.slice(0, 120), status: Number(answer.split(' ')[1]), code: /"error_code": "[A-Z_]+"/.test(answer) };
      expect(seen).toEqual({ bytes: bytes.slice(0, 120), status, code: true });
    }
    expect(events.stage.rows('github')).toEqual([]);
    expect(events.stage.logged.filter((line) => line.startsWith('error'))).toEqual([]);
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
        const answer = await events.raw(`${pieces.join('')}\r\n\r\n\0\r\n\r\n`);
        if (answer.startsWith('HTTP/1.1 4') || answer.startsWith('HTTP/1.1 5')) expect(answer).toContain('"error_code"');
      }),
      { numRuns: 100 },
    );
    expect((await events.send('/events/github')).status).toBe(204);
    expect(events.stage.logged.filter((line) => line.startsWith('error'))).toEqual([]);
  });
});

describe('whoever takes their time', () => {
  it('is cut off, in the head and in the body, and keeps nobody else waiting', async () => {
    await events.open({ requestTimeout: 1 });
    const slow = [
      events.raw('POST /events/github HTTP/1.1\r\nhost: h\r\nx-slow: '),
      events.raw('POST /events/github HTTP/1.1\r\nhost: h\r\ncontent-length: 10\r\n\r\nhalf'),
      events.raw('POST /events/github HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\n\r\n2\r\nha\r\n'),
    ];
    expect((await events.send('/events/github')).status).toBe(204);
    for (const answer of await Promise.all(slow)) expect(answer).toMatch(/^HTTP\/1\.1 408 /);
    expect(events.stage.rows('github')).toHaveLength(1);
  });

  it('and leaves in the middle has sent nothing', async () => {
    const socket = connect(events.port, '127.0.0.1', () =>
      socket.write('POST /events/github HTTP/1.1\r\nhost: h\r\ncontent-length: 10\r\n\r\nhalf'),
    );
    await new Promise((resolve) => socket.once('ready', resolve));
    socket.destroy();
    expect((await events.send('/events/github', { body: 'whole' })).status).toBe(204);
    await expect.poll(() => events.extension.bodies, SOON).toEqual(['whole']);
    expect(events.stage.rows('github')).toHaveLength(1);
  });
});
