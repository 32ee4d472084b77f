import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LAUNCHER } from '../testing/launch.ts';
import { betweenSettings, onTerminal, settingsOf } from '../testing/on-terminal.ts';
import { type RecordingServer, startRecordingServer } from '../testing/recording-server.ts';
import { type RunOptions, runInProcess } from '../testing/run-in-process.ts';

const STORED = { secret: { key: 'password', namespaces: [], created: 1 } };
const NOT_UTF8 = Uint8Array.of(0x68, 0xff, 0x69);

let server: RecordingServer;
let directory: string;
beforeAll(async () => {
  server = await startRecordingServer(STORED);
  directory = await mkdtemp(join(tmpdir(), 'gofer-cli-secrets-'));
  await writeFile(join(directory, 'value.txt'), 'geheim\nzwei\n');
  await writeFile(join(directory, 'binary'), NOT_UTF8);
  await writeFile(join(directory, 'empty'), '');
});
afterAll(async () => {
  await server?.close();
  await rm(directory, { recursive: true, force: true });
});

const put = (argv: readonly string[], options: RunOptions = {}) =>
  runInProcess(['secret', 'pipeline', 'put', 'simple', ...argv], {
    workingDirectory: directory,
    env: { GOFER_API_BASE_URL: server.url },
    ...options,
  });

describe('the value of a secret', () => {
  it.each<[string, string[], string | undefined, string]>([
    ['an argument', ['password', 'geheim'], undefined, 'geheim'],
    ['a pair', ['password=ge=heim'], undefined, 'ge=heim'],
    ['a pair that begins with a minus', ['password=-geheim'], undefined, '-geheim'],
    ['all of standard input', ['password', '@'], 'geheim\nzwei\r\n\n', 'geheim\nzwei\r\n\n'],
    ['a mark at its beginning too', ['password', '@'], '\ufeffgeheim', '\ufeffgeheim'],
    ['a file', ['password', '--file', 'value.txt'], undefined, 'geheim\nzwei\n'],
    ['the largest one', ['password', '@'], 'ü'.repeat(524_288), 'ü'.repeat(524_288)],
  ])('comes from %s, byte for byte, and is shown nowhere', async (_, argv, stdin, content) => {
    for (const format of ['plain', 'json', 'silent']) {
      const options = stdin === undefined ? {} : { stdin };
      const outcome = await put([...argv, '--debug', '--output-format', format], options);
      expect(outcome.code).toBe(0);
      expect(outcome.stdout + outcome.stderr).not.toContain('heim');
      expect(server.bodies.at(-1)).toEqual({ key: 'password', content, force: false });
    }
    expect((await put([...argv, '-f'], stdin === undefined ? {} : { stdin })).stdout).toBe("✓ Successfully stored secret 'password'\n");
    expect(server.bodies.at(-1)).toMatchObject({ force: true });
  });

  it.each<[string[], string | Uint8Array | undefined, RegExp, number]>([
    [['password'], undefined, /no terminal to ask for it[\s\S]*@[\s\S]*--file FILE[\s\S]*password=VALUE/u, 2],
    [['password', '@'], '', /standard input has 0 bytes; a secret has 1 to 1,048,576 bytes/u, 2],
    [['password='], undefined, /the value has 0 bytes/u, 2],
    [['password', '@'], 'x'.repeat(1_048_577), /standard input has more than 1,048,576 bytes/u, 2],
    [['password', '@'], NOT_UTF8, /standard input is not UTF-8.*base64/u, 2],
    [['password', '--file', 'binary'], undefined, /the file binary is not UTF-8/u, 2],
    [['password', '--file', 'empty'], undefined, /the file empty has 0 bytes/u, 2],
    [['password', '--file', 'missing'], undefined, /there is no file .*missing/u, 3],
    [['password', '--file', '.'], undefined, /is a folder/u, 2],
    [['password', 'geheim', '--file', 'value.txt'], undefined, /given twice/u, 2],
    [['pass word', 'geheim'], undefined, /the key of a secret is 1 to 63 characters/u, 2],
    [['geheim'.repeat(20)], undefined, /not one of 120/u, 2],
    [['=geheim'], undefined, /not an empty one/u, 2],
    [['password=geheim', 'heim'], undefined, /a value with spaces needs quotes/u, 2],
    [['password', 'mein', 'geheim'], undefined, /an argument too many; a value with spaces needs quotes/u, 2],
    [['password', '-geheim'], undefined, /a value that begins with - goes by/u, 2],
    [['password', '--geheim=ja'], undefined, /a value that begins with - goes by/u, 2],
  ])('is refused before it is sent: %j', async (argv, stdin, message, code) => {
    const before = server.bodies.length;
    for (const debug of [[], ['--debug'], ['--output-format', 'json']]) {
      const outcome = await put([...argv, ...debug], stdin === undefined ? {} : { stdin });
      expect(outcome.stdout + outcome.stderr).not.toContain('heim');
      const text = debug.includes('json') ? (JSON.parse(outcome.stderr) as { message: string }).message : outcome.stderr;
      expect(text).toMatch(message);
      expect(outcome.code).toBe(code);
    }
    expect(server.bodies).toHaveLength(before);
  });

  it.each([
    [['secrt', 'pipeline', 'put', 'simple', 'password', 'geheim']],
    [['secret', 'pipline', 'put', 'password', 'geheim']],
    [['secret', 'global', 'put', 'password', 'geheim', '-n']],
  ])('is not repeated where the command is misspelt: %j', async (argv) => {
    const { code, stderr } = await runInProcess([...argv, '--debug']);
    expect(stderr).not.toContain('heim');
    expect(code).toBe(2);
  });
});

