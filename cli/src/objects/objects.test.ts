import { randomBytes } from 'node:crypto';
import { createReadStream, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { GoferClient } from '../api/gofer-client.ts';
import { startBreakableProxy } from '../testing/breakable-proxy.ts';
import { type Outcome, type RunOptions, runInProcess } from '../testing/run-in-process.ts';
import { SIMPLE } from '../testing/sample-pipeline.ts';
import { startTestServer, type TestServer } from '../testing/test-server.ts';

const MEBIBYTE = 1_048_576;
const BINARY = Uint8Array.of(0x00, 0xff, 0x0a, 0x80);

let server: TestServer;
let client: GoferClient;
let directory: string;

beforeAll(async () => {
  server = await startTestServer('fake', { 'object_store.run_object_expiry': '2', 'object_store.max_object_size': String(12 * MEBIBYTE) });
  client = new GoferClient({ baseUrl: new URL(server.url), token: '', insecureSkipTlsVerify: false });
  directory = await mkdtemp(join(tmpdir(), 'gofer-cli-objects-'));
  await writeFile(join(directory, 'hello.txt'), 'hello\n');
  await writeFile(join(directory, 'binary'), BINARY);
  await writeFile(join(directory, 'empty'), '');
});
afterAll(async () => {
  await server?.close();
  await rm(directory, { recursive: true, force: true });
});

let number = 0;
let pipeline: string;
/** A fresh pipeline for each test. */
beforeEach(async () => {
  number += 1;
  pipeline = `objects-${number}`;
  const path = { namespace_id: 'default', pipeline_id: pipeline };
  await client.call('register_config', { path, body: { config: { ...SIMPLE, id: pipeline } } });
  await client.call('deploy_config', { path: { ...path, version: 1 } });
});
const startRun = async () =>
  await client.call('start_run', {
    path: { namespace_id: 'default', pipeline_id: pipeline },
    body: { variables: {} },
    query: { wait: 30 },
  });

const gofer = (argv: readonly string[], options: RunOptions = {}): Promise<Outcome> =>
  runInProcess(argv, { workingDirectory: directory, ...options, env: { GOFER_API_BASE_URL: server.url, ...options.env } });
const pipelineObject = (verb: string, words: readonly string[], options?: RunOptions) =>
  gofer(['pipeline', 'object', verb, pipeline, ...words], options);
const runObject = (verb: string, words: readonly string[], options?: RunOptions) =>
  gofer(['run', 'object', verb, pipeline, ...words], options);

/** The bytes on stdout of a command that must succeed. */
async function bytesOf(argv: readonly string[]): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  const outcome = await gofer(argv, { onBytes: (chunk) => chunks.push(Buffer.from(chunk)) });
  expect(outcome).toMatchObject({ code: 0 });
  return Buffer.concat(chunks);
}
const getBytes = (key: string) => bytesOf(['pipeline', 'object', 'get', pipeline, '--', key]);

