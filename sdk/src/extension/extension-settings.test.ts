import { describe, expect, test } from 'vitest';
import { configOf, forgetSecrets, readExtensionSettings } from './extension-settings.ts';

const PREFIX = 'GOFER_EXTENSION_SYSTEM_';
const read = (env: Record<string, string>) =>
  readExtensionSettings(
    Object.fromEntries(
      Object.entries({ ID: 'cron', SECRET: 's', GOFER_HOST: '172.17.0.1:8080', ...env }).map(([key, value]) => [PREFIX + key, value]),
    ),
  );

describe('what the server tells an extension', () => {
  test('as version 0 does', () => {
    expect(read({ USE_TLS: 'false', TLS_CERT: '', TLS_KEY: '', LOG_LEVEL: 'info', BIND_ADDRESS: '' })).toMatchObject({
      id: 'cron',
      secret: 's',
      goferUrl: 'http://172.17.0.1:8080',
      bind: { host: '0.0.0.0', port: 8082 },
      tls: undefined,
      logLevel: 'info',
      announceFd: undefined,
      endsWithInput: false,
    });
    expect(read({ USE_TLS: 'true', TLS_CERT: 'cert', TLS_KEY: 'key' })).toMatchObject({
      goferUrl: 'https://172.17.0.1:8080',
      tls: { cert: 'cert', key: 'key' },
    });
  });

  test('a whole address comes before host and port', () => {
    expect(read({ GOFER_URL: 'https://gofer.example/', USE_TLS: 'false' }).goferUrl).toBe('https://gofer.example');
    expect(read({ GOFER_URL: 'https://example/gofer/', BIND_ADDRESS: '[::1]:0', LOG_LEVEL: 'TRACE' })).toMatchObject({
      goferUrl: 'https://example/gofer',
      bind: { host: '::1', port: 0 },
      logLevel: 'debug',
    });
  });

  test.each([
    [{ ID: '' }, 'ID is not set'],
    [{ GOFER_HOST: '' }, 'GOFER_HOST is not set'],
    [{ GOFER_URL: 'ftp://x' }, 'GOFER_URL must be a URL'],
    [{ GOFER_HOST: 'a b' }, 'GOFER_HOST a host and port'],
    [{ USE_TLS: 'yes' }, 'USE_TLS is "yes"'],
    [{ USE_TLS: 'true' }, 'TLS_CERT is not set'],
    [{ BIND_ADDRESS: '0.0.0.0:70000' }, 'BIND_ADDRESS is'],
    [{ ANNOUNCE_FD: 'three' }, 'ANNOUNCE_FD is'],
    [{ PARENT_PIPE: 'fd4' }, 'PARENT_PIPE is'],
  ])('what cannot be used is said: %j', (env, message) => {
    expect(() => read(env as Record<string, string>)).toThrow(message);
  });

  test('settings by any case of their key; empty ones are missing; the system has none', () => {
    const config = configOf({
      Min_Duration: '5m',
      APP_ID: '7',
      empty: '',
      GOFER_EXTENSION_CONFIG_TOKEN: 't',
      GOFER_EXTENSION_SYSTEM_SECRET: 's',
    });
    expect(
      ['min_duration', 'Min_Duration', 'MIN_DURATION', 'app_id', 'empty', 'token', 'none', 'GOFER_EXTENSION_SYSTEM_SECRET'].map(config),
    ).toEqual(['5m', '5m', '5m', '7', undefined, 't', undefined, undefined]);
  });

  test('secrets are forgotten', () => {
    const env = { [`${PREFIX}SECRET`]: 's', [`${PREFIX}TLS_KEY`]: 'k', [`${PREFIX}ID`]: 'cron' };
    forgetSecrets(env);
    expect(env).toEqual({ [`${PREFIX}ID`]: 'cron' });
  });
});
