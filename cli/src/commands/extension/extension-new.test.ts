import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runInProcess } from '../../testing/run-in-process.ts';

const ROOT = join(import.meta.dirname, '../../../..');

/** Ends within its time, or is killed. */
async function run(file: string, args: readonly string[], cwd: string): Promise<{ code: number | null; output: string }> {
  const child = spawn(file, args, { cwd, stdio: ['ignore', 'pipe', 'inherit'], timeout: 50_000, env: { PATH: process.env.PATH } });
  const code = new Promise<number | null>((resolve, reject) => child.once('close', resolve).once('error', reject));
  return { output: await text(child.stdout), code: await code };
}

describe('gofer extension new', () => {
  let directory: string;
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'gofer-extension-new-'));
  });
  afterAll(async () => {
    await rm(directory, { recursive: true, force: true });
  });

  const make = (name: string) => runInProcess(['extension', 'new', name], { workingDirectory: directory });

  test('writes an extension whose tests pass and whose types hold, with nothing installed', async () => {
    const { code, stdout } = await make('Tides');
    expect(code).toBe(0);
    expect(stdout).toContain('cd Tides && npm test');
    const folder = join(directory, 'Tides');
    const { scripts } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as { scripts: { test: string } };
    expect(scripts.test).toBe("node --test 'src/**/*.test.ts'");
    const tested = await run(process.execPath, ['--test', 'src/**/*.test.ts'], folder);
    expect(tested.output).toContain('pass 2');
    expect(tested.code).toBe(0);
    await mkdir(join(folder, 'node_modules'));
    await symlink(join(ROOT, 'node_modules/@types'), join(folder, 'node_modules/@types'));
    await symlink(join(ROOT, 'node_modules/undici-types'), join(folder, 'node_modules/undici-types'));
    expect(await run(join(ROOT, 'node_modules/.bin/tsc'), ['-p', '.'], folder)).toEqual({ code: 0, output: '' });
    expect((await readdir(join(folder, 'vendor'), { recursive: true })).filter((file) => file.endsWith('.test.ts'))).toEqual([]);
  });

  test('leaves a folder alone that is not empty, and takes one that is', async () => {
    await mkdir(join(directory, 'used'));
    await writeFile(join(directory, 'used/notes.txt'), 'mine');
    await writeFile(join(directory, 'file'), 'mine');
    for (const name of ['used', 'file'])
      expect(await make(name)).toMatchObject({ code: 5, stderr: expect.stringContaining('left as it is') });
    expect(await readdir(join(directory, 'used'))).toEqual(['notes.txt']);
    await mkdir(join(directory, 'empty'));
    expect(await make('empty')).toMatchObject({ code: 0 });
  });

  test.each(['ab', 'a_b', '../up', 'x'.repeat(33), 'a b c'])('takes no name like %j', async (name) => {
    expect(await make(name)).toMatchObject({ code: 2, stderr: expect.stringContaining('3 to 32 letters') });
  });
});
