import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { LoadedServerConfig } from './load-server-config.ts';
import { loadServerConfig } from './load-server-config.ts';
import { REDACTED, redact } from './redact.ts';
import { configurationReference, environmentVariables } from './reference.ts';
import { resolvePluginBlock } from './resolve-plugin-block.ts';
import { sampleServerConfig } from './sample-server-config.ts';

const SCHEMA = {
  type: 'object',
  required: ['url', 'token', 'retry', 'timeout'],
  properties: {
    url: { type: 'string', minLength: 1 },
    token: { type: 'string', 'x-secret': true },
    timeout: { type: 'number', minimum: 1, default: 30, 'x-duration': true },
    retry: {
      type: 'object',
      properties: { count: { type: 'integer', default: 3 }, pause: { type: 'number', default: 1, 'x-duration': true } },
    },
    tls: { type: 'object', required: ['path'], properties: { path: { type: 'string' } } },
    labels: { type: 'object', additionalProperties: { type: 'string' } },
    'node-pool': { type: 'string', default: 'any' },
  },
} as const;

const KEYS = {
  type: 'object',
  additionalProperties: false,
  required: ['encryption_key'],
  properties: {
    encryption_key: {
      type: 'string',
      minLength: 32,
      maxLength: 32,
      'x-secret': true,
      'x-remedy': 'make one with `openssl rand -hex 16`',
    },
    previous_encryption_keys: { type: 'array', items: { type: 'string', minLength: 32, maxLength: 32 }, default: [], 'x-secret': true },
  },
} as const;

let directory = '';
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'gofer-config-'));
});
afterAll(async () => {
  await rm(directory, { recursive: true });
});

async function load(text: string, environment: Readonly<Record<string, string>> = {}): Promise<LoadedServerConfig> {
  const configPath = join(directory, 'gofer_web.toml');
  await writeFile(configPath, text);
  return loadServerConfig({ environment: { HOME: '/home/user', ...environment }, configPath });
}

describe('resolvePluginBlock', () => {
  it("reads another's block by its own schema, from the file and the environment", async () => {
    const text = `[scheduler]
engine = "./my-cluster.ts"
[scheduler.my-cluster]
url = "https://cluster.example"
timeout = "2m"
retry.pause = "250ms"
labels = { team = "a" }
`;
    const environment = { GOFER_WEB_SCHEDULER__MY_CLUSTER__TOKEN: '12345', GOFER_WEB_SCHEDULER__MY_CLUSTER__NODE_POOL: 'big' };
    const { pluginSources } = await load(text, { ...environment, GOFER_WEB_SCHEDULER__MY_CLUSTER__RETRY__COUNT: '5' });
    const block = resolvePluginBlock(pluginSources, 'scheduler', 'my-cluster', SCHEMA);
    expect(block.faults).toEqual([]);
    expect(block.value).toEqual({
      url: 'https://cluster.example',
      token: '12345',
      timeout: 120,
      retry: { count: 5, pause: 0.25 },
      labels: { team: 'a' },
      'node-pool': 'big',
    });
    expect(Object.isFrozen(block.value['retry'])).toBe(true);
    expect(block.locate(['timeout'])).toBe(`${join(directory, 'gofer_web.toml')}:5`);
    expect(block.locate(['token'])).toBe('GOFER_WEB_SCHEDULER__MY_CLUSTER__TOKEN');
  });

  it('tells every fault with its place', async () => {
    const text =
      '[scheduler]\nengine = "a-package"\n[scheduler.mine]\nulr = "x"\ntimeout = "soon"\ntoken = 12345678\n[scheduler.mine.tls]\n';
    const { pluginSources } = await load(text);
    const block = resolvePluginBlock(pluginSources, 'scheduler', 'mine', SCHEMA);
    const file = join(directory, 'gofer_web.toml');
    expect(block.faults.map(({ path, message }) => `${path.replace(file, '')} ${message}`)).toEqual([
      ':4 scheduler.mine.ulr is not a known key; did you mean scheduler.mine.url?',
      ':5 scheduler.mine.timeout must be a duration such as "4380h", "1h30m" or "250ms", or a whole number of seconds, not "soon"',
      ':6 scheduler.mine.token must be a string',
    ]);
  });

  it('tells what is missing', async () => {
    const { pluginSources } = await load('[scheduler]\nengine = "a-package"\n[scheduler.mine]\nurl = "x"\n');
    const { faults } = resolvePluginBlock(pluginSources, 'scheduler', 'mine', SCHEMA);
    expect(faults).toEqual([{ path: `${join(directory, 'gofer_web.toml')}:3`, message: 'scheduler.mine.token is required' }]);
  });

  it('tells where the value of what is missing comes from, as far as the schema says', async () => {
    const { pluginSources } = await load('[secret_store.sqlite]\npath = "/secrets.db"\n');
    const { faults } = resolvePluginBlock(pluginSources, 'secret_store', 'sqlite', KEYS);
    expect(faults.map(({ message }) => message)).toEqual([
      'secret_store.sqlite.encryption_key is required: make one with `openssl rand -hex 16`',
    ]);
  });

  it('reads a list of secrets that only the plugin knows, and quotes none of it', async () => {
    const own = `encryption_key = "${'c'.repeat(32)}"\n`;
    const { pluginSources, config } = await load(
      `[secret_store.sqlite]\n${own}previous_encryption_keys = ["${'a'.repeat(32)}", "${'b'.repeat(32)}"]\n`,
    );
    const { value, faults } = resolvePluginBlock(pluginSources, 'secret_store', 'sqlite', KEYS);
    expect(faults).toEqual([]);
    expect(value).toMatchObject({ previous_encryption_keys: ['a'.repeat(32), 'b'.repeat(32)] });
    expect(redact(value, KEYS)).toEqual({ encryption_key: REDACTED, previous_encryption_keys: REDACTED });
    // The server's own configuration, which is logged, does not have the key at all.
    expect(JSON.stringify(config)).not.toContain('aaaa');
    for (const list of ['["hidden"]', '[271828]', '"hidden"']) {
      const bad = await load(`[secret_store.sqlite]\n${own}previous_encryption_keys = ${list}\n`);
      const told = resolvePluginBlock(bad.pluginSources, 'secret_store', 'sqlite', KEYS).faults;
      expect(told).toHaveLength(1);
      expect(JSON.stringify(told)).not.toMatch(/hidden|271828/);
    }
  });

  it("gives a built-in plugin the server's values for the keys that it has", async () => {
    const { pluginSources } = await load('[scheduler.docker]\ntimeout = "10m"\n[scheduler.process]\nenable = true\n');
    const schema = {
      type: 'object',
      properties: { timeout: { type: 'integer', default: 1 }, prune: { type: 'boolean', default: false }, own: { default: 1 } },
    };
    expect(resolvePluginBlock(pluginSources, 'scheduler', 'docker', schema).value).toEqual({ timeout: 600, prune: true, own: 1 });
    const process = resolvePluginBlock(pluginSources, 'scheduler', 'process', { type: 'object', properties: {} });
    expect(process).toMatchObject({ value: {}, faults: [] });
  });

  it('is the defaults where nothing was written', async () => {
    const { pluginSources } = await load('');
    const block = resolvePluginBlock(pluginSources, 'object_store', 'other', {
      type: 'object',
      properties: { size: { type: 'integer', default: 1 } },
    });
    expect(block).toMatchObject({ value: { size: 1 }, faults: [] });
  });
});

