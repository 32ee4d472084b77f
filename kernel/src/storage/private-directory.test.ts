import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { makePrivateDirectory } from './private-directory.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'gofer-directory-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

it('makes what is missing, for its owner alone', () => {
  const path = join(directory, 'a', 'b');
  makePrivateDirectory(path);
  makePrivateDirectory(path);
  expect([path, join(directory, 'a')].map((made) => statSync(made).mode & 0o777)).toEqual([0o700, 0o700]);
});

it('says what stands in the way', () => {
  writeFileSync(join(directory, 'file'), '');
  expect(() => makePrivateDirectory(join(directory, 'file', 'below'))).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }));
});

it.skipIf(process.platform !== 'linux')('ends where a file system denies that it has a parent', () => {
  expect(() => makePrivateDirectory('/proc/gofer-is-not-here/below')).toThrow(/"\/proc\/gofer-is-not-here" cannot be made/);
});
