import { writeFileSync } from 'node:fs';
import { createServer as createPlainServer } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { CertificateFiles, DAY_MS, TestAuthority } from '../../../kernel/src/tls/certificates.fixture.ts';
import { type Outcome, runInProcess } from '../testing/run-in-process.ts';
import { startTestServer, type TestServer } from '../testing/test-server.ts';

const LIST = ['pipeline', 'list'];
/** Over a WebSocket. */
const EVENTS = ['event', 'list', '--reverse'];
let files: CertificateFiles;
let server: TestServer;
let ca: string;
beforeAll(async () => {
  files = new CertificateFiles();
  server = await startTestServer('fake', {
    'server.use_tls': 'true',
    'development.use_included_certs': 'true',
    'server.storage_path': join(files.directory, 'gofer.db'),
  });
  ca = join(files.directory, 'tls', 'ca.pem');
});
afterAll(async () => {
  await server.close();
  files[Symbol.dispose]();
});

const run = (argv: readonly string[], env: Record<string, string> = {}): Promise<Outcome> =>
  runInProcess([...argv, '--api-base-url', env['URL'] ?? server.url], { workingDirectory: files.directory, env });

describe('a server with a certificate of its own CA', () => {
  it('says https, where its CA is, and what it is for', () => {
    expect(server.url).toMatch(/^https:\/\/127\.0\.0\.1:/);
    expect(server.log.join('')).toContain(ca);
  });

  it.each([
    ['--ca-cert with an absolute path', () => run([...LIST, '--ca-cert', ca])],
    ['--ca-cert with a relative one', () => run([...LIST, '--ca-cert', 'tls/ca.pem'])],
    ['GOFER_CA_CERT', () => run(LIST, { GOFER_CA_CERT: ca })],
    [
      'ca_cert in the configuration file',
      () => {
        writeFileSync(join(files.directory, 'trusting.toml'), `ca_cert = "${ca}"\n`);
        return run([...LIST, '--config', join(files.directory, 'trusting.toml')]);
      },
    ],
  ])('is trusted by %s', async (_, outcome) => {
    expect(await outcome()).toMatchObject({ code: 0, stderr: '' });
  });

  it('is trusted for bodies and WebSockets', async () => {
    const trusting = (...argv: string[]) => run([...argv, '--ca-cert', ca]);
    expect(await trusting('namespace', 'create', 'secure', 'Secure')).toMatchObject({ code: 0 });
    expect(await trusting(...EVENTS)).toMatchObject({ code: 0, stdout: expect.stringContaining('secure') });
  });

  it('is refused where its CA is not known, with what to do, for WebSockets too', async () => {
    for (const argv of [LIST, EVENTS]) {
      const { code, stderr } = await run(argv, { HOME: '/nowhere' });
      expect([code, stderr]).toEqual([
        6,
        expect.stringMatching(/certificate of the server at https:\/\/127\.0\.0\.1:\d+ is refused.*CA that is not known.*--ca-cert FILE/s),
      ]);
      expect(stderr).not.toContain('gofer service start');
    }
  });

  it('is refused with the CA of another', async () => {
    const other = join(files.directory, 'other.pem');
    writeFileSync(other, (await TestAuthority.make()).pems.cert);
    expect(await run([...LIST, '--ca-cert', other])).toMatchObject({
      code: 6,
      stderr: expect.stringContaining('UNABLE_TO_VERIFY_LEAF_SIGNATURE'),
    });
  });

  it('is not asked for its certificate by --insecure, which is warned of once', async () => {
    for (const argv of [LIST, EVENTS]) {
      const { code, stderr } = await run([...argv, '--insecure', '--output-format', 'json']);
      expect([code, stderr.match(/^! the certificate of the server is not checked/gm)?.length]).toEqual([0, 1]);
    }
    expect(await run(LIST, { GOFER_INSECURE_SKIP_TLS_VERIFY: 'true' })).toMatchObject({ code: 0 });
  });

  it('is asked for it or not: a flag counts before what is set elsewhere, and of one rank both are refused', async () => {
    const [unchecked, other] = [/^! the certificate of the server is not checked/m, join(files.directory, 'other.pem')];
    writeFileSync(other, (await TestAuthority.make()).pems.cert);
    expect(await run([...LIST, '--insecure'], { GOFER_CA_CERT: other })).toMatchObject({
      code: 0,
      stderr: expect.stringMatching(unchecked),
    });
    expect(await run([...LIST, '--ca-cert', other], { GOFER_INSECURE_SKIP_TLS_VERIFY: 'true' })).toMatchObject({
      stderr: expect.stringContaining('is refused'),
    });
    expect(await run([...LIST, '--ca-cert', ca], { GOFER_INSECURE_SKIP_TLS_VERIFY: 'true' })).toMatchObject({ code: 0, stderr: '' });

    const flags = await run([...LIST, '--insecure', '--ca-cert', ca]);
    expect(flags).toMatchObject({ code: 78, stdout: '', stderr: expect.stringMatching(/^x --insecure and --ca-cert exclude each other/) });
    const variables = await run(LIST, { GOFER_INSECURE_SKIP_TLS_VERIFY: 'true', GOFER_CA_CERT: ca });
    const named = /^x insecure_skip_tls_verify \(GOFER_INSECURE_SKIP_TLS_VERIFY\) and ca_cert \(GOFER_CA_CERT\) exclude/;
    expect(variables).toMatchObject({ code: 78, stdout: '', stderr: expect.stringMatching(named) });
  });

  it.each([
    ['missing.pem', 'cannot be read (ENOENT)', undefined],
    ['empty.pem', 'holds no certificate', ''],
    ['damaged.pem', 'is damaged', '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n'],
  ])('%s is no file of certificates', async (name, fault, content) => {
    if (content !== undefined) writeFileSync(join(files.directory, name), content);
    const { code, stderr } = await run([...LIST, '--ca-cert', name]);
    expect([code, stderr]).toEqual([78, expect.stringContaining(fault)]);
    expect(stderr).toContain('(--ca-cert)');
  });

  it('is told from one that speaks in clear, both ways', async () => {
    const plain = await run(LIST, { URL: server.url.replace('https:', 'http:') });
    expect(plain).toMatchObject({ code: 2, stderr: expect.stringContaining('This port speaks HTTPS') });
    const followed = await run(EVENTS, { URL: server.url.replace('https:', 'http:') });
    expect(followed).toMatchObject({ code: 2, stderr: expect.stringContaining('This port speaks HTTPS') });
    const clear = await startTestServer('fake');
    const secure = await run([...LIST, '--ca-cert', ca], { URL: clear.url.replace('http:', 'https:') });
    await clear.close();
    expect(secure).toMatchObject({ code: 6, stderr: expect.stringContaining('use http:// in place of https://') });
  });
});