describe('objects of a pipeline', () => {
  it.each<[string, string[], RunOptions, string, Uint8Array]>([
    ['a value', ['key=größer = ✓'], {}, 'key', Buffer.from('größer = ✓')],
    ['an empty value', ['key='], {}, 'key', Buffer.alloc(0)],
    ['a file', ['a/b c', './hello.txt'], {}, 'a/b c', Buffer.from('hello\n')],
    ['a binary file', ['key', 'binary'], {}, 'key', BINARY],
    ['an empty file', ['key', 'empty'], {}, 'key', Buffer.alloc(0)],
    ['standard input', ['key', '@'], { stdin: BINARY }, 'key', BINARY],
    ['empty standard input', ['key', '@'], {}, 'key', Buffer.alloc(0)],
    ['a strange key', ['%2e%2e/✓?#&=', 'hello.txt'], {}, '%2e%2e/✓?#&=', Buffer.from('hello\n')],
    ['the longest key', ['ü'.repeat(512), 'hello.txt'], {}, 'ü'.repeat(512), Buffer.from('hello\n')],
    ['a key like a flag', ['--', '-x', 'hello.txt'], {}, '-x', Buffer.from('hello\n')],
    ['a file of unknown size', ['key', '/proc/self/comm'], {}, 'key', readFileSync('/proc/self/comm')],
  ])('have every byte of %s', async (_, words, options, key, bytes) => {
    const put = await pipelineObject('put', words, options);
    expect(put).toEqual({ code: 0, stdout: `✓ Successfully uploaded object '${key}'\n`, stderr: '' });
    expect((await getBytes(key)).equals(bytes)).toBe(true);
  });

  it('pass through as streams, however large', async () => {
    const bytes = randomBytes(10 * MEBIBYTE);
    await writeFile(join(directory, 'large'), bytes);
    expect(await pipelineObject('put', ['stdin', '@'], { stdin: createReadStream(join(directory, 'large')) })).toMatchObject({ code: 0 });
    expect(await pipelineObject('put', ['file', 'large'])).toMatchObject({ code: 0 });
    expect((await getBytes('stdin')).equals(bytes)).toBe(true);
    expect(await pipelineObject('get', ['file', '--output', 'large.copy'])).toMatchObject({ code: 0 });
    expect((await readFile(join(directory, 'large.copy'))).equals(bytes)).toBe(true);
  });

  it('are listed, oldest first, and deleted', async () => {
    await pipelineObject('put', ['one=1']);
    await pipelineObject('put', ['two', 'large']);
    await pipelineObject('put', ['\u001b[31mred=3']);
    const { stdout } = await pipelineObject('list', []);
    expect(stdout).toMatch(/^KEY +CREATED +SIZE\none +.*ago|just now +1 B\ntwo .* 10 MiB\nred .*1 B\n$/u);
    expect(stdout).not.toContain('\u001b');
    expect(JSON.parse((await pipelineObject('list', ['--output-format', 'json'])).stdout)).toMatchObject([
      { key: 'one', size: 1 },
      { key: 'two', size: 10 * MEBIBYTE },
      { key: '\u001b[31mred', size: 1 },
    ]);
    expect(await pipelineObject('delete', ['one'])).toMatchObject({ code: 0, stdout: "✓ Successfully removed object 'one'\n" });
    expect(await pipelineObject('delete', ['one'])).toMatchObject({ code: 0 });
    expect(await pipelineObject('get', ['one'])).toMatchObject({ code: 3, stdout: '' });
  });

  it('are replaced only by force', async () => {
    await pipelineObject('put', ['key=first']);
    const again = await pipelineObject('put', ['key=second']);
    expect(again).toMatchObject({ code: 5, stdout: '' });
    // Refused at once: an input that never ends is not waited for.
    expect(await pipelineObject('put', ['key', '@'], { stdin: new PassThrough() })).toMatchObject({ code: 5 });
    expect((await getBytes('key')).toString()).toBe('first');
    expect(await pipelineObject('put', ['key=second', '--force'])).toMatchObject({ code: 0 });
    expect((await getBytes('key')).toString()).toBe('second');
  });

  it.each<[string, string[], RegExp, number]>([
    ['a pipeline that is not there', ['get', 'nowhere', 'key'], /nowhere/u, 3],
    ['a pipeline that is not there', ['put', 'nowhere', 'key=1'], /nowhere/u, 3],
    ['a key that is too long', ['get', 'simple', 'x'.repeat(1_025)], /1 to 1,024 bytes .* one of 1025 bytes/u, 2],
    ['a key that climbs', ['delete', 'simple', '..'], /neither \. nor \.\., not "\.\."/u, 2],
    ['an empty key', ['delete', 'simple', ''], /not ""/u, 2],
    ['no value', ['put', 'simple', 'key'], /"key" has no value/u, 2],
    ['a file that is not there', ['put', 'simple', 'key', 'missing'], /there is no file .*missing/u, 3],
    ['a folder', ['put', 'simple', 'key', '.'], /is a folder/u, 2],
  ])('name %s: %j', async (_, words, message, code) => {
    const outcome = await gofer(['pipeline', 'object', ...words]);
    expect(outcome.stderr).toMatch(message);
    expect(outcome).toMatchObject({ code, stdout: '' });
  });

  it('that are too large are refused with the limit, and nothing of them is kept', async () => {
    await writeFile(join(directory, 'too-large'), Buffer.alloc(12 * MEBIBYTE + 1));
    const sized = await pipelineObject('put', ['key', 'too-large']);
    expect(sized).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining('max_object_size') as string });
    const endless = Readable.from(
      (function* () {
        for (;;) yield Buffer.alloc(MEBIBYTE);
      })(),
    );
    const unsized = await pipelineObject('put', ['key', '@'], { stdin: endless });
    expect(unsized).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining('max_object_size') as string });
    expect(await pipelineObject('get', ['key'])).toMatchObject({ code: 3 });
  });
});

