import { X509Certificate } from 'node:crypto';
import { readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { CertificateSource } from './certificate-source.ts';
import { CertificateFiles, createLog, DAY_MS, type Logged, SOON } from './certificates.fixture.ts';
import { type IncludedCertificateOptions, openIncludedCertificate } from './open-included-certificate.ts';

let files: CertificateFiles;
let logged: Logged[];
const sources: CertificateSource[] = [];
beforeEach(() => {
  files = new CertificateFiles();
});
afterEach(() => {
  for (const source of sources.splice(0)) source.close();
  files[Symbol.dispose]();
});

const at = (...names: string[]) => join(files.directory, 'tls', ...names);
async function open(options: Partial<IncludedCertificateOptions> = {}): Promise<CertificateSource> {
  const made = createLog();
  ({ logged } = made);
  const source = await openIncludedCertificate({ directory: at(), names: ['gofer.example.com'], log: made.log, ...options });
  sources.push(source);
  return source;
}
const authority = () => new X509Certificate(readFileSync(at('ca.pem')));
const warnings = () => logged.filter((line) => line.level === 'warn').map((line) => line.message);

test('an authority and a certificate are made, for all names, readable by the server only', async () => {
  const { current } = await open({ names: ['Gofer.example.com', '192.0.2.1', 'fd00::1', 'not a name', ''] });
  const own = new X509Certificate(current.cert);
  for (const name of ['localhost', 'gofer.example.com']) expect([name, own.checkHost(name)]).toEqual([name, name]);
  for (const ip of ['127.0.0.1', '::1', '192.0.2.1', 'fd00::1']) expect([ip, own.checkIP(ip)]).toEqual([ip, ip]);
  expect(own.checkHost('example.com')).toBeUndefined();
  expect(own.verify(authority().publicKey)).toBe(true);
  expect(authority().ca).toBe(true);
  expect(Math.round((current.expires - Date.now()) / DAY_MS)).toBeLessThanOrEqual(398);
  expect(Math.round((authority().validToDate.getTime() - Date.now()) / DAY_MS)).toBe(3652);
  expect(statSync(at()).mode & 0o777).toBe(0o700);
  for (const name of ['ca.pem', 'ca.key', 'server.pem', 'server.key'])
    expect([name, statSync(at(name)).mode & 0o777]).toEqual([name, 0o600]);
  expect(logged.at(-1)).toMatchObject({ level: 'info', fields: { ca: at('ca.pem') } });
});

test('they stay over restarts, with fewer names too', async () => {
  const { current } = await open();
  expect((await open()).current).toMatchObject({ cert: current.cert, key: current.key });
  expect((await open({ names: [] })).current.cert).toBe(current.cert);
});

test('a name that is new needs another authority, as the former may vouch for no other, and that is said', async () => {
  const { current } = await open();
  const former = authority();
  const other = await open({ names: ['other.example.com'] });
  expect(other.current.cert).not.toBe(current.cert);
  expect(authority().verify(former.publicKey)).toBe(false);
  expect(warnings()).toEqual([expect.stringContaining('made anew')]);
});

test.each(['server.pem', 'server.key'])('%s that is missing or damaged is made anew by the same authority', async (name) => {
  await open();
  const former = authority().fingerprint256;
  for (const spoil of [() => rmSync(at(name)), () => writeFileSync(at(name), 'damaged')]) {
    const before = readFileSync(at('server.pem'), { encoding: 'utf8', flag: 'a+' });
    spoil();
    const { current } = await open();
    expect(current.cert).not.toBe(before);
    expect(new X509Certificate(current.cert).verify(authority().publicKey)).toBe(true);
    expect(authority().fingerprint256).toBe(former);
  }
});

test.each(['ca.pem', 'ca.key'])('without %s all is made anew', async (name) => {
  const { current } = await open();
  rmSync(at(name));
  const again = await open();
  expect(again.current.cert).not.toBe(current.cert);
  expect(new X509Certificate(again.current.cert).verify(authority().publicKey)).toBe(true);
});

test('it is renewed in time by the daily look, without a warning, and by the same authority', async () => {
  let now = Date.now();
  const source = await open({ now: () => now, checkMs: 10 });
  const { cert } = source.current;
  const former = authority().fingerprint256;
  now += 366 * DAY_MS;
  const told: string[] = [];
  source.onChange((certificate) => told.push(certificate.cert));
  now += 2 * DAY_MS;
  await expect.poll(() => told.length, SOON).toBe(1);
  expect(told).toEqual([source.current.cert]);
  expect(source.current.cert).not.toBe(cert);
  expect(source.current.expires).toBeGreaterThan(now + 396 * DAY_MS);
  expect(authority().fingerprint256).toBe(former);
  expect(warnings()).toEqual([]);
});

test('nothing outlives the authority, which is renewed too', async () => {
  let now = Date.now();
  await open({ now: () => now });
  const former = authority();
  now += 3600 * DAY_MS;
  rmSync(at('server.pem'));
  await open({ now: () => now });
  expect(authority().fingerprint256).not.toBe(former.fingerprint256);
  now = authority().validToDate.getTime() - 61 * DAY_MS;
  rmSync(at('server.pem'));
  const { current } = await open({ now: () => now });
  expect(current.expires).toBe(authority().validToDate.getTime());
});

test('a place that cannot be written is a fault of the configuration', async () => {
  writeFileSync(at(), 'a file');
  await expect(open()).rejects.toMatchObject({ code: 'CONFIG_INVALID', details: [{ path: 'development.use_included_certs' }] });
});
