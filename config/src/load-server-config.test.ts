import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isGoferError } from '@gofer/contracts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { LoadedServerConfig } from './load-server-config.ts';
import { loadServerConfig } from './load-server-config.ts';
import { SAMPLE_ENCRYPTION_KEY } from './store-and-scheduler-schema.ts';
import type { Environment, Flags } from './written-setting.ts';

let directory = '';
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'gofer-config-'));
});
afterAll(async () => {
  await rm(directory, { recursive: true });
});

interface Given {
  readonly file?: string;
  readonly environment?: Environment;
  readonly flags?: Flags;
}

let files = 0;
async function load(given: Given): Promise<LoadedServerConfig> {
  files += 1;
  const path = join(directory, `${files}.toml`);
  if (given.file !== undefined) await writeFile(path, given.file);
  const environment = { HOME: '/home/user', ...given.environment };
  return loadServerConfig({ environment, systemConfigPath: path, ...(given.flags === undefined ? {} : { flags: given.flags }) });
}

/** `line: message` of every fault. The whole error is searched for what must not be in it. */
async function faults(given: Given, neverShown = '\0'): Promise<readonly string[]> {
  const error: unknown = await load(given).then(
    () => undefined,
    (rejection: unknown) => rejection,
  );
  if (!isGoferError(error)) throw new Error('the configuration was not refused', { cause: error });
  expect(error.code).toBe('CONFIG_INVALID');
  expect(`${error.stack}${JSON.stringify(error)}${String(error.cause)}`).not.toContain(neverShown);
  return error.details.map(({ path, message }) => `${path.replace(/^.*\d+\.toml:?/, '')}: ${message}`);
}

describe('development mode', () => {
  it('is what there is without a file', async () => {
    const { config, developmentMode, source } = await load({});
    expect(developmentMode).toBe(true);
    expect(source.path).toBeUndefined();
    expect(config.development).toMatchObject({ bypass_auth: true, pretty_logging: true, default_encryption: true });
    expect(config.scheduler.engine).toBe('auto');
    expect(config.server.bind_address).toBe('localhost:8080');
    expect(config.server.storage_path).toBe('/home/user/.local/state/gofer/gofer.db');
    expect(config.secret_store.sqlite.encryption_key).toBe(SAMPLE_ENCRYPTION_KEY);
  });

  it('ends where auth is switched on', async () => {
    const { config, developmentMode } = await load({ environment: { GOFER_WEB_DEVELOPMENT__BYPASS_AUTH: 'false' } });
    expect(developmentMode).toBe(false);
    expect(config.development.bypass_auth).toBe(false);
    expect(config.scheduler.engine).toBe('docker');
  });

  it('ends where there is a file, even an empty one', async () => {
    const { config, developmentMode } = await load({ file: '' });
    expect(developmentMode).toBe(false);
    expect(config.development).toMatchObject({ bypass_auth: false, pretty_logging: false, default_encryption: false });
    expect(config.secret_store.sqlite.encryption_key).toBeUndefined();
  });

  it('keeps its data in XDG_STATE_HOME, where that is absolute', async () => {
    const absolute = await load({ environment: { XDG_STATE_HOME: '/state' } });
    expect(absolute.config.api.task_execution_logs_dir).toBe('/state/gofer/logs');
    const relative = await load({ environment: { XDG_STATE_HOME: 'state' } });
    expect(relative.config.api.task_execution_logs_dir).toBe('/home/user/.local/state/gofer/logs');
    expect(await faults({ environment: { HOME: '' } })).toContainEqual(expect.stringContaining('neither HOME nor XDG_STATE_HOME is set'));
  });
});