describe('what is shown of an object', () => {
  it('is text with a newline at its end where that is asked for', async () => {
    await pipelineObject('put', ['key=hello']);
    expect((await pipelineObject('get', ['key'])).stdout).toBe('hello');
    expect((await pipelineObject('get', ['key', '-s'])).stdout).toBe('hello\n');
    await pipelineObject('put', ['key', 'hello.txt', '-f']);
    expect((await pipelineObject('get', ['key', '-s'])).stdout).toBe('hello\n');
  });

  it('is text or base64 within JSON, and nothing in silence', async () => {
    await pipelineObject('put', ['text=größer']);
    await pipelineObject('put', ['binary', 'binary']);
    const json = async (key: string) => JSON.parse((await pipelineObject('get', [key, '--output-format', 'json'])).stdout) as unknown;
    expect(await json('text')).toEqual({ key: 'text', size: 8, text: 'größer' });
    expect(await json('binary')).toEqual({ key: 'binary', size: 4, base64: 'AP8KgA==' });
    expect(await pipelineObject('get', ['text', '--output-format', 'silent'])).toEqual({ code: 0, stdout: '', stderr: '' });
  });

  it('has no control sequences on a terminal, nor anything that is not text', async () => {
    await pipelineObject('put', ['text', '@'], { stdin: 'a\u001b]0;title\u0007b\n\u001b[2Jc' });
    await pipelineObject('put', ['binary', 'binary']);
    await pipelineObject('put', ['zero', '@'], { stdin: 'a\0b' });
    expect(await pipelineObject('get', ['text'], { terminals: ['stdout'] })).toEqual({ code: 0, stdout: 'ab\nc\n', stderr: '' });
    for (const key of ['binary', 'zero']) {
      const refused = await pipelineObject('get', [key], { terminals: ['stdout'] });
      expect(refused).toMatchObject({ code: 2, stdout: '', stderr: expect.stringMatching(/is not text .*--output FILE/u) as string });
    }
  });

  it('is bounded where it has to be held in memory', async () => {
    await pipelineObject('put', ['key', '@'], { stdin: 'x'.repeat(MEBIBYTE + 1) });
    await pipelineObject('put', ['binary', 'binary']);
    for (const [words, options] of [
      [['-s'], {}],
      [['--output-format', 'json'], {}],
      [[], { terminals: ['stdout'] }],
    ] as [string[], RunOptions][]) {
      const { code, stdout, stderr } = await pipelineObject('get', ['key', ...words], options);
      expect(stderr).toMatch(/too large.*--output FILE/u);
      expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    }
    expect(await pipelineObject('get', ['binary', '-s'])).toMatchObject({ code: 2, stdout: '' });
  });
});

