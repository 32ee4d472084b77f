import { createReadStream } from 'node:fs';
import { mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startBreakableProxy } from '../testing/breakable-proxy.ts';
import { ObjectStage } from '../testing/object-stage.ts';
import type { RunOptions } from '../testing/run-in-process.ts';

const MEBIBYTE = 1_048_576;

let stage: ObjectStage;
beforeAll(async () => {
  stage = await ObjectStage.start();
});
beforeEach(async () => await stage.newPipeline());
afterAll(async () => await stage?.close());

describe('an object in a file', () => {
  it('is whole, and replaces another only by force', async () => {
    await stage.ofPipeline('put', ['key=hello']);
    const path = join(stage.directory, 'target');
    const get = (...flags: string[]) => stage.ofPipeline('get', ['key', '-o', 'target', ...flags]);
    expect(await get()).toEqual({ code: 0, stdout: `✓ Wrote object 'key' to ${path}\n`, stderr: '' });
    expect(await readFile(path, 'utf8')).toBe('hello');
    await writeFile(path, 'mine');
    expect(await get()).toMatchObject({ code: 5, stderr: expect.stringContaining('--force') as string });
    expect(await readFile(path, 'utf8')).toBe('mine');
    const forced = await get('--force', '--output-format', 'json');
    expect(JSON.parse(forced.stdout)).toEqual({ key: 'key', path, size: 5 });
    expect(await readFile(path, 'utf8')).toBe('hello');
  });

  it('is written through a link and into a device, and refused where there is no place for it', async () => {
    await stage.ofPipeline('put', ['key=hello']);
    await writeFile(join(stage.directory, 'linked'), 'mine');
    await symlink('linked', join(stage.directory, 'link'));
    expect(await stage.ofPipeline('get', ['key', '-o', 'link', '-f'])).toMatchObject({ code: 0 });
    expect(await readFile(join(stage.directory, 'linked'), 'utf8')).toBe('hello');
    expect(await stage.ofPipeline('get', ['key', '-o', '/dev/null', '-f'])).toMatchObject({ code: 0 });
    expect(await readFile('/dev/null', 'utf8')).toBe('');
    expect(await stage.ofPipeline('get', ['key', '-o', '.'])).toMatchObject({ code: 2 });
    expect(await stage.ofPipeline('get', ['key', '-o', 'no/such/folder'])).toMatchObject({ code: 3 });
  });

  it.each(['is cut', 'is stopped'])('is not there where the download %s', async (how) => {
    await stage.ofPipeline('put', ['key', 'large']);
    const folder = join(stage.directory, `folder-${stage.pipeline}`);
    await mkdir(folder);
    let stop = () => undefined as void;
    const proxy = await startBreakableProxy(stage.port, (_, received) => {
      if (received > MEBIBYTE) stop();
    });
    try {
      if (how === 'is cut') stop = () => proxy.breakAll();
      const { code, stderr } = await stage.gofer(['pipeline', 'object', 'get', stage.pipeline, 'key', '-o', join(folder, 'target')], {
        env: { GOFER_API_BASE_URL: `http://127.0.0.1:${proxy.port}` },
        onStart: (signal) => {
          if (how === 'is stopped') stop = () => signal('SIGINT');
        },
      });
      expect(stderr).toMatch(how === 'is cut' ? /was lost after \d+ of 10485760 bytes/u : /stopped/u);
      expect(code).toBe(how === 'is cut' ? 6 : 130);
      expect(await readdir(folder)).toEqual([]);
    } finally {
      await proxy.close();
    }
  });
});

it('an upload that is cut leaves what was there, and says what happened', async () => {
  await stage.ofPipeline('put', ['key=first']);
  let cut = () => undefined as void;
  const proxy = await startBreakableProxy(stage.port, (sent) => {
    if (sent > MEBIBYTE) cut();
  });
  cut = () => proxy.breakAll();
  try {
    const { code, stderr } = await stage.ofPipeline('put', ['key', 'large', '--force'], {
      env: { GOFER_API_BASE_URL: `http://127.0.0.1:${proxy.port}` },
    });
    expect(stderr).toMatch(/was lost after \d+ bytes had been sent/u);
    expect(code).toBe(6);
  } finally {
    await proxy.close();
  }
  expect((await stage.bytesOf('key')).toString()).toBe('first');
});

describe('a long transfer', () => {
  /** Every look at the clock is three seconds after the last. */
  function slowClock(): () => number {
    let time = Date.now();
    return () => (time += 3_000);
  }
  const WIPE = '\r\u001b[K';
  const BAR = /[█░]{20} +\d+ %  [\d.]+ [KM]iB of 10 MiB  .*\/s/u;

  it('has a bar where somebody looks at it, and leaves nothing of it behind', async () => {
    const put = await stage.ofPipeline('put', ['key', 'large'], { terminals: ['stderr'], now: slowClock() });
    expect(put.stderr).toMatch(BAR);
    expect(put.stderr.endsWith(WIPE)).toBe(true);
    const get = await stage.ofPipeline('get', ['key', '-o', 'bar.copy'], { terminals: ['stderr'], now: slowClock() });
    expect(get.stderr).toMatch(BAR);
    expect(get.stderr.endsWith(WIPE)).toBe(true);
    const piped = await stage.ofPipeline('put', ['piped', '@'], {
      terminals: ['stderr'],
      now: slowClock(),
      stdin: createReadStream(join(stage.directory, 'large')),
    });
    expect(piped.stderr).toMatch(/K[\d.]+ [KM]iB  .*\/s/u);
  });

  it.each<[string, string[], RunOptions]>([
    ['no terminal', [], {}],
    ['JSON', ['--output-format', 'json'], { terminals: ['stderr'] }],
    ['silence', ['--output-format', 'silent'], { terminals: ['stderr'] }],
  ])('has none with %s', async (_, flags, options) => {
    const { code, stderr } = await stage.ofPipeline('put', ['key', 'large', ...flags], { ...options, now: slowClock() });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  });
});
