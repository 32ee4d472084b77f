import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { SYSTEM_CLOCK } from '../clock/clock.ts';
import { quiet, VirtualClock } from '../clock/virtual-clock.ts';
import type { BuiltInExtensions } from './built-in-extensions.ts';
import { BuiltInHost } from './built-in-host.ts';
import { ChildOutput } from './child-output.ts';
import { type ExtensionStart, NOWHERE, type RunningExtension } from './extension-host.ts';

const CHILD = fileURLToPath(new URL('built-in-child.fixture.ts', import.meta.url));
const NEVER = new AbortController().signal;

const children = (behaviour: string): BuiltInExtensions => ({
  names: ['one', 'two'],
  command: (name) => (name === 'one' ? { file: process.execPath, args: [CHILD, behaviour], env: { TZ: 'UTC' } } : undefined),
});
const start = (changes: Partial<ExtensionStart> = {}): ExtensionStart => ({
  uid: 'start-1',
  extensionId: 'mine',
  extensionUid: 'extension-1',
  image: 'builtin:one',
  env: { GOFER_EXTENSION_SYSTEM_SECRET: 'a secret', GOFER_EXTENSION_SYSTEM_BIND_ADDRESS: '0.0.0.0:1' },
  ...changes,
});

let running: RunningExtension[] = [];

async function run(behaviour: string, { clock = SYSTEM_CLOCK }: { clock?: typeof SYSTEM_CLOCK } = {}): Promise<RunningExtension> {
  const host = new BuiltInHost({ extensions: children(behaviour), clock });
  const extension = await host.start(start(), () => {}, NEVER);
  running.push(extension);
  return extension;
}

async function output(extension: RunningExtension): Promise<{ stdout: string; stderr: string }> {
  const text = { stdout: '', stderr: '' };
  for await (const { stream, bytes } of extension.logs(undefined, NEVER)) text[stream] += Buffer.from(bytes).toString();
  return text;
}

afterEach(async () => {
  await Promise.all(running.map((extension) => extension.stop(0)));
  running = [];
});

