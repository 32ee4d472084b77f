import { chmod, lstat, mkdir, mkdtemp, readdir, readFile, readlink, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { changeConfigFile } from './change-config-file.ts';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'gofer-cli-change-'));
});
afterEach(async () => {
  await chmod(directory, 0o700);
  await rm(directory, { recursive: true, force: true });
});
const modeOf = async (path: string) => (await stat(path)).mode & 0o777;

describe('a configuration file', () => {
  it('is made with its folders, for its owner alone', async () => {
    const path = join(directory, 'a', 'b', 'gofer.toml');
    expect(await changeConfigFile(path, (text) => `${text}new`)).toEqual({ path, narrowed: undefined });
    expect(await readFile(path, 'utf8')).toBe('new');
    expect(await modeOf(path)).toBe(0o600);
    expect(await modeOf(dirname(path))).toBe(0o700);
    expect(await modeOf(join(directory, 'a'))).toBe(0o700);
  });

  it('that others could read is narrowed, and its folder is left as it is', async () => {
    const path = join(directory, 'gofer.toml');
    await chmod(directory, 0o755);
    for (const [mode, narrowed] of [
      [0o644, 0o644],
      [0o620, 0o620],
      [0o600, undefined],
      [0o400, undefined],
    ] as const) {
      await writeFile(path, 'old');
      await chmod(path, mode);
      expect(await changeConfigFile(path, (text) => `${text} new`)).toEqual({ path, narrowed });
      expect(await modeOf(path)).toBe(0o600);
      expect(await readFile(path, 'utf8')).toBe('old new');
      await rm(path);
    }
    expect(await modeOf(directory)).toBe(0o755);
    expect(await readdir(directory)).toEqual([]);
  });

  it('behind links is changed where it is, and the links stay', async () => {
    await mkdir(join(directory, 'dotfiles'));
    await symlink('second', join(directory, 'first'));
    await symlink(join('dotfiles', 'gofer.toml'), join(directory, 'second'));
    const target = join(directory, 'dotfiles', 'gofer.toml');
    for (const text of ['made where there was none', 'changed']) {
      expect(await changeConfigFile(join(directory, 'first'), () => text)).toMatchObject({ path: target });
      expect(await readFile(target, 'utf8')).toBe(text);
      expect((await lstat(join(directory, 'first'))).isSymbolicLink()).toBe(true);
      expect(await readlink(join(directory, 'second'))).toBe(join('dotfiles', 'gofer.toml'));
    }
    await symlink('round', join(directory, 'round'));
    await expect(changeConfigFile(join(directory, 'round'), () => '')).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
  });

  it('that is to stay as it is is not touched', async () => {
    const path = join(directory, 'gofer.toml');
    await writeFile(path, 'old', { mode: 0o644 });
    const before = await stat(path);
    expect(await changeConfigFile(path, () => undefined)).toBeUndefined();
    expect(await stat(path)).toMatchObject({ ino: before.ino, mode: before.mode, mtimeMs: before.mtimeMs });
    expect(await changeConfigFile(join(directory, 'none', 'x'), () => undefined)).toBeUndefined();
    expect(await readdir(directory)).toEqual(['gofer.toml']);
  });

  it('is there whole, old or new, whenever somebody reads it', async () => {
    const path = join(directory, 'gofer.toml');
    const texts = ['a', 'b', 'c'].map((letter) => letter.repeat(200_000));
    await writeFile(path, texts[0] ?? '', { mode: 0o600 });
    const done = new AbortController();
    const read = async () => {
      let reads = 0;
      for (; !done.signal.aborted || reads === 0; reads += 1) expect(texts).toContain(await readFile(path, 'utf8'));
    };
    const write = async () => {
      for (let round = 0; round < 20; round += 1) await changeConfigFile(path, () => texts[round % texts.length] ?? '');
      done.abort();
    };
    await Promise.all([read(), read(), write()]);
    expect(await readdir(directory)).toEqual(['gofer.toml']);
  });

  it('that cannot be written says so, and nothing is left behind', async () => {
    await mkdir(join(directory, 'folder'));
    await expect(changeConfigFile(join(directory, 'folder'), () => 'x')).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    await expect(changeConfigFile('/dev/null', () => 'x')).rejects.toMatchObject({ message: expect.stringContaining('no regular file') });
    await writeFile(join(directory, 'binary'), Uint8Array.of(0xff));
    await expect(changeConfigFile(join(directory, 'binary'), () => 'x')).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
    await expect(changeConfigFile(join(directory, 'binary', 'x'), () => 'x')).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    expect((await readdir(directory)).sort()).toEqual(['binary', 'folder']);
  });
});
