import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { readGithubConfig } from './github-config.ts';

const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const PKCS8 = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
const PKCS1 = privateKey.export({ type: 'pkcs1', format: 'pem' }).toString();
const COMPLETE: Readonly<Record<string, string>> = {
  APP_ID: '112348',
  APP_INSTALLATION: ' 99560091 ',
  APP_KEY: Buffer.from(PKCS1).toString('base64'),
  APP_WEBHOOK_SECRET: 'somereallylongstringofcharacters',
};

const read = (settings: Readonly<Record<string, string>>) => readGithubConfig({ id: 'github', config: (key) => settings[key] });

describe('the settings', () => {
  test('are read, with what they are where they are absent', () => {
    expect(read(COMPLETE)).toEqual({
      appId: 112_348,
      installationId: 99_560_091,
      privateKey: PKCS8,
      webhookSecret: 'somereallylongstringofcharacters',
      apiUrl: 'https://api.github.com',
    });
  });

  test('take a key in every form', () => {
    const wrapped = Buffer.from(PKCS8).toString('base64').replace(/.{76}/g, '$&\n');
    for (const key of [PKCS1, PKCS8, Buffer.from(PKCS8).toString('base64'), wrapped, PKCS1.replaceAll('\n', '\\n')]) {
      expect(read({ ...COMPLETE, APP_KEY: key }).privateKey).toBe(PKCS8);
    }
  });

  test('are refused with every fault at once, and without what is secret', () => {
    const settings = { APP_ID: 'one', APP_KEY: 'hushhushhush', GITHUB_API_URL: 'http://github.example.com', CHECK_DETAILS_URL: 'nowhere' };
    expect(() => read(settings)).toThrow(
      /APP_ID is to be a whole number, not "one"; APP_INSTALLATION is missing; APP_KEY is neither .*; APP_WEBHOOK_SECRET is missing; GITHUB_API_URL is to begin with https:\/\/; CHECK_DETAILS_URL is to be an address/,
    );
    expect(() => read(settings)).not.toThrow(/hush/);
  });

  test.each([
    ['APP_ID', '0', /whole number/],
    ['APP_ID', '1e3', /whole number/],
    ['APP_ID', '99999999999999999999', /whole number/],
    ['APP_KEY', PKCS1.replace(/[A-Z]{4}\n/, '!!!!\n').replaceAll('M', 'N'), /cannot be read/],
    ['APP_KEY', generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(), /RSA key.*ed25519/],
    ['GITHUB_API_URL', 'github.example.com', /address such as/],
    ['GITHUB_API_URL', 'https://user@github.example.com', /neither a user/],
    ['GITHUB_API_URL', 'https://github.example.com?x=1', /query/],
    ['CHECK_DETAILS_URL', 'javascript:alert(1)', /begin with https/],
  ])('%s=%s is refused', (key, value, message) => {
    expect(() => read({ ...COMPLETE, [key]: value })).toThrow(message);
  });

  test('take the address of GitHub Enterprise Server', () => {
    expect(read({ ...COMPLETE, GITHUB_API_URL: 'https://github.example.com/api/v3/' }).apiUrl).toBe('https://github.example.com/api/v3');
  });
});
