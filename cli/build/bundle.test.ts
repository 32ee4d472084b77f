import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LAUNCHER, launch, launchToEnd, untilEnd } from '../src/testing/launch.ts';
import { SIMPLE } from '../src/testing/sample-pipeline.ts';

const PACKAGE = fileURLToPath(new URL('../..', import.meta.url));

/** An installed package: the launcher, the bundle and its packages, and none of the sources. */
describe('the bundle', () => {
  let root: string;
  let launcher: string;

  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), 'gofer-bundle-'));
    await promisify(execFile)(process.execPath, [
      fileURLToPath(new URL('bundle.ts', import.meta.url)),
      '--strict',
      '--out',
      join(root, 'dist'),
    ]);
    await mkdir(join(root, 'cli/bin'), { recursive: true });
    launcher = join(root, 'cli/bin/gofer.mjs');
    await cp(LAUNCHER, launcher);
    await cp(join(PACKAGE, 'package.json'), join(root, 'package.json'));
    await symlink(join(PACKAGE, 'node_modules'), join(root, 'node_modules'));
  });
  afterAll(async () => await rm(root, { recursive: true, force: true }));

  it('lists every source by which it can be out of date', async () => {
    const sources = Object.keys(JSON.parse(await readFile(join(root, 'dist/sources.json'), 'utf8')) as object);
    expect(sources).toEqual(expect.arrayContaining(['cli/src/main.ts', 'sdk/src/index.ts', 'kernel/src/index.ts', 'package-lock.json']));
    expect(sources.filter((path) => path.startsWith('..') || path.includes('node_modules'))).toEqual([]);
  });

  it('starts without what only some commands need', async () => {
    const text = await readFile(join(root, 'dist/gofer.js'), 'utf8');
    const imported = [...text.matchAll(/^import [^"']*["']([^"']+)["']/gmu)].map(([, from]) => from);
    for (const lazy of ['ws', 'better-sqlite3', 'piscina', 'koa']) expect(imported).not.toContain(lazy);
  });

  it('runs programs with the SDK that it brings', async () => {
    await writeFile(
      join(root, 'pipeline.ts'),
      "import { newPipeline, newTask } from '@gofer/sdk';\nnewPipeline('simple', 'Simple').tasks(newTask('hello', 'busybox')).finish();\n",
    );
    // Where the SDK is installed that copy counts; this folder must not see it.
    const folder = await mkdtemp(join(tmpdir(), 'gofer-bundle-up-'));
    try {
      await cp(join(root, 'pipeline.ts'), join(folder, 'pipeline.ts'));
      const { code, stdout, stderr } = await launchToEnd(['up', folder, '--dry-run'], { launcher });
      expect(stderr).toBe('');
      expect(stdout).toContain('[simple]');
      expect(code).toBe(0);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });

  it('runs an extension that comes with the server, which loads nothing of the command', async () => {
    const entry = join(root, 'dist/gofer.js');
    const env = {
      GOFER_EXTENSION_SYSTEM_ID: 'hooks',
      GOFER_EXTENSION_SYSTEM_SECRET: 'k'.repeat(40),
      GOFER_EXTENSION_SYSTEM_GOFER_HOST: '127.0.0.1:1',
      GOFER_EXTENSION_SYSTEM_USE_TLS: 'false',
      GOFER_EXTENSION_SYSTEM_BIND_ADDRESS: '127.0.0.1:0',
      GOFER_EXTENSION_SYSTEM_LOG_LEVEL: 'error',
    };
    const child = spawn(process.execPath, [entry, 'extension', 'run-builtin', 'github'], { env, stdio: ['ignore', 'pipe', 'inherit'] });
    let said = '';
    child.stdout.on('data', (piece: Buffer) => (said += piece.toString()));
    const [code] = (await once(child, 'close')) as [number];
    // It has read its settings, and these are not among them.
    expect(said).toContain('APP_WEBHOOK_SECRET is missing');
    expect(code).toBe(1);
    expect(await readFile(entry, 'utf8')).not.toContain('clipanion');
  });

  it('serves, with its threads, and runs a pipeline to its end', async () => {
    const env = { XDG_STATE_HOME: join(root, 'state') };
    const server = launch(['service', 'start', '--bind-address', '127.0.0.1:0', '--scheduler', 'fake'], {
      launcher,
      workingDirectory: root,
      env,
    });
    const ended = untilEnd(server);
    try {
      const url = await addressIn(server.stdout);
      await writeFile(join(root, 'simple.json'), JSON.stringify(SIMPLE));
      const client = { launcher, workingDirectory: root, env: { ...env, GOFER_API_BASE_URL: url } };
      expect(await launchToEnd(['up', 'simple.json'], client)).toMatchObject({ code: 0 });
      const followed = await launchToEnd(['run', 'start', 'simple', '--follow'], client);
      expect(followed).toMatchObject({ code: 0, stdout: 'hello │ echo hello\n' });
      const page = await fetch(new URL('/docs/api_reference.html', url));
      expect(page.status).toBe(200);
    } finally {
      server.kill('SIGTERM');
    }
    expect(await ended).toMatchObject({ code: 0, stderr: '' });
  });
});

/** The address that a starting server prints. Rejects when its output ends before. */
async function addressIn(stdout: AsyncIterable<Buffer> & NodeJS.ReadableStream): Promise<string> {
  return await new Promise((resolve, reject) => {
    let seen = '';
    stdout.on('data', (chunk: Buffer) => {
      seen += chunk.toString('utf8');
      const [url] = /http:\/\/127\.0\.0\.1:\d+/u.exec(seen) ?? [];
      if (url !== undefined) resolve(url);
    });
    stdout.on('end', () => reject(new Error(`it ended without an address: ${seen}`)));
  });
}
