import { generateKeyPairSync } from 'node:crypto';
import { chmodSync, mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { CertificateSource, ServedCertificate } from './certificate-source.ts';
import { CertificateFiles, createLog, DAY_MS, type Logged, SOON, TestAuthority } from './certificates.fixture.ts';
import type { Pems } from './make-certificates.ts';
import { type CertificateFilesOptions, openCertificateFiles } from './open-certificate-files.ts';

let authority: TestAuthority;
let first: Pems;
let second: Pems;
beforeAll(async () => {
  authority = await TestAuthority.make();
  [first, second] = await Promise.all([authority.issue(), authority.issue()]);
});

let files: CertificateFiles;
let logged: Logged[];
const sources: CertificateSource[] = [];
beforeEach(() => {
  files = new CertificateFiles();
  files.write(first);
});
afterEach(() => {
  for (const source of sources.splice(0)) source.close();
  files[Symbol.dispose]();
});

const KEYS = { cert: 'server.tls_cert_path', key: 'server.tls_key_path' };
async function open(options: Partial<CertificateFilesOptions> = {}): Promise<CertificateSource> {
  const made = createLog();
  ({ logged } = made);
  const source = await openCertificateFiles({ cert: files.cert, key: files.key, keys: KEYS, log: made.log, pollMs: 10, ...options });
  sources.push(source);
  return source;
}
const messages = (level: string) =>
  logged.flatMap((line) => (line.level === level ? [`${line.message} ${JSON.stringify(line.fields)}`] : []));

describe('at the start', () => {
  test('what is in the files is served', async () => {
    const source = await open();
    expect(source.current).toMatchObject(first);
    expect(Math.round((source.current.expires - Date.now()) / DAY_MS)).toBe(397);
    expect(logged).toEqual([]);
  });

  test('a key that everybody can read is warned of', async () => {
    chmodSync(files.key, 0o644);
    await open();
    expect(messages('warn')).toEqual([expect.stringContaining(`chmod o= ${files.key}`)]);
    chmodSync(files.key, 0o640);
    await open();
    expect(logged).toEqual([]);
  });

  test('a chain is served whole', async () => {
    files.write({ cert: `${first.cert}\n# the authority\n${authority.pems.cert}` });
    expect((await open()).current.cert).toContain(authority.pems.cert);
  });

  const encrypted = () =>
    generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({
      type: 'pkcs8',
      format: 'pem',
      cipher: 'aes-256-cbc',
      passphrase: 'x',
    });
  const small = () => generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ type: 'pkcs8', format: 'pem' });
  test.each<[string, 'cert' | 'key', () => Partial<Pems>, string]>([
    ['a key of another certificate', 'key', () => ({ key: second.key }), 'does not belong to the certificate'],
    ['a key of another kind', 'key', () => ({ key: small().toString() }), 'does not belong to the certificate'],
    ['an encrypted key', 'key', () => ({ key: encrypted().toString() }), 'is encrypted'],
    ['no key', 'key', () => ({ key: first.cert }), 'holds no private key'],
    ['nothing in the key', 'key', () => ({ key: '' }), 'holds no private key'],
    ['no certificate', 'cert', () => ({ cert: first.key }), 'holds no certificate'],
    ['a damaged certificate', 'cert', () => ({ cert: first.cert.replace('MII', 'MIX') }), 'is damaged: certificate 1'],
    ['a chain in the wrong order', 'cert', () => ({ cert: authority.pems.cert + first.cert }), 'which is number 2 in it'],
    ['a file without end', 'cert', () => ({ cert: 'x'.repeat(2_000_000) }), 'has more than 1048576 bytes'],
  ])('%s is refused by the name of its key', async (_, of, written, text) => {
    files.write(written());
    const message = expect.stringContaining(text);
    await expect(open()).rejects.toMatchObject({ code: 'CONFIG_INVALID', message, details: [{ path: KEYS[of], message }] });
  });

  test('files that are missing are refused by the name of theirs', async () => {
    rmSync(files.key);
    const message = `server.tls_key_path ${files.key} cannot be read (ENOENT)`;
    await expect(open()).rejects.toMatchObject({ code: 'CONFIG_INVALID', details: [{ path: KEYS.key, message }] });
    files.write(first);
    await expect(open({ cert: files.directory })).rejects.toMatchObject({ details: [{ path: KEYS.cert }] });
  });
});

