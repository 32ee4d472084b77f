import { createReadStream, readFileSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ObjectStage } from '../testing/object-stage.ts';
import type { RunOptions } from '../testing/run-in-process.ts';

const MEBIBYTE = 1_048_576;
const BINARY = Uint8Array.of(0x00, 0xff, 0x0a, 0x80);

let stage: ObjectStage;
beforeAll(async () => {
  stage = await ObjectStage.start();
});
beforeEach(async () => await stage.newPipeline());
afterAll(async () => await stage?.close());

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
    const put = await stage.ofPipeline('put', words, options);
    expect(put).toEqual({ code: 0, stdout: `✓ Successfully uploaded object '${key}'\n`, stderr: '' });
    expect((await stage.bytesOf(key)).equals(bytes)).toBe(true);
  });

  it('pass through as streams, however large', async () => {
    const bytes = await readFile(join(stage.directory, 'large'));
    expect(await stage.ofPipeline('put', ['stdin', '@'], { stdin: createReadStream(join(stage.directory, 'large')) })).toMatchObject({
      code: 0,
    });
    expect(await stage.ofPipeline('put', ['file', 'large'])).toMatchObject({ code: 0 });
    expect((await stage.bytesOf('stdin')).equals(bytes)).toBe(true);
    expect(await stage.ofPipeline('get', ['file', '--output', 'large.copy'])).toMatchObject({ code: 0 });
    expect((await readFile(join(stage.directory, 'large.copy'))).equals(bytes)).toBe(true);
  });

  it('are listed, oldest first, and deleted', async () => {
    await stage.ofPipeline('put', ['one=1']);
    await stage.ofPipeline('put', ['two', 'large']);
    await stage.ofPipeline('put', ['\u001b[31mred=3']);
    const { stdout } = await stage.ofPipeline('list');
    expect(stdout).toMatch(/^KEY +CREATED +SIZE\none +.*ago|just now +1 B\ntwo .* 10 MiB\nred .*1 B\n$/u);
    expect(stdout).not.toContain('\u001b');
    expect(JSON.parse((await stage.ofPipeline('list', ['--output-format', 'json'])).stdout)).toMatchObject([
      { key: 'one', size: 1 },
      { key: 'two', size: 10 * MEBIBYTE },
      { key: '\u001b[31mred', size: 1 },
    ]);
    expect(await stage.ofPipeline('delete', ['one'])).toMatchObject({ code: 0, stdout: "✓ Successfully removed object 'one'\n" });
    expect(await stage.ofPipeline('delete', ['one'])).toEqual({
      code: 3,
      stdout: '',
      stderr: `x pipeline '${stage.pipeline}' has no object 'one'\n`,
    });
    expect(await stage.ofPipeline('get', ['one'])).toMatchObject({ code: 3, stdout: '' });
  });

  it('are replaced only by force', async () => {
    await stage.ofPipeline('put', ['key=first']);
    const again = await stage.ofPipeline('put', ['key=second']);
    expect(again).toMatchObject({ code: 5, stdout: '' });
    // Refused at once: an input that never ends is not waited for.
    expect(await stage.ofPipeline('put', ['key', '@'], { stdin: new PassThrough() })).toMatchObject({ code: 5 });
    expect((await stage.bytesOf('key')).toString()).toBe('first');
    expect(await stage.ofPipeline('put', ['key=second', '--force'])).toMatchObject({ code: 0 });
    expect((await stage.bytesOf('key')).toString()).toBe('second');
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
    const outcome = await stage.gofer(['pipeline', 'object', ...words]);
    expect(outcome.stderr).toMatch(message);
    expect(outcome).toMatchObject({ code, stdout: '' });
  });

  it('that are too large are refused with the limit, and nothing of them is kept', async () => {
    await writeFile(join(stage.directory, 'too-large'), Buffer.alloc(12 * MEBIBYTE + 1));
    const sized = await stage.ofPipeline('put', ['key', 'too-large']);
    expect(sized).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining('max_object_size') as string });
    const endless = Readable.from(
      (function* () {
        for (;;) yield Buffer.alloc(MEBIBYTE);
      })(),
    );
    const unsized = await stage.ofPipeline('put', ['key', '@'], { stdin: endless });
    expect(unsized).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining('max_object_size') as string });
    expect(await stage.ofPipeline('get', ['key'])).toMatchObject({ code: 3 });
  });
});

describe('what is shown of an object', () => {
  it('is text with a newline at its end where that is asked for', async () => {
    await stage.ofPipeline('put', ['key=hello']);
    expect((await stage.ofPipeline('get', ['key'])).stdout).toBe('hello');
    expect((await stage.ofPipeline('get', ['key', '-s'])).stdout).toBe('hello\n');
    await stage.ofPipeline('put', ['key', 'hello.txt', '-f']);
    expect((await stage.ofPipeline('get', ['key', '-s'])).stdout).toBe('hello\n');
  });

  it('is text or base64 within JSON, and nothing in silence', async () => {
    await stage.ofPipeline('put', ['text=größer']);
    await stage.ofPipeline('put', ['binary', 'binary']);
    const json = async (key: string) => JSON.parse((await stage.ofPipeline('get', [key, '--output-format', 'json'])).stdout) as unknown;
    expect(await json('text')).toEqual({ key: 'text', size: 8, text: 'größer' });
    expect(await json('binary')).toEqual({ key: 'binary', size: 4, base64: 'AP8KgA==' });
    expect(await stage.ofPipeline('get', ['text', '--output-format', 'silent'])).toEqual({ code: 0, stdout: '', stderr: '' });
  });

  it('has no control sequences on a terminal, nor anything that is not text', async () => {
    await stage.ofPipeline('put', ['text', '@'], { stdin: 'a\u001b]0;title\u0007b\n\u001b[2Jc' });
    await stage.ofPipeline('put', ['binary', 'binary']);
    await stage.ofPipeline('put', ['zero', '@'], { stdin: 'a\0b' });
    expect(await stage.ofPipeline('get', ['text'], { terminals: ['stdout'] })).toEqual({ code: 0, stdout: 'ab\nc\n', stderr: '' });
    for (const key of ['binary', 'zero']) {
      const refused = await stage.ofPipeline('get', [key], { terminals: ['stdout'] });
      expect(refused).toMatchObject({ code: 2, stdout: '', stderr: expect.stringMatching(/is not text .*--output FILE/u) as string });
    }
  });

  it('is bounded where it has to be held in memory', async () => {
    await stage.ofPipeline('put', ['key', '@'], { stdin: 'x'.repeat(MEBIBYTE + 1) });
    await stage.ofPipeline('put', ['binary', 'binary']);
    for (const [words, options] of [
      [['-s'], {}],
      [['--output-format', 'json'], {}],
      [[], { terminals: ['stdout'] }],
    ] as [string[], RunOptions][]) {
      const { code, stdout, stderr } = await stage.ofPipeline('get', ['key', ...words], options);
      expect(stderr).toMatch(/too large.*--output FILE/u);
      expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    }
    expect(await stage.ofPipeline('get', ['binary', '-s'])).toMatchObject({ code: 2, stdout: '' });
  });
});
