import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { Agent, request } from 'node:https';
import { connect } from 'node:net';
import { Duplex } from 'node:stream';
import { type ConnectionOptions, connect as connectSecurely, type TLSSocket } from 'node:tls';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { CertificateFiles, createLog, SOON, TestAuthority } from '../tls/certificates.fixture.ts';
import { type CertificateSource, openCertificateFiles } from '../tls/index.ts';
import { LIMITS, startTestServer, TASK, type TestServer, VERSION } from './test-client.fixture.ts';

let authority: TestAuthority;
let files: CertificateFiles;
let certificates: CertificateSource;
let server: TestServer;
const ca = () => authority.pems.cert;

beforeAll(async () => {
  authority = await TestAuthority.make();
  files = new CertificateFiles();
  files.write(await authority.issue());
  const keys = { cert: 'server.tls_cert_path', key: 'server.tls_key_path' };
  certificates = await openCertificateFiles({ cert: files.cert, key: files.key, keys, log: createLog().log, pollMs: 3_600_000 });
});
afterAll(() => {
  certificates.close();
  files[Symbol.dispose]();
});
const start = (config: Parameters<typeof startTestServer>[0] = {}, limits: Partial<typeof LIMITS> = {}) =>
  startTestServer(config, { certificates, ca: ca(), limits: { ...LIMITS, ...limits } });
beforeEach(async () => {
  server = await start();
});
afterEach(() => server.close());

async function handshake(options: ConnectionOptions): Promise<TLSSocket> {
  const socket = connectSecurely({ host: '127.0.0.1', port: server.port, ca: ca(), ...options });
  await once(socket, 'secureConnect');
  return socket;
}

/** What arrives until the connection ends. */
async function received(socket: ReturnType<typeof connect>): Promise<string> {
  let text = '';
  socket.on('data', (chunk: Buffer) => {
    text += chunk.toString('latin1');
  });
  socket.on('error', (error) => {
    text += `[${error.message}]`;
  });
  await once(socket, 'close');
  return text;
}

describe('a server with a certificate', () => {
  test('says https, and answers requests, bodies and WebSockets', async () => {
    expect(server.server.address).toBe(`https://127.0.0.1:${server.port}`);
    expect((await server.ask('GET', '/api/namespaces/default', { headers: VERSION })).status).toBe(200);
    const body = JSON.stringify({ variables: { large: 'x'.repeat(90_000) } });
    const run = await server.ask('POST', '/api/namespaces/default/pipelines/demo/runs', { headers: VERSION, body });
    expect(run.status).toBe(201);
    server.services.lines = Array.from({ length: 1000 }, (_, index) => `${index} ${'x'.repeat(1000)}`);
    const log = await server.socket(`${TASK}/logs`);
    expect(await log.closed).toEqual({ code: 1000, reason: 'end of log' });
    expect([log.frames.length, log.frames.at(-1)]).toEqual([1000, `${server.services.lines.at(-1)}\n`]);
  });

  test('many at once, the first bytes in any pieces', async () => {
    const answers = await Promise.all(Array.from({ length: 50 }, () => server.ask('GET', '/api/namespaces', { headers: VERSION })));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    const plain = connect(server.port, '127.0.0.1');
    await once(plain, 'connect');
    const relay = new Duplex({
      read: () => undefined,
      write: (chunk: Buffer, _, done) => {
        sendByByte(plain, chunk, done);
      },
    });
    plain.on('data', (chunk: Buffer) => relay.push(chunk));
    const secure = connectSecurely({ socket: relay, ca: ca(), servername: 'localhost' });
    await once(secure, 'secureConnect');
    secure.write('GET /api/namespaces HTTP/1.1\r\nhost: localhost\r\ngofer-api-version: v0\r\nconnection: close\r\n\r\n');
    const [answer] = (await once(secure, 'data')) as [Buffer];
    expect(answer.toString()).toMatch(/^HTTP\/1\.1 200 OK/);
    secure.destroy();
    plain.destroy();
  });

  test.each(['TLSv1.3', 'TLSv1.2'] as const)('speaks %s', async (version) => {
    const socket = await handshake({ minVersion: version, maxVersion: version });
    expect([socket.getProtocol(), socket.authorized]).toEqual([version, true]);
    socket.destroy();
  });

  test.each(['TLSv1.1', 'TLSv1'] as const)('does not speak %s', async (version) => {
    // The client's own library refuses what is as old as that unless it is told not to.
    const ciphers = 'DEFAULT@SECLEVEL=0';
    await expect(handshake({ minVersion: version, maxVersion: version, ciphers })).rejects.toMatchObject({
      code: 'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION',
    });
  });

  test('speaks HTTP/1.1 only', async () => {
    const socket = await handshake({ ALPNProtocols: ['h2', 'http/1.1'] });
    expect(socket.alpnProtocol).toBe('http/1.1');
    socket.destroy();
    await expect(handshake({ ALPNProtocols: ['h2'] })).rejects.toMatchObject({ code: 'ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL' });
  });

  test('is trusted by whoever trusts its authority, and under its names', async () => {
    await expect(handshake({ ca: (await TestAuthority.make()).pems.cert })).rejects.toMatchObject({
      code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
    });
    await expect(handshake({ servername: 'other.example.com' })).rejects.toMatchObject({ code: 'ERR_TLS_CERT_ALTNAME_INVALID' });
  });

  test('refuses what is no HTTP inside TLS, and what is too large, with an answer', async () => {
    expect(await server.raw('hello\r\n\r\n')).toMatch(/^HTTP\/1\.1 400 /);
    expect(await server.raw(`GET / HTTP/1.1\r\nhost: localhost\r\nx: ${'a'.repeat(20_000)}\r\n\r\n`)).toMatch(/^HTTP\/1\.1 431 /);
  });

  test('promises browsers TLS for the future, but not for the names of every machine', async () => {
    const hsts = async (host: string) =>
      (await server.ask('GET', '/api/namespaces', { headers: { ...VERSION, host } })).headers['strict-transport-security'];
    expect(await hsts('127.0.0.1')).toBe('max-age=31536000');
    expect(await hsts(`localhost:${server.port}`)).toBeUndefined();
  });
});