describe('later', () => {
  test('another pair is served once both files are there, and listeners are told', async () => {
    const source = await open();
    const told: ServedCertificate[] = [];
    const stop = source.onChange((certificate) => told.push(certificate));
    files.write(second);
    await expect.poll(() => source.current.cert, SOON).toBe(second.cert);
    expect(told).toEqual([source.current]);
    expect(messages('info')).toEqual([expect.stringContaining('a new TLS certificate is served')]);
    expect(logged.at(-1)?.fields['expires']).toBe(new Date(source.current.expires).toISOString());
    stop();
    files.write(first);
    await expect.poll(() => source.current.cert, SOON).toBe(first.cert);
    expect(told).toHaveLength(1);
  });

  test('files that are renamed into their place are seen', async () => {
    const source = await open();
    for (const [path, text] of [
      [files.cert, second.cert],
      [files.key, second.key],
    ] as const) {
      writeFileSync(`${path}.new`, text);
      renameSync(`${path}.new`, path);
    }
    await expect.poll(() => source.current.cert, SOON).toBe(second.cert);
  });

  test('a directory that a symbolic link leads to is exchanged, as Kubernetes does it', async () => {
    const at = (...names: string[]) => join(files.directory, ...names);
    for (const [name, pems] of [
      ['..one', first],
      ['..two', second],
    ] as const) {
      mkdirSync(at(name));
      writeFileSync(at(name, 'tls.crt'), pems.cert);
      writeFileSync(at(name, 'tls.key'), pems.key);
    }
    symlinkSync('..one', at('..data'));
    for (const name of ['tls.crt', 'tls.key']) symlinkSync(join('..data', name), at(name));
    const source = await open({ cert: at('tls.crt'), key: at('tls.key') });
    symlinkSync('..two', at('..data_tmp'));
    renameSync(at('..data_tmp'), at('..data'));
    await expect.poll(() => source.current.cert, SOON).toBe(second.cert);
  });

  test('what cannot be used is logged once, the former is served on, and a later pair is taken', async () => {
    const source = await open();
    files.write({ key: second.key });
    await expect.poll(() => messages('error'), SOON).toEqual([expect.stringContaining('server.tls_key_path')]);
    expect(source.current.cert).toBe(first.cert);
    expect(JSON.stringify(logged)).not.toContain('PRIVATE KEY');
    files.write({ cert: second.cert });
    await expect.poll(() => source.current.cert, SOON).toBe(second.cert);
    expect(messages('error')).toHaveLength(1);
  });

  test('when it is asked for, without waiting for the next look', async () => {
    const source = await open({ pollMs: 3_600_000 });
    await source.reload();
    expect(messages('info')).toEqual([expect.stringContaining('the same as before')]);
    files.write(second);
    await Promise.all([source.reload(), source.reload()]);
    expect(source.current.cert).toBe(second.cert);
    rmSync(files.cert);
    await source.reload();
    expect(source.current.cert).toBe(second.cert);
    expect(messages('error')).toEqual([expect.stringContaining('ENOENT')]);
  });
});

describe('its end', () => {
  const END = () => Date.now() + 396 * DAY_MS;
  test('is warned of at the start and every day, from 14 days before', async () => {
    await open({ now: () => END() - 13 * DAY_MS, checkMs: 10 });
    expect(messages('warn')).toEqual([expect.stringContaining('expires in 13 days')]);
    await expect.poll(() => messages('warn').length, SOON).toBeGreaterThan(2);
    await open({ now: () => END() - 16 * DAY_MS });
    expect(logged).toEqual([]);
  });

  test('has passed, or its beginning is to come: that is said, and it is served all the same', async () => {
    await open({ now: () => END() + 2 * DAY_MS });
    expect(messages('error')).toEqual([expect.stringContaining('has expired')]);
    await open({ now: () => Date.now() - 2 * DAY_MS });
    expect(messages('warn')).toEqual([expect.stringContaining('not valid yet')]);
  });
});
