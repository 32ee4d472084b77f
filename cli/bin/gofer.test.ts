import { spawn } from 'node:child_process';
import { chmod, copyFile, mkdir, mkdtemp, readFile, rm, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LAUNCHER, launch, launchToEnd, untilEnd } from '../src/testing/launch.ts';
import type { Outcome } from '../src/testing/run-in-process.ts';

/** Makes the Node that runs it say that it is an old one. */
const PRETEND_OLD = "data:text/javascript,Object.defineProperty(process.versions,'node',{value:'18.20.0'})";

describe('the launcher', () => {
  let root: string;

  /** A package with a launcher, and a source and a bundle that each say who they are. */
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'gofer-launcher-'));
    await put('package.json', '{ "version": "9.8.7" }');
    await put('cli/src/main.ts', "const who: string = 'source'; console.log(who, process.argv.slice(2).join(' '));");
    await put('dist/package.json', '{ "type": "module" }');
    await put('dist/gofer.js', "console.log('bundle', process.argv.slice(2).join(' '));");
    await mkdir(join(root, 'cli/bin'), { recursive: true });
    await copyFile(LAUNCHER, join(root, 'cli/bin/gofer.mjs'));
    await record();
  });
  afterEach(async () => await rm(root, { recursive: true, force: true }));

  async function put(path: string, text: string): Promise<void> {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), text);
  }
  async function record(): Promise<void> {
    const { size, mtimeMs } = await stat(join(root, 'cli/src/main.ts'));
    await put('dist/sources.json', JSON.stringify({ 'cli/src/main.ts': [size, mtimeMs] }));
  }
  const run = (...argv: string[]) => launchToEnd(argv, { launcher: join(root, 'cli/bin/gofer.mjs'), workingDirectory: root });
  function runOld(...argv: string[]): Promise<Outcome> {
    return untilEnd(
      spawn(process.execPath, ['--import', PRETEND_OLD, join(root, 'cli/bin/gofer.mjs'), ...argv], { env: { PATH: process.env.PATH } }),
    );
  }

  it('answers --version by itself', async () => {
    await rm(join(root, 'dist'), { recursive: true });
    await rm(join(root, 'cli/src'), { recursive: true });
    expect(await run('--version')).toEqual({ code: 0, stdout: '9.8.7\n', stderr: '' });
    expect(await runOld('--version')).toEqual({ code: 0, stdout: '9.8.7\n', stderr: '' });
  });

  it('runs the bundle, also by a link', async () => {
    expect((await run('a', 'b')).stdout).toBe('bundle a b\n');
    await symlink(join(root, 'cli/bin/gofer.mjs'), join(root, 'link'));
    expect((await launchToEnd([], { launcher: join(root, 'link') })).stdout).toBe('bundle \n');
  });

  it('runs the sources where one of them is newer, older, of another size or gone, or where the list is missing', async () => {
    const main = join(root, 'cli/src/main.ts');
    for (const time of [new Date(Date.now() + 60_000), new Date(0)]) {
      await utimes(main, time, time);
      expect((await run()).stdout).toBe('source \n');
    }
    await record();
    expect((await run()).stdout).toBe('bundle \n');
    await writeFile(main, `${await readFile(main, 'utf8')}\n`);
    expect((await run()).stdout).toBe('source \n');
    await put('dist/sources.json', JSON.stringify({ 'cli/src/gone.ts': [1, 1] }));
    expect((await run()).stdout).toBe('source \n');
    await rm(join(root, 'dist/sources.json'));
    expect((await run()).stdout).toBe('source \n');
    await rm(join(root, 'dist'), { recursive: true });
    expect((await run()).stdout).toBe('source \n');
  });

  it('runs the bundle of a package that has no sources', async () => {
    await rm(join(root, 'cli/src'), { recursive: true });
    expect((await run()).stdout).toBe('bundle \n');
  });

  it('runs itself again by the Node that was installed beside it, and passes on arguments and exit code', async () => {
    await put('dist/gofer.js', "console.log('new', process.argv.slice(2).join(' ')); process.exitCode = 42;");
    await put('node_modules/node/bin/node', `#!/bin/sh\nexec "${process.execPath}" "$@"\n`);
    await chmod(join(root, 'node_modules/node/bin/node'), 0o755);
    expect(await runOld('run', 'list', 'a b')).toEqual({ code: 42, stdout: 'new run list a b\n', stderr: '' });
  });

  it('says in one line what to install where there is none', async () => {
    expect(await runOld('run', 'list')).toEqual({
      code: 78,
      stdout: '',
      stderr: expect.stringMatching(/^x gofer needs Node 24 or newer and this is .*: install it from https:\S+\n$/u) as string,
    });
  });

  it('is written for an old Node', async () => {
    const text = await readFile(LAUNCHER, 'utf8');
    expect(text).not.toMatch(/\?\?|\?\.|from 'node:|^await |\.at\(|#[a-z]+\s*=|\|\|=/mu);
  });
});

describe('the command as a process', () => {
  it('ends quietly when its reader has read enough', async () => {
    const child = launch(['service', 'start', '--help']);
    child.stdout.destroy();
    const { code, stderr } = await untilEnd(child);
    expect(stderr).toBe('');
    expect(code).toBe(0);
  });

  it('writes all of its output before it ends', async () => {
    const { code, stdout } = await launchToEnd(['service', 'init-config']);
    expect(code).toBe(0);
    expect(stdout).toContain('[development]');
  });

  it('prints errors on stderr and has no colours in a pipe', async () => {
    const { code, stdout, stderr } = await launchToEnd(['run', 'lst']);
    expect(stdout).toBe('');
    // oxlint-disable-next-line no-control-regex -- there must be none
    expect(stderr).toMatch(/^x there is no command[^\u001b]*$/u);
    expect(code).toBe(2);
  });
});