function sendByByte(socket: ReturnType<typeof connect>, bytes: Buffer, done: () => void): void {
  if (bytes.length === 0) done();
  else socket.write(bytes.subarray(0, 1), () => setImmediate(sendByByte, socket, bytes.subarray(1), done));
}

describe('whoever speaks no TLS', () => {
  test.each(['GET / HTTP/1.1\r\nhost: localhost\r\n\r\n', `POST / HTTP/1.1\r\ncontent-length: 300000\r\n\r\n${'x'.repeat(300_000)}`])(
    'is told to, where it speaks HTTP',
    async (bytes) => {
      const socket = connect(server.port, '127.0.0.1', () => socket.end(bytes));
      const answer = await received(socket);
      expect(answer).toMatch(/^HTTP\/1\.1 400 Bad Request/);
      expect(answer).toContain('This port speaks HTTPS');
    },
  );

  test.each([Buffer.from('\0\0\0\0'), Buffer.from('ssh'), Buffer.from([0x16, 0x03, 0x01, 0x00, 0x05, 1, 2, 3, 4, 5])])(
    'is left where it speaks something else',
    async (bytes) => {
      await server.close();
      server = await start({}, { header_timeout: 1 });
      const socket = connect(server.port, '127.0.0.1', () => socket.write(bytes));
      expect(await received(socket)).not.toContain('HTTP');
    },
  );

  test.each([Buffer.alloc(0), Buffer.from([0x16]), Buffer.from([0x16, 0x03, 0x01, 0x02, 0x00, 0x01])])(
    'is not waited for without end, nor is whoever does not end the handshake',
    async (bytes) => {
      await server.close();
      server = await start({ request_timeout: 1 }, { header_timeout: 1 });
      const socket = connect(server.port, '127.0.0.1', () => socket.write(bytes));
      await received(socket);
      expect((await server.ask('GET', '/api/namespaces', { headers: VERSION })).status).toBe(200);
    },
  );
});

describe('a new certificate', () => {
  test('is shown to new connections, while those that are open and their WebSockets go on', async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1, ca: ca() });
    const ask = async (): Promise<string> => {
      const outgoing = request({ host: '127.0.0.1', port: server.port, path: '/api/namespaces', headers: VERSION, agent });
      outgoing.end();
      const [answer] = (await once(outgoing, 'response')) as [IncomingMessage];
      const { fingerprint256 } = (answer.socket as TLSSocket).getPeerCertificate();
      answer.resume();
      await once(answer, 'end');
      return fingerprint256;
    };
    const shown = async () => {
      const socket = await handshake({});
      const { fingerprint256 } = socket.getPeerCertificate();
      socket.destroy();
      return fingerprint256;
    };
    const before = await ask();
    expect(await shown()).toBe(before);
    const events = await server.socket('/api/events');

    files.write(await authority.issue());
    await server.server.reload();
    expect(await ask()).toBe(before);
    const after = await shown();
    expect(after).not.toBe(before);
    server.services.emit({ id: 'late', kind: { created_role: { role_id: 'devops' } }, emitted: 4 });
    await expect.poll(() => events.frames.length, SOON).toBe(1);

    files.write({ key: (await authority.issue()).key });
    await server.server.reload();
    expect(await shown()).toBe(after);
    files.write(await authority.issue());
    await server.server.reload();
    expect(await shown()).not.toBe(after);
    await expect(handshake({ minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' })).rejects.toThrow(
      /protocol version/,
    );
    agent.destroy();
  });
});

describe('closing', () => {
  test('answers what waits, tells WebSockets to leave, ends what is idle and what has not come to TLS yet', async () => {
    const silent = connect(server.port, '127.0.0.1');
    const halfway = connect(server.port, '127.0.0.1', () => halfway.write(Buffer.from([0x16, 0x03, 0x01])));
    const idle = await handshake({});
    const ended = Promise.all([silent, halfway, idle].map(received));
    const events = await server.socket('/api/events');
    const waiting = server.ask('GET', '/api/namespaces/default/pipelines/demo/runs/1?wait=600', { headers: VERSION });
    await expect.poll(() => server.services.calls.map((call) => call.name), SOON).toContain('runs.wait');
    const began = performance.now();
    await server.close(60_000);
    expect(performance.now() - began).toBeLessThan(30_000);
    expect((await waiting).status).toBe(200);
    expect(await events.closed).toEqual({ code: 1012, reason: 'the server is stopping; reconnect' });
    await ended;
  });
});

test('a client that does not read its answer is left', async () => {
  await server.close();
  server = await start({ request_timeout: 1 }, { header_timeout: 1 });
  server.services.description = 'x'.repeat(30_000_000);
  const socket = await handshake({});
  socket.write('GET /api/namespaces HTTP/1.1\r\nhost: localhost\r\ngofer-api-version: v0\r\n\r\n');
  await once(socket, 'readable');
  const began = performance.now();
  await server.close(60_000);
  expect(performance.now() - began).toBeLessThan(30_000);
  expect((await received(socket)).length).toBeLessThan(30_000_000);
});
