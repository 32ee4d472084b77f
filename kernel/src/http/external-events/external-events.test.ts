import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CertificateFiles, createLog, SOON, TestAuthority } from '../../tls/certificates.fixture.ts';
import { openCertificateFiles } from '../../tls/index.ts';
import { EventStage } from './event-stage.fixture.ts';

const PATHS = ['/events/github', '/external/github', '/api/external/github'];

let events: EventStage;
beforeEach(async () => {
  events = await EventStage.open();
});
afterEach(() => events.close());

describe('an event', () => {
  it('is answered with its id once it is in the database, under each name of the route', async () => {
    events.stage.setReady('github', false);
    for (const path of PATHS) {
      const { status, headers, text } = await events.send(path, { body: path });
      expect([status, text]).toEqual([204, '']);
      expect(events.stage.store.deliveries.find('uid-github', String(headers['gofer-delivery-id']))).toMatchObject({ state: 'pending' });
    }
    expect((await events.send('//events/%67ithub/', { body: 'last' })).status).toBe(204);
    events.stage.setReady('github', true);
    await expect.poll(() => events.extension.bodies, SOON).toHaveLength(4);
    expect(new Set(events.extension.bodies)).toEqual(new Set([...PATHS, 'last']));
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
        const before = events.extension.handed.length;
        const head = `POST /events/github HTTP/1.1\r\nHost: h\r\nConnection: close\r\n${pairs.map(([name, text]) => `${name}: ${text}\r\n`).join('')}`;
        const framed =
          chunkSize === null
            ? [`${head}content-length: ${bytes.length}\r\n\r\n`, bytes]
            : [`${head}transfer-encoding: chunked\r\n\r\n`, ...chunked(bytes, chunkSize)];
        expect(await events.raw(...framed)).toMatch(/^HTTP\/1\.1 204 /);
        await expect.poll(() => events.extension.handed.length, SOON).toBe(before + 1);
        const handed = events.extension.handed[before];
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
    expect((await events.send('/events/github', { headers: { 'content-encoding': 'gzip' }, body: bytes })).status).toBe(204);
    await expect.poll(() => events.extension.handed.length, SOON).toBe(1);
    expect(events.extension.handed[0]?.body.equals(bytes)).toBe(true);
    expect(events.extension.handed[0]?.headers).toMatchObject({ 'content-encoding': 'gzip' });
  });

  it('is asked for by whoever waits to be asked', async () => {
    const asked = events.raw(
      'POST /events/github HTTP/1.1\r\nhost: h\r\nconnection: close\r\nexpect: 100-continue\r\ncontent-length: 5\r\n\r\nhello',
    );
    expect(await asked).toMatch(/^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 204 /);
    await expect.poll(() => events.extension.bodies, SOON).toEqual(['hello']);
    const refused = events.raw(
      'POST /events/none HTTP/1.1\r\nhost: h\r\nconnection: close\r\nexpect: 100-continue\r\ncontent-length: 5\r\n\r\n',
    );
    expect(await refused).toMatch(/^HTTP\/1\.1 404 /);
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
      await events.open({ certificates });
      expect(events.server.address).toMatch(/^https:/);
      expect((await events.send('/events/github', { ca: first.pems.cert })).status).toBe(204);
      expect(await events.raw('POST /events/github HTTP/1.1\r\nhost: h\r\n\r\n')).toContain('https://');
      files.write(await second.issue());
      await events.server.reload();
      expect((await events.send('/events/github', { ca: second.pems.cert })).status).toBe(204);
      await expect(events.send('/events/github', { ca: first.pems.cert })).rejects.toThrow(/certificate/);
    } finally {
      await events.server.close(1000);
      certificates.close();
    }
  });
});

it('says which address is taken, by the name of its key', async () => {
  const bound = new URL(events.server.address ?? '').host;
  await expect(events.open({ config: { bind_address: bound } })).rejects.toMatchObject({
    code: 'LOCKED',
    message: `external_events.bind_address: ${bound} is in use by another process.`,
  });
});

function chunked(bytes: Buffer, size: number): Buffer[] {
  const pieces: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += size) {
    const piece = bytes.subarray(at, at + size);
    pieces.push(Buffer.from(`${piece.length.toString(16)}\r\n`), piece, Buffer.from('\r\n'));
  }
  return [...pieces, Buffer.from('0\r\n\r\n')];
}