describe('where a value comes from', () => {
  it('flags beat the environment, the environment beats the file, the file beats the default', async () => {
    const file = '[api]\nlog_level = "warn"\nevent_prune_interval = "1m"\ntask_execution_log_expiry = 1\n';
    const environment = {
      GOFER_WEB_API__LOG_LEVEL: 'error',
      gofer_web_api__event_prune_interval: '2m',
      GOFER_WEB_API__TASK_EXECUTION_LOG_RETENTION: '2',
    };
    const { config } = await load({ file, environment, flags: { 'api.log_level': 'trace' } });
    expect(config.api).toMatchObject({
      log_level: 'trace',
      event_prune_interval: 120,
      task_execution_log_retention: 2,
      pipeline_version_retention: 10,
    });
  });

  it('reads a variable by its declared type, never by its looks', async () => {
    const { config } = await load({
      environment: {
        GOFER_WEB_SECRET_STORE__SQLITE__ENCRYPTION_KEY: '12345678901234567890123456789012',
        GOFER_WEB_SERVER__STORAGE_PATH: 'true',
        GOFER_WEB_API__EVENT_LOG_RETENTION: '90',
        GOFER_WEB_SERVER__SHUTDOWN_TIMEOUT: '1m30s',
        GOFER_WEB_SERVER__CORS_ORIGINS: 'https://a.example, https://b.example',
        GOFER_WEB_EXTERNAL_EVENTS_API__ENABLE: 'FALSE',
        GOFER_WEB_API__LOG_LEVEL: '',
      },
    });
    expect(config.secret_store.sqlite.encryption_key).toBe('12345678901234567890123456789012');
    expect(config.server).toMatchObject({
      storage_path: 'true',
      shutdown_timeout: 90,
      cors_origins: ['https://a.example', 'https://b.example'],
    });
    expect(config.api).toMatchObject({ event_log_retention: 90, log_level: 'info' });
    expect(config.external_events.enable).toBe(false);
  });

  it('is frozen to its depth', async () => {
    const { config } = await load({});
    expect(Object.isFrozen(config) && Object.isFrozen(config.scheduler.docker) && Object.isFrozen(config.server.cors_origins)).toBe(true);
  });
});

describe('what is refused', () => {
  it('names file, line and key of everything at once, with what was probably meant', async () => {
    const file = `
[api]
log_levle = "info"
event_prune_interval = "3 hours"
bind_address = "localhost:1"

[schedular]
engine = "docker"

[scheduler.docker]
prune = "yes"
only_the_plugin_knows = 1

[scheduler.dokcer]
prune = true

[server]
shutdown_timeout = 1.5
bind_address = "localhost"
storage_results_limit = 0
cors_origins = "https://a.example"
`;
    expect(
      await faults({ file, environment: { GOFER_WEB_API__LOG_LEVLE: 'x', GOFER_WEB_API: 'x', GOFER_WEB_WORKERS__DAG_THREADS: 'many' } }),
    ).toEqual([
      '3: api.log_levle is not a known key; did you mean api.log_level?',
      '5: api.bind_address is not a known key; did you mean server.bind_address?',
      '7: schedular is not a known table; did you mean scheduler?',
      '4: api.event_prune_interval must be a duration such as "4380h", "1h30m" or "250ms", or a whole number of seconds, not "3 hours"',
      '11: scheduler.docker.prune must be true or false, not "yes"',
      '18: server.shutdown_timeout must be a duration such as "4380h", "1h30m" or "250ms", or a whole number of seconds, not 1.5',
      '19: server.bind_address must be an address such as localhost:8080 or [::1]:8080, not "localhost"',
      '20: server.storage_results_limit must be at least 1, not 0',
      '21: server.cors_origins must be a list in brackets, not "https://a.example"',
      'GOFER_WEB_API__LOG_LEVLE: GOFER_WEB_API__LOG_LEVLE is not a known variable; did you mean GOFER_WEB_API__LOG_LEVEL?',
      'GOFER_WEB_API: GOFER_WEB_API is not a known variable',
      'GOFER_WEB_WORKERS__DAG_THREADS: GOFER_WEB_WORKERS__DAG_THREADS must be a whole number, not "many"',
      '14: scheduler.dokcer is not a known table; did you mean scheduler.docker?',
    ]);
  });

  it('two spellings with different values in one place, and takes equal ones', async () => {
    const [fault] = await faults({ file: '[api]\nrun_parallelism_limit = 1\npipeline_run_concurrency_limit = 2\n' });
    expect(fault).toMatch(
      /^3: api\.run_parallelism_limit .* and api\.pipeline_run_concurrency_limit .* are the same key and differ; remove one$/,
    );
    const sections = await faults({
      file: '[external_events]\nhost = "localhost:1"\n[external_events_api]\nbind_address = "localhost:2"\n',
    });
    expect(sections).toEqual([expect.stringContaining('external_events_api.bind_address')]);
    const equal = await load({ file: '[api]\nrun_parallelism_limit = 7\npipeline_run_concurrency_limit = 7\n' });
    expect(equal.config.api.pipeline_run_concurrency_limit).toBe(7);
    expect(await faults({ environment: { GOFER_WEB_API__LOG_LEVEL: 'info', gofer_web_api__log_level: 'warn' } })).toHaveLength(1);
  });

  it('text that is not TOML, without quoting it', async () => {
    const given = { file: '[secret_store.sqlite]\nencryption_key = "s3cr3t-value\n' };
    expect(await faults(given, 's3cr3t-value')).toEqual([expect.stringMatching(/^2:\d+: not valid TOML: /)]);
  });

  it('a secret that does not fit, without showing it', async () => {
    expect(await faults({ file: '[secret_store.sqlite]\nencryption_key = "s3cr3t-value"\n' }, 's3cr3t-value')).toEqual([
      '2: secret_store.sqlite.encryption_key must be exactly 32 characters long, not 12',
    ]);
    expect(await faults({ file: '[secret_store.sqlite]\nencryption_key = 9876543210\n' }, '9876543210')).toHaveLength(1);
    const twice = '[api]\nadmin_key = "s3cr3t-one"\n';
    const environment = { GOFER_WEB_API__ADMIN_KEY: 's3cr3t-one', gofer_web_api__admin_key: 's3cr3t-two' };
    expect(await faults({ file: twice, environment }, 's3cr3t-')).toHaveLength(1);
  });

  it('a file that is too large or nests too deep, in no time', async () => {
    const dots = Array.from({ length: 300_000 }, () => 'a').join('.');
    expect(await faults({ file: `${dots} = 1\n` })).toEqual([expect.stringContaining('more than 32 deep')]);
    expect(await faults({ file: `[${dots}]\n` })).toEqual([expect.stringContaining('more than 32 deep')]);
    expect(await faults({ file: `a = ${'['.repeat(100_000)}` })).toEqual([expect.stringContaining('nested')]);
    expect(await faults({ file: '# \n'.repeat(1_500_000) })).toEqual([expect.stringContaining('more than 4194304 bytes')]);
    const endless = loadServerConfig({ environment: { HOME: '/home/user' }, configPath: '/dev/zero' });
    await expect(endless).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
  });

  it('a file that was asked for and cannot be read', async () => {
    const missing = loadServerConfig({ environment: { HOME: '/home/user' }, configPath: join(directory, 'missing.toml') });
    await expect(missing).rejects.toMatchObject({ code: 'CONFIG_INVALID', message: expect.stringContaining('there is no such file') });
    await mkdir(join(directory, 'folder.toml'));
    const folder = loadServerConfig({ environment: { HOME: '/home/user' }, systemConfigPath: join(directory, 'folder.toml') });
    await expect(folder).rejects.toMatchObject({ code: 'CONFIG_INVALID', message: expect.stringContaining('EISDIR') });
    await writeFile(join(directory, 'latin1.toml'), Uint8Array.of(0x23, 0xe9));
    const latin1 = loadServerConfig({ environment: { HOME: '/home/user' }, configPath: join(directory, 'latin1.toml') });
    await expect(latin1).rejects.toMatchObject({ message: expect.stringContaining('not UTF-8') });
  });
});