describe('the schemas of built-in plugins', () => {
  const docker = {
    type: 'object',
    properties: { timeout: { type: 'integer', default: 1 }, network: { type: 'string', default: 'bridge' } },
  };
  const text = '[scheduler.docker]\ntimeout = "1h"\nnetwork = 5\nnetwrok = "host"\n';

  it('judge their blocks when they are loaded, else when they are resolved', async () => {
    const { pluginSources } = await load(text);
    const file = join(directory, 'gofer_web.toml');
    const faults = [
      { path: `${file}:4`, message: 'scheduler.docker.netwrok is not a known key; did you mean scheduler.docker.network?' },
      { path: `${file}:3`, message: 'scheduler.docker.network must be a string, not 5' },
    ];
    expect(resolvePluginBlock(pluginSources, 'scheduler', 'docker', docker)).toMatchObject({ faults, value: { timeout: 3600 } });
    const early = loadServerConfig({ environment: { HOME: '/home/user' }, configPath: file, pluginSchemas: { scheduler: { docker } } });
    await expect(early).rejects.toMatchObject({ code: 'CONFIG_INVALID', details: faults });
  });

  it('add a list of secrets to the sample without a value', () => {
    const pluginSchemas = { secret_store: { sqlite: KEYS } };
    expect(sampleServerConfig({ pluginSchemas, encryptionKey: 'k'.repeat(32) })).toContain('\n#previous_encryption_keys = []\n');
  });

  it('add their keys to what is documented', async () => {
    const pluginSchemas = { scheduler: { docker } };
    expect(sampleServerConfig({ pluginSchemas })).toContain('#network = "bridge"');
    expect(configurationReference(pluginSchemas)).toContain('GOFER_WEB_SCHEDULER__DOCKER__NETWORK');
    expect(environmentVariables(pluginSchemas).find(({ name }) => name.endsWith('DOCKER__TIMEOUT'))?.type).toBe('duration');
    expect(environmentVariables(pluginSchemas)).toHaveLength(environmentVariables().length + 1);
  });
});
