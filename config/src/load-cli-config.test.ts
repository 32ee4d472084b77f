import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadCliConfig } from './load-cli-config.ts';

let home = '';
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'gofer-config-'));
  await mkdir(join(home, '.config'));
});
afterEach(async () => {
  await rm(home, { recursive: true });
});

describe('loadCliConfig', () => {
  it('has a default for everything but the token', async () => {
    const { config, source } = await loadCliConfig({ environment: {}, homeDirectory: home });
    expect(config).toEqual({
      namespace: 'default',
      detail: false,
      output_format: 'plain',
      api_base_url: 'http://127.0.0.1:8080/',
      debug: false,
      insecure_skip_tls_verify: false,
    });
    expect(source).toEqual({});
    expect(Object.isFrozen(config)).toBe(true);
  });

  it('reads the first file found', async () => {
    const namespaceOf = async (fromCheckout: boolean): Promise<string> =>
      (await loadCliConfig({ environment: { HOME: home }, fromCheckout })).config.namespace;
    await writeFile(join(home, '.config', 'gofer.toml'), 'namespace = "fourth"\n');
    expect(await namespaceOf(true)).toBe('fourth');
    await writeFile(join(home, '.gofer.toml'), 'namespace = "third"\ndetail = true\n');
    expect(await namespaceOf(true)).toBe('third');
    await writeFile(join(home, '.config', 'gofer_dev.toml'), 'namespace = "second"\n');
    expect(await namespaceOf(true)).toBe('second');
    await writeFile(join(home, '.gofer_dev.toml'), 'namespace = "first"\n');
    expect(await namespaceOf(true)).toBe('first');
    expect(await namespaceOf(false)).toBe('third');
    await writeFile(join(home, 'own.toml'), 'namespace = "own"\n');
    const own = await loadCliConfig({ environment: { HOME: home }, configPath: join(home, 'own.toml') });
    expect(own).toMatchObject({ config: { namespace: 'own', detail: false }, source: { path: join(home, 'own.toml') } });
    const missing = { environment: { HOME: home }, configPath: join(home, 'missing.toml') };
    await expect(loadCliConfig(missing)).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
    expect(await loadCliConfig({ ...missing, mayBeMissing: true })).toMatchObject({ config: { namespace: 'default' }, source: {} });
  });

  it('lets flags beat variables and variables beat the file, and keeps what looks like a number a string', async () => {
    await writeFile(join(home, '.gofer.toml'), 'namespace = "file"\noutput_format = "silent"\ntoken = "file"\n');
    const environment = { HOME: home, GOFER_NAMESPACE: '007', GOFER_TOKEN: '12345', GOFER_DETAIL: 'true', GOFER_OUTPUT_FORMAT: 'json' };
    const { config } = await loadCliConfig({ environment, flags: { output_format: 'plain', detail: undefined, debug: true } });
    expect(config).toMatchObject({ namespace: '007', token: '12345', detail: true, output_format: 'plain', debug: true });
  });

  it('works inside a task', async () => {
    const task = {
      GOFER_PIPELINE_ID: 'p',
      GOFER_RUN_ID: '1',
      GOFER_WEB_API__LOG_LEVEL: 'x',
      GOFER_NAMESPACE_ID: 'team',
      GOFER_API_TOKEN: 'injected',
    };
    expect((await loadCliConfig({ environment: task })).config).toMatchObject({ namespace: 'team', token: 'injected' });
    const both = { ...task, GOFER_NAMESPACE: 'own', GOFER_TOKEN: 'given' };
    expect((await loadCliConfig({ environment: both })).config).toMatchObject({ namespace: 'own', token: 'given' });
  });

  it('takes a token without the blanks around it, and knows where it was written', async () => {
    await writeFile(join(home, '.gofer.toml'), 'detail = true\ntoken = "file"\n');
    const load = async (environment: Record<string, string>, flags: Record<string, string> = {}) => {
      const { config, locate } = await loadCliConfig({ environment: { HOME: home, ...environment }, flags });
      return [config.token, locate('token')];
    };
    const file = ['file', `${join(home, '.gofer.toml')}:2`];
    expect(await load({})).toEqual(file);
    expect(await load({ GOFER_TOKEN: '' })).toEqual(file);
    expect(await load({ GOFER_TOKEN: ' \r\n' })).toEqual(file);
    expect(await load({ GOFER_TOKEN: '0042\n' })).toEqual(['0042', 'GOFER_TOKEN']);
    expect(await load({ GOFER_TOKEN: '\n', GOFER_API_TOKEN: 'injected\n' })).toEqual(['injected', 'GOFER_API_TOKEN']);
    expect(await load({ GOFER_TOKEN: 'given' }, { token: 'flag' })).toEqual(['flag', '--token']);
    expect((await loadCliConfig({ environment: { HOME: home } })).locate('namespace')).toBeUndefined();
  });

  it('takes a host for an address', async () => {
    expect((await loadCliConfig({ environment: { GOFER_HOST: '[::1]:9000' } })).config.api_base_url).toBe('http://[::1]:9000/');
    await writeFile(join(home, '.gofer.toml'), 'api_base_url = "https://gofer.example/base/"\n');
    const request = { environment: { HOME: home }, flags: { host: 'localhost:1' } };
    expect((await loadCliConfig(request)).config).not.toHaveProperty('host');
    expect((await loadCliConfig(request)).config.api_base_url).toBe('http://localhost:1/');
    const environment = { GOFER_HOST: 'localhost:1', GOFER_API_BASE_URL: 'http://localhost:2/' };
    await expect(loadCliConfig({ environment })).rejects.toMatchObject({
      message: expect.stringMatching(/GOFER_HOST.*GOFER_API_BASE_URL|GOFER_API_BASE_URL.*GOFER_HOST/),
    });
    await expect(loadCliConfig({ environment: { GOFER_HOST: 'http://x/' } })).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
  });

  it.each(['localhost:8080', 'ftp://x/', 'http://', 'http://[', 'http://a b/'])('refuses the address %s', async (address) => {
    await expect(loadCliConfig({ environment: { GOFER_API_BASE_URL: address } })).rejects.toMatchObject({
      message: expect.stringContaining('must be an http:// or https:// URL'),
    });
  });

  it('refuses unknown keys and wrong values with their line, without showing a token', async () => {
    await writeFile(join(home, '.gofer.toml'), 'namspace = "x"\ntoken = 31337\noutput_format = "xml"\n');
    const refused = loadCliConfig({ environment: { HOME: home, GOFER_DEBUG: 'perhaps' } });
    const file = join(home, '.gofer.toml');
    await expect(refused).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      details: [
        { path: `${file}:1`, message: 'namspace is not a known key; did you mean namespace?' },
        { path: `${file}:2`, message: 'token must be a string' },
        { path: `${file}:3`, message: 'output_format must be one of plain, json, silent, not "xml"' },
        { path: 'GOFER_DEBUG', message: 'GOFER_DEBUG must be true or false, not "perhaps"' },
      ],
    });
  });
});
