/** What the configuration lets others read, and its owner should know of. */
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadServerConfig } from './load-server-config.ts';
import type { Environment } from './written-setting.ts';

let directory = '';
let path = '';
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'gofer-config-exposure-'));
  path = join(directory, 'gofer_web.toml');
});
afterAll(async () => {
  await rm(directory, { recursive: true });
});

async function load(text: string, given: { readonly mode?: number; readonly environment?: Environment } = {}) {
  await writeFile(path, text);
  await chmod(path, given.mode ?? 0o600);
  return await loadServerConfig({ environment: { HOME: '/home/user', ...given.environment }, configPath: path });
}
async function warningsOf(...given: Parameters<typeof load>) {
  return (await load(...given)).warnings;
}

describe('what others could read', () => {
  it('tokens in clear are warned of where others can reach the server, but for those of a proxy', async () => {
    const warnings = (server: string) => warningsOf(`[server]\n${server}\n`);
    const open = 'bind_address = "0.0.0.0:8080"';
    expect(await warnings(open)).toEqual([
      expect.stringMatching(/^server\.bind_address 0\.0\.0\.0:8080 is reachable by others, without TLS/),
    ]);
    expect(await warnings('bind_address = "[::1]:8080"')).toEqual([]);
    expect(await warnings(`${open}\ntrusted_proxies = ["10.0.0.1"]`)).toEqual([]);
    expect(await warnings(`${open}\ntls_cert_path = "/c.pem"\ntls_key_path = "/k.pem"`)).toEqual([]);
  });

  it('events in clear are warned of where others can send them, but for those of a proxy', async () => {
    const warnings = (events: string, server = '') => warningsOf(`[server]\n${server}\n[external_events]\n${events}\n`);
    const open = 'bind_address = "0.0.0.0:8081"';
    expect(await warnings(open)).toEqual([
      expect.stringMatching(/^external_events\.bind_address 0\.0\.0\.0:8081 is reachable by others, without TLS/),
    ]);
    expect(await warnings('')).toEqual([]);
    expect(await warnings(`${open}\nenable = false`)).toEqual([]);
    expect(await warnings(open, 'trusted_proxies = ["10.0.0.1"]')).toEqual([]);
    expect(await warnings(`${open}\ntls_cert_path = "/c.pem"\ntls_key_path = "/k.pem"`)).toEqual([]);
  });

  it("a sender that may use up an extension's share is warned of", async () => {
    const warnings = (events: string) => warningsOf(`[external_events]\n${events}\n`);
    const warned = [expect.stringMatching(/^external_events\.sender_requests_per_minute 300 is not less than .* 300: one sender/)];
    const same = 'requests_per_minute = 300\nsender_requests_per_minute = 300';
    expect(await warnings(same)).toEqual(warned);
    const unlimited = [
      'requests_per_minute = 0',
      'sender_requests_per_minute = 0',
      'requests_per_minute = 0\nsender_requests_per_minute = 5',
    ];
    for (const fine of ['', 'requests_per_minute = 1', 'requests_per_minute = 2', 'sender_requests_per_minute = 599', ...unlimited])
      expect([fine, await warnings(fine)]).toEqual([fine, []]);
    expect(await warnings(`${same}\nenable = false`)).toEqual([]);
  });

  it.each([
    ['', 300],
    ['requests_per_minute = 0', 0],
    ['requests_per_minute = 1', 1],
    ['requests_per_minute = 6000', 3000],
    ['requests_per_minute = 6000\nsender_requests_per_minute = 10', 10],
    ['requests_per_minute = 0\nsender_requests_per_minute = 300', 300],
  ])('a sender has half of what an extension is sent, unless another share is chosen: %j', async (events, share) => {
    expect((await load(`[external_events]\n${events}\n`)).config.external_events.sender_requests_per_minute).toBe(share);
  });

  it.each([
    [0o644, true],
    [0o640, false],
    [0o600, false],
  ])('a key in a file of mode %o is warned of: %s', async (mode, isWarned) => {
    const key = 'c3a1b0f94e7d4d2c8a6f5b1e0d9c7a38';
    const warning = `every user of this machine can read secret_store.sqlite.encryption_key in ${path}: chmod o= ${path}`;
    expect(await warningsOf(`[secret_store.sqlite]\nencryption_key = "${key}"\n`, { mode })).toEqual(isWarned ? [warning] : []);
    expect(await warningsOf('', { mode, environment: { GOFER_WEB_SECRET_STORE__SQLITE__ENCRYPTION_KEY: key } })).toEqual([]);
  });
});
