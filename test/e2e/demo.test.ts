/** The first command that a newcomer runs, as it is run: it shows what it promises and leaves nothing. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { busyboxArchive, importImage } from '../backends/busybox-image.ts';
import { describeDocker } from '../backends/docker-engine.ts';
import { processesUsing, until } from './leftovers.ts';

const DEMO = join(import.meta.dirname, '../../examples/demo/start.mjs');
const IMAGE = 'busybox:latest';
const LINES = ['fetch │ fetched 42 files', 'build │ building for release', 'test │ test 3: ok', 'publish │ publishing run 1 of diamond'];

/** In a temporary directory of its own, which it must leave as empty as it was. */
async function demo(env: Readonly<Record<string, string>>): Promise<string> {
  const directory = mkdtempSync(join(tmpdir(), 'gofer-e2e-demo-'));
  try {
    const child = spawn(process.execPath, [DEMO], {
      cwd: directory,
      env: { PATH: process.env['PATH'], HOME: directory, TMPDIR: directory, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
    const [code] = (await once(child, 'close')) as [number | null];
    expect({ code, output }).toMatchObject({ code: 0 });
    const shown = output.replace(/ +│/g, ' │');
    for (const line of LINES) expect(shown).toContain(line);
    expect(shown).toContain('successful');
    await until('the end of what it started', async () => (await processesUsing(directory)).length === 0);
    expect(readdirSync(directory)).toEqual([]);
    return output;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

describe('the demo without Docker', () => {
  it('runs its pipeline as processes, saying so, and leaves nothing', async () => {
    expect(await demo({ DOCKER_HOST: 'unix:///nonexistent/docker.sock' })).toContain('plain processes');
  });
});

await describeDocker('the demo with Docker', (docker) => {
  it('runs its pipeline in containers and leaves nothing', async () => {
    const isThere = await docker.call('GET', `/images/${IMAGE}/json`).then(
      () => true,
      () => false,
    );
    if (!isThere) await importImage(docker, IMAGE, await busyboxArchive());
    try {
      const before = (await docker.call('GET', '/volumes')) as { Volumes: unknown[] };
      expect(await demo({ DOCKER_HOST: `unix://${docker.socketPath}` })).toContain('the tasks are containers');
      expect(((await docker.call('GET', '/volumes')) as { Volumes: unknown[] }).Volumes).toEqual(before.Volumes);
      const listed = (await docker.call('GET', '/containers/json?all=1')) as readonly { Image: string; Labels: Record<string, string> }[];
      expect(listed.filter(({ Image, Labels }) => Image === IMAGE && 'dev.gofer.attempt' in Labels)).toEqual([]);
    } finally {
      if (!isThere) await docker.call('DELETE', `/images/${IMAGE}`);
    }
  });
});
