import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { GoferContext } from '../gofer-context.ts';
import { looksSecret, unanswered } from './ask-settings.ts';
import { readSettings } from './settings.ts';

describe('settings among the arguments', () => {
  let directory: string;
  const read = (...pairs: string[]) => readSettings({ workingDirectory: directory } as GoferContext, pairs, '--config');

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'gofer-cli-settings-'));
    await writeFile(join(directory, 'key.pem'), 'one\ntwo\n');
    await writeFile(join(directory, 'bytes'), new Uint8Array([0xff, 0xfe]));
  });
  afterAll(async () => await rm(directory, { recursive: true, force: true }));

  it('are values, files without their last line break, and @@ for what begins with @', async () => {
    expect(await read('A=1', 'B=x=y', 'C=', 'KEY=@key.pem', 'AT=@@home', 'REF=global_secret{{k}}')).toEqual({
      A: '1',
      B: 'x=y',
      C: '',
      KEY: 'one\ntwo',
      AT: '@home',
      REF: 'global_secret{{k}}',
    });
  });

  it('are refused all at once, without any part of a value', async () => {
    await expect(read('hush', '=hush', 'A=1', 'A=hush')).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      details: [
        { path: '--config, number 1', message: 'must be KEY=VALUE' },
        { path: '--config, number 2', message: 'must be KEY=VALUE' },
        { path: '--config A', message: 'is given twice' },
      ],
    });
  });

  it.each([
    ['A=@nothing', /there is no file .*nothing/u],
    ['A=@bytes', /--config A: bytes is not text \(UTF-8\); encode it first/u],
    ['A=@', /--config A names no file/u],
  ])('%s says what is wrong with the file', async (pair, message) => {
    await expect(read(pair)).rejects.toThrow(message);
  });
});

it('what is asked for leaves out what is given, whatever the case of its key', () => {
  const parameters = ['APP_ID', 'app_key', 'other'].map((key) => ({ key, required: true, documentation: '' }));
  expect(unanswered(parameters, { app_id: '1', APP_KEY: '2' }).map(({ key }) => key)).toEqual(['other']);
});

it('what looks like a secret is told from what does not', () => {
  const secret = ['APP_KEY', 'webhook_secret', 'TOKEN', 'db-password', 'private_key_path', 'key'];
  const open = ['expression', 'every', 'repository', 'event_filter', 'APP_ID', 'keyboard', 'monkey'];
  expect([...secret, ...open].filter(looksSecret)).toEqual(secret);
});
