import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Outcome, runInProcess } from '../testing/run-in-process.ts';
import { SIMPLE } from '../testing/sample-pipeline.ts';

const JSON_TEXT = JSON.stringify(SIMPLE);
const TYPESCRIPT = `
import { newPipeline, newTask } from '@gofer/sdk';
enum Greeting { Hello = 'hello' }
const image: string = 'busybox';
newPipeline('simple', 'Simple').tasks(newTask('hello', image).command('echo', Greeting.Hello)).finish();
`;
const JAVASCRIPT = TYPESCRIPT.replace("enum Greeting { Hello = 'hello' }", "const Greeting = { Hello: 'hello' };").replace(': string', '');

describe('gofer up', () => {
  let directory: string;
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'gofer-cli-up-'));
  });
  afterAll(async () => await rm(directory, { recursive: true, force: true }));

  let number = 0;
  /** A fresh folder with these files. */
  async function folder(files: Record<string, string>): Promise<string> {
    const path = join(directory, String((number += 1)));
    await mkdir(path);
    for (const [name, text] of Object.entries(files)) {
      await mkdir(dirname(join(path, name)), { recursive: true });
      await writeFile(join(path, name), text);
    }
    return path;
  }
  const dryRun = (path: string, options: { stdin?: string } = {}): Promise<Outcome> =>
    runInProcess(['up', path, '--dry-run', '--output-format', 'json'], {
      workingDirectory: directory,
      env: { HOME: process.env.HOME },
      ...options,
    });

  /** What the program at this path is, as long as all is well. */
  async function definitionAt(path: string): Promise<unknown> {
    const { code, stdout, stderr } = await dryRun(path);
    return code === 0 && stderr === '' ? JSON.parse(stdout) : { code, stderr };
  }
  const simple = expect.objectContaining({ id: 'simple', tasks: [expect.objectContaining({ id: 'hello' })] }) as unknown;

  it.each<[string, Record<string, string>]>([
    ['a pipeline.ts', { 'pipeline.ts': TYPESCRIPT }],
    ['an index.js beside a manifest', { 'package.json': '{ "type": "module" }', 'index.js': JAVASCRIPT }],
    ['main', { 'package.json': '{ "main": "./lib/it.mjs" }', 'lib/it.mjs': JAVASCRIPT, 'index.js': 'process.exit(9)' }],
    ['exports', { 'package.json': '{ "exports": { ".": { "types": "./it.d.ts", "import": "./it.ts" } } }', 'it.ts': TYPESCRIPT }],
    ['src/index.ts where main is a build that is not there', { 'package.json': '{ "main": "dist/index.js" }', 'src/index.ts': TYPESCRIPT }],
    [
      'its own SDK',
      {
        'pipeline.ts': "import { it } from '@gofer/sdk'; console.log(it);",
        'node_modules/@gofer/sdk/package.json': '{ "type": "module", "exports": "./own.js" }',
        'node_modules/@gofer/sdk/own.js': `export const it = ${JSON.stringify(JSON_TEXT)};`,
      },
    ],
  ])('runs a folder by %s', async (_, files) => {
    expect(await definitionAt(await folder(files))).toEqual(simple);
  });

  it('runs single files: TypeScript, JavaScript, JSON, an executable', async () => {
    const path = await folder({ 'a.ts': TYPESCRIPT, 'b.mjs': JAVASCRIPT, 'c.json': JSON_TEXT, d: `#!/bin/sh\necho '${JSON_TEXT}'\n` });
    await chmod(join(path, 'd'), 0o755);
    for (const file of ['a.ts', 'b.mjs', 'c.json', 'd']) expect(await definitionAt(join(path, file))).toEqual(simple);
  });

  it("runs Go and Rust by the user's own tools, or says what to install", async () => {
    // A tool that says how it was called, so that no compiler is waited for; it answers only to the right words in the right folder.
    const tool = (words: string, file: string) => `#!/bin/sh\n[ "$*" = "${words}" ] && [ -f ${file} ] && echo '${JSON_TEXT}'\n`;
    const tools = await folder({ go: tool('run .', 'go.mod'), cargo: tool('run --quiet', 'Cargo.toml') });
    await Promise.all(['go', 'cargo'].map((name) => chmod(join(tools, name), 0o755)));
    for (const [file, name] of [
      ['go.mod', 'Go'],
      ['Cargo.toml', 'Rust'],
    ] as const) {
      const path = await folder({ [file]: '' });
      const found = await runInProcess(['up', path, '--dry-run'], { env: { PATH: `${tools}:/bin:/usr/bin` } });
      expect(found).toMatchObject({ code: 0, stderr: '' });
      const missing = await runInProcess(['up', path, '--dry-run'], { env: { PATH: path } });
      expect(missing.stderr).toMatch(new RegExp(`needs ${name}.*install it`, 'u'));
      expect(missing.code).toBe(2);
    }
  });

  it('reads stdin', async () => {
    expect(await dryRun('-', { stdin: JSON_TEXT })).toMatchObject({ code: 0 });
  });

  it('never waits for itself, however much a program writes to both outputs', async () => {
    const tasks = Array.from({ length: 5_000 }, (_, index) => ({ ...SIMPLE.tasks[0], id: `task_${index}`, description: 'x'.repeat(500) }));
    const path = await folder({
      'pipeline.mjs': `process.stderr.write('y'.repeat(3_000_000)); process.stdout.write(${JSON.stringify(JSON.stringify({ ...SIMPLE, tasks }))}); process.stderr.write('z'.repeat(1_000_000));`,
    });
    const { code, stdout, stderr } = await dryRun(path);
    expect(code).toBe(0);
    expect((JSON.parse(stdout) as { tasks: unknown[] }).tasks).toHaveLength(5_000);
    expect(stderr).toHaveLength(4_000_000);
  });

  it("shows a failing program's own words as they come, and in silence too", async () => {
    const path = await folder({ 'pipeline.mjs': "console.error('no such variable'); process.exit(3);" });
    const plain = await runInProcess(['up', path, '--dry-run']);
    expect(plain).toMatchObject({ code: 2, stdout: '' });
    expect(plain.stderr).toMatch(/^no such variable\nx the pipeline program ended with exit code 3; nothing was registered/u);
    const silent = await runInProcess(['up', path, '--output-format', 'silent']);
    expect(silent.stderr).toMatch(/exit code 3[\s\S]*no such variable/u);
  });

  it('shows every fault with its path', async () => {
    const broken = {
      id: 'a b',
      name: 'X',
      parallelism: -1,
      tasks: [{ ...SIMPLE.tasks[0], depends_on: { ghost: 'Success' } }, SIMPLE.tasks[0]],
    };
    const { code, stderr } = await runInProcess(['up', '-', '--dry-run'], { stdin: JSON.stringify(broken) });
    expect(code).toBe(2);
    for (const place of ['$.id', '$.parallelism', '$.tasks[0].depends_on', '$.tasks[1].id']) expect(stderr).toContain(place);
  });

  it.each([
    ['nothing', '', /printed nothing/u],
    ['no JSON', 'hello\n', /not one JSON document[\s\S]*begins with:\n\s+hello/u],
    ['escape codes', '\u001b[2Joops', /begins with:\n\s+oops/u],
  ])('says so where a program prints %s', async (_, stdin, message) => {
    const { code, stderr } = await runInProcess(['up', '-'], { stdin });
    expect(stderr).toMatch(message);
    expect(code).toBe(2);
  });

  it.each<[string, Record<string, string> | undefined, RegExp, number]>([
    ['is not there', undefined, /there is nothing at/u, 3],
    ['is empty', {}, /has no pipeline program: it needs a package\.json/u, 2],
    ['names what is not there', { 'package.json': '{ "main": "dist/index.js" }' }, /names dist\/index\.js, which is not there/u, 2],
    ['has a broken manifest', { 'package.json': '{' }, /package\.json cannot be read/u, 2],
  ])('says what to do with a folder that %s', async (_, files, message, exit) => {
    const path = files === undefined ? join(directory, 'missing') : await folder(files);
    const { code, stderr } = await dryRun(path);
    expect(stderr).toMatch(message);
    expect(code).toBe(exit);
  });
});