describe('the rules between keys', () => {
  it.each(['0.0.0.0:8080', '192.168.1.1:80', '[::]:8080', 'gofer.example.com:8080', '127.0.0.1.example.com:80'])(
    'bypassed auth never binds %s',
    async (address) => {
      expect(await faults({ flags: { 'server.bind_address': address } })).toEqual([
        expect.stringContaining('reachable by others while auth is bypassed'),
      ]);
      const { config } = await load({ file: '', flags: { 'server.bind_address': address } });
      expect(config.server.bind_address).toBe(address);
    },
  );

  it.each(['127.0.0.1:0', 'localhost:65535', '[::1]:8080', '127.1.2.3:1'])('bypassed auth binds %s', async (address) => {
    expect((await load({ flags: { 'server.bind_address': address } })).config.server.bind_address).toBe(address);
  });

  it('bounds what a timer waits for', async () => {
    expect(await faults({ flags: { 'server.shutdown_timeout': '720h' } })).toEqual([expect.stringContaining('must be at most 596h')]);
    expect((await load({ flags: { 'scheduler.docker.prune_interval': '720h' } })).config.scheduler.docker.prune_interval).toBe(2_592_000);
  });

  it('refuses ports that there are not', async () => {
    expect(await faults({ flags: { 'server.bind_address': 'localhost:65536' } })).toHaveLength(1);
  });

  it('the process engine outside development mode has to be allowed', async () => {
    const file = '[scheduler]\nengine = "process"\n';
    expect(await faults({ file })).toEqual([expect.stringMatching(/^2: .*scheduler\.process\.enable = true/)]);
    expect((await load({ file: `${file}[scheduler.process]\nenable = true\n` })).config.scheduler.process.enable).toBe(true);
    expect((await load({ flags: { 'scheduler.engine': 'process' } })).config.scheduler.engine).toBe('process');
  });

  it('the sample key is refused where it counts', async () => {
    const file = `[secret_store.sqlite]\nencryption_key = "${SAMPLE_ENCRYPTION_KEY}"\n`;
    expect(await faults({ file })).toEqual([expect.stringMatching(/^2: .*the sample key that everybody knows/)]);
    const bypassed = await load({ file: `${file}[development]\nbypass_auth = true\n` });
    expect(bypassed.warnings).toContainEqual(expect.stringContaining('well-known default key'));
    expect(await faults({ file: '[development]\ndefault_encryption = true\n' })).toHaveLength(1);
    const keyless = await load({ file: '[development]\nbypass_auth = true\n' });
    expect(keyless.config.secret_store.sqlite.encryption_key).toBe(SAMPLE_ENCRYPTION_KEY);
    expect(keyless.warnings).toContainEqual(expect.stringContaining('well-known default key'));
  });

  it('TLS needs both paths, and a documented configuration with both has it', async () => {
    expect(await faults({ file: '[server]\ntls_cert_path = "/c.pem"\n' })).toEqual([expect.stringContaining('needs server.tls_key_path')]);
    expect(await faults({ file: '[server]\nuse_tls = true\n' })).toEqual([
      expect.stringMatching(/^2: server\.use_tls needs a certificate/),
    ]);
    const both = '[server]\ntls_cert_path = "/c.pem"\ntls_key_path = "/k.pem"\n';
    expect((await load({ file: both })).config.server.use_tls).toBe(true);
    expect((await load({ file: `${both}use_tls = false\n` })).config.server.use_tls).toBe(false);
  });

  it('included certificates count with TLS only, and beside no others', async () => {
    const included = '[development]\nuse_included_certs = true\n';
    const on = await load({ file: `${included}[server]\nuse_tls = true\n` });
    expect([on.config.server.use_tls, on.warnings]).toEqual([true, []]);
    expect((await load({ file: included })).warnings).toEqual([expect.stringContaining('while server.use_tls is false')]);
    const both = `${included}[server]\ntls_cert_path = "/c.pem"\ntls_key_path = "/k.pem"\n`;
    expect((await load({ file: both })).warnings).toEqual([expect.stringContaining('which has server.tls_cert_path')]);
    const bypassed = `${included}bypass_auth = true\n[server]\nuse_tls = true\nbind_address = "0.0.0.0:8080"\n`;
    expect(await faults({ file: bypassed })).toEqual([expect.stringContaining('reachable by others while auth is bypassed')]);
  });

  it.each(['10.0.0.1', '10.0.0.0/8', '::1', 'fd00::/8', '0.0.0.0/0', '::ffff:10.0.0.0/104'])('%s may be a trusted proxy', async (entry) => {
    const { config } = await load({ file: '', flags: { 'server.trusted_proxies': entry } });
    expect(config.server.trusted_proxies).toEqual([entry]);
  });

  it.each(['10.0.0', 'proxy.example', '10.0.0.0/33', '::1/129', '10.0.0.0/', '10.0.0.0/8/8', 'fe80::1%eth0', '10.0.0.0/-1', '*'])(
    '%s cannot be a trusted proxy',
    async (entry) => {
      const file = `[server]\ntrusted_proxies = ["10.0.0.1", "${entry}"]\n`;
      expect(await faults({ file })).toEqual([expect.stringMatching(/^2: server\.trusted_proxies holds ".*", which is neither/)]);
    },
  );

  it('warns of a limit that another one hides', async () => {
    const { warnings } = await load({ file: '[limits]\nmax_header_size = 4096\nmax_url_length = 4096\n' });
    expect(warnings).toEqual([expect.stringContaining('limits.max_url_length has no effect')]);
  });

  it('warns of what has no effect', async () => {
    const { warnings } = await load({ file: '[api]\nadmin_key = "s3cr3t"\n[scheduler.kubernetes]\nnamespace = "x"\n' });
    expect(warnings).toEqual([
      expect.stringMatching(/:2: api\.admin_key has no effect; remove it/),
      expect.stringMatching(/:3: scheduler\.kubernetes is not read while scheduler\.engine is docker$/),
    ]);
    expect(warnings.join()).not.toContain('s3cr3t');
  });
});
