import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { GoferClient } from '../api/gofer-client.ts';
import { type Outcome, type RunOptions, runInProcess } from '../testing/run-in-process.ts';
import { SIMPLE } from '../testing/sample-pipeline.ts';
import { startTestServer, type TestServer } from '../testing/test-server.ts';

const directory = mkdtempSync(join(tmpdir(), 'gofer-cli-secrets-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

let server: TestServer;
let client: GoferClient;
beforeAll(async () => {
  server = await startTestServer('fake');
  client = new GoferClient({ baseUrl: new URL(server.url), token: '', insecureSkipTlsVerify: false });
});
afterAll(async () => await server?.close());

let number = 0;
let pipeline: string;
beforeEach(async () => {
  number += 1;
  pipeline = `secrets-${number}`;
  const path = { namespace_id: 'default', pipeline_id: pipeline };
  await client.call('register_config', { path, body: { config: { ...SIMPLE, id: pipeline } } });
});

const gofer = (argv: readonly string[], options: RunOptions = {}): Promise<Outcome> =>
  runInProcess(argv, { ...options, env: { GOFER_API_BASE_URL: server.url } });
const parse = ({ stdout }: Outcome) => JSON.parse(stdout) as unknown;

describe('secrets of a pipeline', () => {
  const secret = (verb: string, words: readonly string[], options?: RunOptions) =>
    gofer(['secret', 'pipeline', verb, pipeline, ...words], options);

  it('are stored, shown only where that is asked for, and deleted', async () => {
    expect(await secret('put', ['my-secret', 'hush'])).toEqual({
      code: 0,
      stdout: "✓ Successfully inserted new secret 'my-secret'\n",
      stderr: '',
    });
    expect((await secret('list', [])).stdout).toMatch(/^KEY +CREATED\nmy-secret +.+\n$/u);
    expect((await secret('get', ['my-secret'])).stdout).toMatch(/^ {2}Key: my-secret\n {2}Secret: \[Redacted\]\n\n {2}Created .+\n$/u);
    expect((await secret('get', ['my-secret', '-i'])).stdout).toContain('  Secret: hush\n');
    expect(parse(await secret('get', ['my-secret', '--output-format', 'json']))).toMatchObject({
      metadata: { key: 'my-secret' },
      secret: null,
    });
    expect(await secret('delete', ['my-secret'])).toEqual({ code: 0, stdout: "✓ Successfully removed secret 'my-secret'\n", stderr: '' });
    expect(await secret('delete', ['my-secret'])).toMatchObject({ code: 3, stdout: '', stderr: expect.stringContaining('my-secret') });
    expect(await secret('get', ['my-secret'])).toMatchObject({ code: 3, stdout: '' });
  });

  it('keep every byte of their value', async () => {
    const value = '\ufeff zwei Zeilen\r\n\u001b[31mgrößer\n\n';
    await secret('put', ['value', '@'], { stdin: value });
    expect(parse(await secret('get', ['value', '-i', '--output-format', 'json']))).toMatchObject({ secret: value });
    expect((await secret('get', ['value', '-i'])).stdout).not.toContain('\u001b');
    const largest = 'ü'.repeat(524_288);
    expect(await secret('put', ['largest', '@'], { stdin: largest })).toMatchObject({ code: 0 });
    expect(parse(await secret('get', ['largest', '-i', '--output-format', 'json']))).toMatchObject({ secret: largest });
  });

  it('are replaced only by force', async () => {
    await secret('put', ['key=first']);
    const again = await secret('put', ['key=second']);
    expect(again).toMatchObject({ code: 5, stdout: '' });
    expect(again.stderr).not.toContain('second');
    expect(parse(await secret('get', ['key', '-i', '--output-format', 'json']))).toMatchObject({ secret: 'first' });
    expect(await secret('put', ['key=second', '--force'])).toMatchObject({ code: 0 });
    expect(parse(await secret('get', ['key', '-i', '--output-format', 'json']))).toMatchObject({ secret: 'second' });
  });

  it('need a pipeline and a good key', async () => {
    for (const words of [['list'], ['get', 'key'], ['put', 'key=1'], ['delete', 'key']] as [string, ...string[]][]) {
      const [verb, ...rest] = words;
      expect(await gofer(['secret', 'pipeline', verb, 'nowhere', ...rest])).toMatchObject({ code: 3, stdout: '' });
    }
    for (const key of ['..', 'a b', 'a/b', 'ü', 'x'.repeat(64)]) {
      for (const verb of ['get', 'delete']) expect(await secret(verb, [key])).toMatchObject({ code: 2, stdout: '' });
    }
  });
});

describe('global secrets', () => {
  const secret = (verb: string, words: readonly string[], options?: RunOptions) => gofer(['secret', 'global', verb, ...words], options);

  it('name who may use them', async () => {
    expect((await secret('put', ['everywhere', '@'], { stdin: 'hush' })).stdout).toBe(
      "✓ Successfully inserted new secret 'everywhere'\n  Namespaces whose tasks may use it: .*\n",
    );
    expect(await secret('put', ['some', 'hush', '-n', 'prod-.*', '--namespaces', 'staging'])).toMatchObject({ code: 0 });
    const { stdout } = await secret('list', []);
    expect(stdout).toMatch(/^KEY +NAMESPACES +CREATED\n/u);
    expect(stdout).toMatch(/^everywhere +\.\* /mu);
    expect(stdout).toMatch(/^some +prod-\.\*, staging /mu);
    expect((await secret('get', ['some', '-i'])).stdout).toMatch(
      /^ {2}Key: some\n {2}Secret: hush\n {2}Allowed Namespaces:\n {4}- prod-\.\*\n {4}- staging\n\n {2}Created .+\n$/u,
    );
    expect(await secret('put', ['some', 'other'])).toMatchObject({ code: 5 });
    expect(await secret('put', ['bad', 'hush', '-n', '('])).toMatchObject({ code: 2 });
    expect(await secret('put', ['bad', 'hush', '--namespace', 'staging'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('--namespaces'),
    });
    // A new value is no new admission.
    expect((await secret('put', ['some', 'newer', '--force'])).stdout).toMatch(/: prod-\.\*, staging\n$/u);
    expect((await secret('list', [])).stdout).toMatch(/^some +prod-\.\*, staging /mu);
    expect(await secret('delete', ['some'])).toMatchObject({ code: 0, stdout: "✓ Successfully removed secret 'some'\n" });
    expect(await secret('get', ['some'])).toMatchObject({ code: 3 });
    expect(await secret('delete', ['some'])).toMatchObject({ code: 3, stdout: '', stderr: expect.stringContaining('some') });
  });

  it('and all others can be encrypted anew', async () => {
    await secret('put', ['rotated', 'hush', '-f']);
    const { code, stdout } = await gofer(['service', 'rotate-secret-key']);
    expect(stdout).toMatch(/^✓ \d+ values? (?:is|are) encrypted with the key that is configured now/u);
    expect(code).toBe(0);
    expect((await secret('get', ['rotated', '-i'])).stdout).toContain('hush');
  });
});

describe('the variables of a run', () => {
  const variablesOf = async (argv: readonly string[], options?: RunOptions) => {
    await client.call('deploy_config', { path: { namespace_id: 'default', pipeline_id: pipeline, version: 1 } });
    const outcome = await gofer(['run', 'start', pipeline, '--output-format', 'json', ...argv], options);
    if (outcome.code !== 0) return outcome;
    const { variables } = parse(outcome) as { variables: { key: string; value: string }[] };
    return Object.fromEntries(variables.map(({ key, value }) => [key, value]));
  };

  it.each(['-', '@'])('come from standard input by %s, and from arguments first', async (name) => {
    const stdin = 'A=file\nB="two\nlines"\n';
    expect(await variablesOf(['--variables-file', name, '-v', 'a=flag'], { stdin })).toEqual({ a: 'flag', B: 'two\nlines' });
    expect(await variablesOf(['--variables-file', name], { stdin: '{ "A": "1" }' })).toEqual({ A: '1' });
    const later = join(directory, 'later.env');
    writeFileSync(later, 'a=later\nC=c\n');
    expect(await variablesOf(['--variables-file', name, '--variables-file', later], { stdin })).toEqual({
      a: 'later',
      B: 'two\nlines',
      C: 'c',
    });
  });

  it('are refused with their place', async () => {
    expect(await variablesOf(['--variables-file', '-'], { stdin: 'A=1\nB' })).toMatchObject({
      code: 2,
      stdout: '',
      stderr: expect.stringContaining('standard input:2') as string,
    });
    expect(await variablesOf(['--variables-file', '-'], { stdin: Uint8Array.of(0xff) })).toMatchObject({ code: 2 });
    expect(await variablesOf(['--variables-file', '/nonexistent/file'])).toMatchObject({ code: 3 });
  });
});