describe('on a terminal the value of a secret is asked for', () => {
  const question = `exec "${process.execPath}" "${LAUNCHER}" secret pipeline put simple password`;
  const ask = async (answer: string | ((pid: number) => void), more = '') => {
    const seen = await onTerminal(betweenSettings(`sh -c 'echo pid $$; ${question} ${more}'`), {
      directory,
      env: { GOFER_API_BASE_URL: server.url },
      steps: [
        {
          after: 'nothing is shown',
          type: typeof answer === 'string' ? answer : (so) => answer(Number(/pid (\d+)/u.exec(so)?.[1])),
        },
      ],
    });
    const [before, after] = settingsOf(seen);
    expect(before).toBeDefined();
    expect(after).toBe(before);
    return seen;
  };

  it('and nothing of it is shown', async () => {
    const seen = await ask('gehx\u007feim ü\r');
    expect(server.bodies.at(-1)).toMatchObject({ key: 'password', content: 'geheim ü' });
    expect(seen).toMatch(/Value of the secret password \(nothing is shown\): \r\n✓ Successfully inserted new secret 'password'\r\nexit 0/u);
  });

  it('by @ too', async () => {
    const seen = await ask('geheim\r', '@ --force');
    expect(server.bodies.at(-1)).toMatchObject({ content: 'geheim' });
    expect(seen).not.toContain('heim');
  });

  it.each([
    ['Ctrl-C', 'geheim\u0003', 130, 'stopped; nothing was stored'],
    ['Ctrl-D', '\u0004', 130, 'stopped; nothing was stored'],
    ['nothing', '\r', 2, 'the value has 0 bytes'],
    ['several lines', 'geheim\rzwei\rdrei', 2, 'several lines were given'],
  ])('and %s stores nothing', async (_, typed, code, message) => {
    const before = server.bodies.length;
    const seen = await ask(typed);
    expect(seen).not.toContain('heim');
    expect(seen).toContain(message);
    expect(seen).toContain(`exit ${code}`);
    expect(server.bodies).toHaveLength(before);
  });

  it.each(['SIGTERM', 'SIGINT'] as const)('and the terminal is as it was after %s', async (name) => {
    const seen = await ask((pid) => process.kill(pid, name));
    expect(seen).toMatch(/exit 1(?:43|30)/u);
  });
});