describe('a certificate that is no good', () => {
  const servers: Server[] = [];
  afterEach(() => {
    for (const each of servers.splice(0)) each.close().closeAllConnections();
  });
  const serve = async (names: readonly string[], begins = Date.now()): Promise<{ url: string; trust: string }> => {
    const authority = await TestAuthority.make(names);
    const trust = join(files.directory, 'test-ca.pem');
    writeFileSync(trust, authority.pems.cert);
    const each = createServer(await authority.issue(names, begins), (_, response) => response.end('{}'));
    servers.push(each);
    await new Promise<void>((resolve) => each.listen(0, '127.0.0.1', resolve));
    return { url: `https://127.0.0.1:${(each.address() as AddressInfo).port}`, trust };
  };

  it.each([
    ['is for another name', ['gofer.example.com'], 0, /not for 127\.0\.0\.1, but for gofer\.example\.com.*Use one of these names/s],
    ['has expired', ['127.0.0.1'], -400 * DAY_MS, /it has expired.*set the clock/s],
    ['is not valid yet', ['127.0.0.1'], 400 * DAY_MS, /not valid yet/],
  ])('is refused where it %s', async (_, names, later, text) => {
    const { url, trust } = await serve(names, Date.now() + later);
    const { code, stderr } = await run([...LIST, '--ca-cert', trust], { URL: url });
    expect([code, stderr]).toEqual([6, expect.stringMatching(text)]);
    expect(stderr).not.toContain('gofer service start');
  });

  it('a server that speaks something else is told from one that is not there', async () => {
    const silent = createPlainServer((request) => request.socket.destroy());
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const { stderr } = await run(LIST, { URL: `http://127.0.0.1:${(silent.address() as AddressInfo).port}` });
    silent.close();
    expect(stderr).toContain('if the server speaks TLS, use https://');
  });
});

describe('gofer service start', () => {
  const flags = (directory: string) => [
    'service',
    'start',
    '--bind-address',
    '127.0.0.1:0',
    '--set',
    'external_events.enable=false',
    '--scheduler',
    'fake',
    '--log-level',
    'info',
    '--storage-path',
    join(directory, 'served', 'gofer.db'),
    '--logs-dir',
    join(directory, 'logs'),
    '--set',
    'server.use_tls=true',
    '--set',
    `server.tls_cert_path=${files.cert}`,
    '--set',
    `server.tls_key_path=${files.key}`,
  ];

  it('takes its certificate again at SIGHUP', async () => {
    const authority = await TestAuthority.make();
    files.write(await authority.issue());
    const second = await authority.issue();
    let step = 0;
    const { code, stdout } = await runInProcess(flags(files.directory), {
      env: { XDG_STATE_HOME: join(files.directory, 'state') },
      workingDirectory: files.directory,
      onStdout: (all, signal) => {
        if (step === 0 && all.includes('is ready at https://')) {
          step = 1;
          files.write(second);
          // The line comes before the command listens to signals.
          setTimeout(() => signal('SIGHUP'), 0);
        } else if (step === 1 && all.includes('a new TLS certificate is served')) {
          step = 2;
          signal('SIGTERM');
        }
      },
    });
    expect([code, step]).toEqual([0, 2]);
    expect(stdout).not.toContain('cannot be used');
  });

  it('refuses a pair that does not match by the name of its key', async () => {
    const authority = await TestAuthority.make();
    files.write({ cert: (await authority.issue()).cert, key: (await authority.issue()).key });
    const { code, stderr } = await runInProcess(flags(files.directory), {
      env: { XDG_STATE_HOME: join(files.directory, 'state') },
      workingDirectory: files.directory,
    });
    expect([code, stderr]).toEqual([78, expect.stringMatching(/server\.tls_key_path .*does not belong to the certificate/)]);
  });
});