describe('an object in a file', () => {
  it('is whole, and replaces another only by force', async () => {
    await pipelineObject('put', ['key=hello']);
    const path = join(directory, 'target');
    const get = (...flags: string[]) => pipelineObject('get', ['key', '-o', 'target', ...flags]);
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
    await pipelineObject('put', ['key=hello']);
    await writeFile(join(directory, 'linked'), 'mine');
    await symlink('linked', join(directory, 'link'));
    expect(await pipelineObject('get', ['key', '-o', 'link', '-f'])).toMatchObject({ code: 0 });
    expect(await readFile(join(directory, 'linked'), 'utf8')).toBe('hello');
    expect(await pipelineObject('get', ['key', '-o', '/dev/null', '-f'])).toMatchObject({ code: 0 });
    expect(await readFile('/dev/null', 'utf8')).toBe('');
    expect(await pipelineObject('get', ['key', '-o', '.'])).toMatchObject({ code: 2 });
    expect(await pipelineObject('get', ['key', '-o', 'no/such/folder'])).toMatchObject({ code: 3 });
  });

  it.each(['is cut', 'is stopped'])('is not there where the download %s', async (how) => {
    await writeFile(join(directory, 'ten'), randomBytes(10 * MEBIBYTE));
    await pipelineObject('put', ['key', 'ten']);
    const folder = join(directory, `folder-${number}`);
    await mkdir(folder);
    let stop = () => undefined as void;
    const proxy = await startBreakableProxy(new URL(server.url).port, (_, received) => {
      if (received > MEBIBYTE) stop();
    });
    try {
      if (how === 'is cut') stop = proxy.breakAll;
      const { code, stderr } = await gofer(['pipeline', 'object', 'get', pipeline, 'key', '-o', join(folder, 'target')], {
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
  await pipelineObject('put', ['key=first']);
  await writeFile(join(directory, 'ten'), randomBytes(10 * MEBIBYTE));
  let cut = () => undefined as void;
  const proxy = await startBreakableProxy(new URL(server.url).port, (sent) => {
    if (sent > MEBIBYTE) cut();
  });
  cut = proxy.breakAll;
  try {
    const { code, stderr } = await pipelineObject('put', ['key', 'ten', '--force'], {
      env: { GOFER_API_BASE_URL: `http://127.0.0.1:${proxy.port}` },
    });
    expect(stderr).toMatch(/was lost after \d+ bytes had been sent/u);
    expect(code).toBe(6);
  } finally {
    await proxy.close();
  }
  expect((await getBytes('key')).toString()).toBe('first');
});

describe('objects of a run', () => {
  it('are those of the run that is named', async () => {
    await startRun();
    await startRun();
    expect(await runObject('put', ['1', 'key=one'])).toEqual({ code: 0, stdout: "✓ Successfully uploaded object 'key'\n", stderr: '' });
    await runObject('put', ['2', '3', 'hello.txt']);
    expect((await runObject('get', ['1', 'key'])).stdout).toBe('one');
    expect((await runObject('get', ['2', '3'])).stdout).toBe('hello\n');
    expect((await runObject('list', ['1'])).stdout).toMatch(/^key /mu);
    expect(await runObject('delete', ['1', 'key'])).toMatchObject({ code: 0, stdout: "✓ Successfully removed object 'key'\n" });
    expect(await runObject('get', ['1', 'key'])).toMatchObject({ code: 3 });
    expect(await runObject('put', ['99', 'key=1'])).toMatchObject({ code: 3 });
  });

  it('are those of the newest run where none is named, which is said', async () => {
    expect((await runObject('put', ['key=1'])).stderr).toMatch(/has no runs yet.*gofer run start/u);
    await startRun();
    await startRun();
    expect((await runObject('put', ['key=two'])).stdout).toBe("✓ Successfully uploaded object 'key' of run #2 (the newest one)\n");
    expect(await runObject('get', ['key'])).toEqual({ code: 0, stdout: 'two', stderr: 'Object of run #2 (the newest one):\n' });
    expect((await runObject('list', [])).stderr).toBe('Objects of run #2 (the newest one):\n');
    expect(JSON.parse((await runObject('put', ['other=1', '--output-format', 'json'])).stdout)).toMatchObject({ run_id: 2, key: 'other' });
    expect((await runObject('delete', ['key'])).stdout).toBe("✓ Successfully removed object 'key' of run #2 (the newest one)\n");
  });

  it('are those of the run that a task is in, as long as that is one of the same pipeline', async () => {
    await startRun();
    await startRun();
    const within = { GOFER_RUN_ID: '1', GOFER_PIPELINE_ID: pipeline, GOFER_NAMESPACE_ID: 'default' };
    expect((await runObject('put', ['key=1'], { env: within })).stdout).toContain('of run #1 (GOFER_RUN_ID)');
    const elsewhere = { ...within, GOFER_PIPELINE_ID: 'other' };
    expect((await runObject('put', ['key=1'], { env: elsewhere })).stdout).toContain('of run #2 (the newest one)');
    expect(await runObject('put', ['key=1'], { env: { GOFER_RUN_ID: 'x' } })).toMatchObject({ code: 2 });
  });

  it('are not guessed at', async () => {
    for (const [verb, ...words] of [
      ['get', '7'],
      ['delete', '7'],
      ['put', '7', 'hello.txt'],
      ['put', '7'],
    ] as [string, ...string[]][]) {
      const { code, stderr } = await runObject(verb, words);
      expect(stderr).toContain(`gofer run object ${verb} ${pipeline} 7 `);
      expect(code).toBe(2);
    }
    expect(await runObject('get', ['one', 'key'])).toMatchObject({ code: 2 });
  });

  it("that have expired say so, with the server's words", async () => {
    await startRun();
    await runObject('put', ['1', 'key=1']);
    for (let count = 0; count < 3; count += 1) await startRun();
    const path = { namespace_id: 'default', pipeline_id: pipeline, run_id: 1 };
    await expect.poll(async () => (await client.call('get_run', { path })).run.store_objects_expired, { timeout: 30_000 }).toBe(true);
    for (const words of [
      ['get', '1', 'key'],
      ['list', '1'],
      ['put', '1', 'other=1'],
    ] as [string, ...string[]][]) {
      const [verb, ...rest] = words;
      const { code, stderr } = await runObject(verb, rest);
      expect(stderr).toMatch(/^x .*run 1 .*expired .*object_store\.run_object_expiry/u);
      expect(code).toBe(3);
    }
  });

  it('go with their run', async () => {
    await startRun();
    await runObject('put', ['1', 'key=1']);
    const path = { namespace_id: 'default', pipeline_id: pipeline };
    expect(await gofer(['run', 'delete', pipeline, '1'])).toEqual({
      code: 0,
      stdout: `✓ Deleted run #1 of ${pipeline}, with its logs and objects\n`,
      stderr: '',
    });
    expect(await runObject('get', ['1', 'key'])).toMatchObject({ code: 3 });
    expect(await gofer(['run', 'get', pipeline, '1'])).toMatchObject({ code: 3 });
    expect((await client.call('list_runs', { path })).runs).toEqual([]);
    expect(await gofer(['run', 'delete', pipeline, '1'])).toMatchObject({ code: 3 });
  });
});
