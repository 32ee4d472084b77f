import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cliSettings } from './cli-schema.ts';
import { loadServerConfig } from './load-server-config.ts';
import { REDACTED, redact } from './redact.ts';
import { configurationReference, environmentVariables } from './reference.ts';
import { sampleServerConfig } from './sample-server-config.ts';
import { serverSettings } from './server-schema.ts';
import { spellingsOf } from './setting.ts';
import { leavesOf } from './written-setting.ts';

let directory = '';
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'gofer-config-'));
});
afterAll(async () => {
  await rm(directory, { recursive: true });
});

const KEYS = [...leavesOf(serverSettings)];
const KEY = 'a-key-of-exactly-thirty-two-chrs';

async function loadSample(text: string): Promise<Awaited<ReturnType<typeof loadServerConfig>>> {
  const configPath = join(directory, 'sample.toml');
  await writeFile(configPath, text);
  return loadServerConfig({ environment: { HOME: directory }, configPath });
}

describe('sampleServerConfig', () => {
  const uncommented = (text: string): string => text.replaceAll(/^#(?=[a-z_]+ = )/gm, '');

  it('loads as it is', async () => {
    const { config, warnings } = await loadSample(sampleServerConfig());
    expect(config.development.bypass_auth).toBe(false);
    expect(warnings).toEqual([]);
    expect((await loadSample(sampleServerConfig({ encryptionKey: KEY }))).config.secret_store.sqlite.encryption_key).toBe(KEY);
  });

  it('loads uncommented, to the defaults wherever there are some', async () => {
    const whole = await loadSample(uncommented(sampleServerConfig()));
    const empty = await loadSample('');
    expect(whole.warnings).toEqual([]);
    expect(whole.config.api.event_log_retention).toBe(empty.config.api.event_log_retention);
    expect(whole.config.workers).toEqual(empty.config.workers);
    expect(whole.config.server.url).toBe('http://localhost:8080');
  });

  it('names every key that does something', () => {
    const text = sampleServerConfig({ encryptionKey: KEY });
    const missing = KEYS.filter(({ path, schema }) => schema['x-ignored'] === undefined && !text.includes(String(path.at(-1))));
    expect(missing).toEqual([]);
  });
});

describe('what is documented', () => {
  it('describes every key', () => {
    const undescribed = [...KEYS, ...leavesOf(cliSettings)].filter(({ schema }) => schema.description?.endsWith('.') !== true);
    expect(undescribed).toEqual([]);
  });

  it('lists every variable once', () => {
    const names = environmentVariables().map(({ name }) => name);
    expect(new Set(names).size).toBe(KEYS.length);
    expect(names).toContain('GOFER_WEB_SCHEDULER__DOCKER__PRUNE_INTERVAL');
    expect(environmentVariables().find(({ name }) => name === 'GOFER_WEB_API__EVENT_LOG_RETENTION')).toEqual({
      name: 'GOFER_WEB_API__EVENT_LOG_RETENTION',
      type: 'duration',
      default: '"4380h"',
      description: 'How long events are kept.',
    });
  });

  it('refers to every key, spelling and variable', () => {
    const text = configurationReference();
    for (const { path, schema } of KEYS)
      for (const spelling of spellingsOf(String(path.at(-1)), schema)) expect(text).toContain(`\`${spelling}\``);
    for (const { name } of environmentVariables()) expect(text).toContain(`\`${name}\``);
    expect(text).toContain('`[external_events]`, also `[external_events_api]`');
    expect(text).toContain('`GOFER_API_BASE_URL`');
  });
});

describe('redact', () => {
  it('hides what the schema marks and nothing else', async () => {
    const { config } = await loadSample(`[secret_store.sqlite]\nencryption_key = "${KEY}"\n[api]\nadmin_key = "hidden"\n`);
    const shown = redact(config);
    expect(JSON.stringify(shown)).not.toMatch(/a-key-of|hidden/);
    expect(shown).toEqual({
      ...config,
      api: { ...config.api, admin_key: REDACTED },
      secret_store: { ...config.secret_store, sqlite: { ...config.secret_store.sqlite, encryption_key: REDACTED } },
    });
  });

  it("follows a plugin's schema into tables and lists", () => {
    const secret = { type: 'string', 'x-secret': true };
    const schema = { properties: { list: { items: { properties: { token: secret } } }, open: {}, absent: secret } };
    expect(redact({ list: [{ token: 'a', name: 'b' }], open: 1 }, schema)).toEqual({ list: [{ token: REDACTED, name: 'b' }], open: 1 });
  });
});