describe('extensions as child processes', () => {
  it('start with their own environment, say where they listen, and end when they are asked to', async () => {
    const extension = await run('runs');
    expect(extension).toMatchObject({ url: 'http://127.0.0.1:4321', handle: undefined });
    let stdout = '';
    for await (const { stream, bytes } of extension.logs(undefined, NEVER)) {
      if (stream === 'stdout') stdout += Buffer.from(bytes).toString();
      // Its last word: what comes after is the end that it is asked for.
      else expect(Buffer.from(bytes).toString()).toBe('a warning\n');
      if (stream === 'stderr') await extension.stop(60_000);
    }
    expect(await extension.ended).toEqual({ exitCode: 143, reason: 'it was ended by SIGTERM' });
    // Nothing of this process is among it, and what the host alone knows comes last.
    expect(JSON.parse(stdout)).toEqual({
      TZ: 'UTC',
      GOFER_EXTENSION_SYSTEM_SECRET: 'a secret',
      GOFER_EXTENSION_SYSTEM_BIND_ADDRESS: '127.0.0.1:0',
      GOFER_EXTENSION_SYSTEM_ANNOUNCE_FD: '3',
      GOFER_EXTENSION_SYSTEM_PARENT_PIPE: 'stdin',
    });
  });

  it('are ended by force where they do not end by themselves', async () => {
    const clock = new VirtualClock(0);
    const extension = await run('ignores SIGTERM', { clock });
    const stopped = extension.stop(5000);
    while (clock.advance());
    await stopped;
    expect(await extension.ended).toEqual({ exitCode: 137, reason: 'it was ended by SIGKILL' });
  });

  it('can be read though they ended before they said where they listen', async () => {
    const extension = await run('fails');
    expect(extension.url).toBe(NOWHERE);
    expect(await extension.ended).toEqual({ exitCode: 7, reason: 'it ended with exit code 7' });
    expect(await output(extension)).toEqual({ stdout: '', stderr: 'it has no key\n' });
  });

  it.each([
    ['says nonsense', /"hello" is not a line of JSON/],
    ['names another machine', /names no address of this machine/],
    ['never ends its line', /is not a line of JSON/],
  ])('are ended where one %s', async (behaviour, message) => {
    await expect(run(behaviour)).rejects.toMatchObject({ code: 'UNAVAILABLE', message: expect.stringMatching(message) });
  });

  it('are ended where they do not say where they listen in time, or the start is given up', async () => {
    const clock = new VirtualClock(0);
    const host = new BuiltInHost({ extensions: children('silent'), clock, startTimeoutMs: 30_000 });
    const late = host.start(start(), () => {}, NEVER);
    while (clock.waiting === 0) await new Promise((resolve) => setImmediate(resolve));
    clock.advance();
    await expect(late).rejects.toMatchObject({ code: 'UNAVAILABLE', message: expect.stringContaining('within 30 s') });
    const abort = new AbortController();
    const given = host.start(start(), () => abort.abort(), abort.signal);
    await expect(given).rejects.toMatchObject({ code: 'CANCELLED' });
  });

  it('wait while nobody reads what they write, and lose nothing of it', async () => {
    const extension = await run('floods');
    let seen = 0;
    let cursor: string | undefined;
    // A reader that gives up and comes back gets the chunk again that it has not asked behind.
    for await (const chunk of extension.logs(undefined, NEVER)) {
      if (seen > 200_000) break;
      seen += chunk.bytes.byteLength;
      ({ cursor } = chunk);
    }
    let text = '';
    for await (const { stream, bytes } of extension.logs(cursor, NEVER)) if (stream === 'stdout') text += Buffer.from(bytes).toString();
    expect(seen + text.length).toBe(64 * 65_536);
    expect(await extension.ended).toMatchObject({ exitCode: 0 });
  });

  it('are not read further than may be held while nobody asks', async () => {
    let written = 0;
    const endless = new Readable({
      read(size) {
        written += size;
        this.push(Buffer.alloc(size));
      },
    });
    const held = new ChildOutput({ stdout: endless, stderr: Readable.from([]) }, () => 0);
    await quiet();
    expect(written).toBeLessThan(512 * 1024);
    let read = 0;
    for await (const { bytes } of held.read(undefined, NEVER)) {
      read += bytes.byteLength;
      if (read > 4 * 1024 * 1024) break;
    }
    held.close();
    expect(written - read).toBeLessThan(512 * 1024);
  });

  it('stop being read when the reader gives up', async () => {
    const extension = await run('ignores SIGTERM');
    const abort = new AbortController();
    const next = extension.logs(undefined, abort.signal)[Symbol.asyncIterator]().next();
    abort.abort();
    await expect(next).rejects.toMatchObject({ code: 'CANCELLED' });
  });

  it('are told that the server goes by the end of their input', async () => {
    const extension = await run('ignores SIGTERM');
    extension.leave();
    expect(await extension.ended).toEqual({ exitCode: 0, reason: 'it ended with exit code 0' });
  });

  it('end with a server that is killed', async () => {
    const server = spawn(process.execPath, [fileURLToPath(new URL('built-in-parent.fixture.ts', import.meta.url)), CHILD], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    // The child holds this pipe too: it ends when both are gone.
    const ended = once(server.stdout, 'close');
    await once(server.stdout, 'data');
    server.kill('SIGKILL');
    await ended;
    expect(server.signalCode).toBe('SIGKILL');
  });

  it('are refused by name, with what there is, and with settings that would change the program', async () => {
    const host = new BuiltInHost({ extensions: children('runs'), clock: SYSTEM_CLOCK });
    const refused = async (changes: Partial<ExtensionStart>): Promise<unknown> =>
      await host.start(start(changes), () => {}, NEVER).catch((error: unknown) => error);
    for (const image of ['builtin:three', 'builtin:two', 'builtin:', 'builtin:constructor', 'one'])
      expect(await refused({ image })).toMatchObject({
        code: 'INVALID_ARGUMENT',
        message: expect.stringContaining('builtin:one, builtin:two'),
      });
    for (const name of ['NODE_OPTIONS', 'LD_PRELOAD', 'OPENSSL_CONF'])
      expect(await refused({ env: { [name]: 'x' } })).toMatchObject({ code: 'INVALID_ARGUMENT', message: expect.stringContaining(name) });
  });

  it('say what cannot be started, and no value of their environment', async () => {
    const missing = { names: ['one'], command: () => ({ file: '/nowhere/node', args: [] }) };
    const host = new BuiltInHost({ extensions: missing, clock: SYSTEM_CLOCK });
    await expect(host.start(start(), () => {}, NEVER)).rejects.toMatchObject({
      code: 'UNAVAILABLE',
      message: expect.stringContaining('/nowhere/node (ENOENT)'),
    });
    const odd = new BuiltInHost({ extensions: children('runs'), clock: SYSTEM_CLOCK });
    const error: unknown = await odd.start(start({ env: { KEY: 'hidden\0value' } }), () => {}, NEVER).catch((caught: unknown) => caught);
    expect(error).toMatchObject({ code: 'UNAVAILABLE' });
    expect(String(error)).not.toContain('hidden');
  });
});
