/** What the documentation shows is run: commands against a real server, pipelines by the command, the plugins by the conformance suites. */
import { execFile } from 'node:child_process';
import { generateKeyPairSync, sign } from 'node:crypto';
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify, stripVTControlCharacters } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DocsServer, STANDARD_EXTENSIONS } from './docs-server.ts';
import { type CodeBlock, ROOT, readPages } from './markdown.ts';

/** Its blocks are usages and the examples of the help, which the command's own tests run. */
const TESTED_ELSEWHERE = new Set(['docs/cli.md']);
const WITH_EXTENSIONS = ['--scheduler', 'process', '--set', STANDARD_EXTENSIONS];
const EVENTS = ['--set', 'external_events.enable=true', '--set', 'external_events.bind_address=127.0.0.1:0'];
/** What a page needs of its server beyond the usual. */
const SERVER_FLAGS: Readonly<Record<string, readonly string[]>> = {
  'README.md': WITH_EXTENSIONS,
  'docs/authentication.md':
    '--scheduler process --set scheduler.process.enable=true --set development.bypass_auth=false --set secret_store.sqlite.encryption_key=0123456789abcdef0123456789abcdef'.split(
      ' ',
    ),
  'docs/extensions.md': WITH_EXTENSIONS,
  'docs/external-events.md': ['--scheduler', 'process', ...EVENTS],
  'docs/getting-started.md': WITH_EXTENSIONS,
};
const run = promisify(execFile);
/** A page has dozens of commands, each a process of its own, and the pages are run beside each other. */
const LONG = { timeout: 300_000 };
const isShell = ({ language, notRun }: CodeBlock): boolean => (language === 'sh' || language === 'console') && notRun === undefined;

const pages = readPages().filter(({ name }) => !TESTED_ELSEWHERE.has(name));
const blocks = (language: string) => pages.flatMap((page) => page.blocks.filter((block) => block.language === language));

describe.concurrent('commands of', LONG, () => {
  const withCommands = pages.filter((page) => page.blocks.some(isShell));
  it.each(withCommands.map((page) => [page.name, page] as const))('%s do what it says', async (_name, page) => {
    const docs = await DocsServer.open(SERVER_FLAGS[page.name]);
    const faults: string[] = [];
    try {
      for (const block of page.blocks.filter(isShell)) {
        faults.push(...(block.language === 'sh' ? await runScript(docs, block) : await runSession(docs, block)));
      }
    } finally {
      await docs.close();
    }
    expect(faults.join('\n\n')).toBe('');
  });

  it('docs/secrets.md change the key while a task runs', async () => {
    const { next, former } = keysOfSecretsPage();
    const flags = (current: string, previous: string) => {
      const key = `secret_store.sqlite.encryption_key=${current}`;
      return ['--scheduler', 'process', '--set', key, '--set', `secret_store.sqlite.previous_encryption_keys=${previous}`];
    };
    const docs = await DocsServer.open(flags(former, ''));
    try {
      await docs.run('npx gofer up examples/debug-envs && printf correct-horse | npx gofer secret pipeline put debug-envs token @');
      const wait = `{"id":"waits","name":"Waits","parallelism":0,"tasks":[{"id":"wait","image":"busybox","variables":{"TOKEN":"global_secret{{token}}"},
        "command":["sh","-c","echo before $TOKEN; until test -e go-on; do sleep 0.1; done; echo after $TOKEN"]}]}`;
      await writeFile(join(docs.directory, 'waits.json'), wait.replace('go-on', join(docs.directory, 'go-on')));
      const begun = await docs.run('printf battery-staple | npx gofer secret global put token @ && npx gofer up waits.json');
      expect(begun).toMatchObject({ code: 0, output: expect.stringContaining('Registered pipeline: [waits]') });
      await docs.run('npx gofer run start waits');
      const log = 'http://localhost:8080/api/namespaces/default/pipelines/waits/runs/1/tasks/wait/logs/raw';
      await docs.run(`until curl -s -H 'gofer-api-version: v0' ${log} | grep -q before; do sleep 0.1; done`);
      await docs.stop();

      await docs.start(flags(next, former));
      expect((await docs.run('npx gofer service rotate-secret-key')).output).toContain('no older key is needed any more');
      await docs.stop();

      await docs.start(flags(next, ''));
      const { code, output } = await docs.run('touch go-on && npx gofer run logs waits 1');
      expect(output).toContain('wait │ before [redacted]\nwait │ after [redacted]');
      expect(code).toBe(0);
      const { output: kept } = await docs.run('npx gofer secret pipeline get debug-envs token --include-secret');
      expect(kept).toContain('correct-horse');
    } finally {
      await docs.close();
    }
  });

  it('README find a task again after the server was restarted', async () => {
    const docs = await DocsServer.open();
    try {
      await docs.run('npx gofer up examples/debug-wait && npx gofer run start debug-wait --variable WAIT=6');
      const log = 'http://localhost:8080/api/namespaces/default/pipelines/debug-wait/runs/1/tasks/wait/logs/raw';
      await docs.run(`until curl -s -H 'gofer-api-version: v0' ${log} | grep -q Waiting; do sleep 0.1; done`);
      await docs.stop();
      expect(await docs.start()).toContain('"resumedRuns":1');
      const { code, output } = await docs.run('npx gofer run logs debug-wait 1');
      expect(output).toContain('wait │ Waiting for 6 seconds.\nwait │ Done.');
      expect(code).toBe(0);
    } finally {
      await docs.close();
    }
  });
});

/** The values of `encryption_key` and `previous_encryption_keys` that docs/secrets.md shows. */
function keysOfSecretsPage(): { readonly next: string; readonly former: string } {
  const text = blocks('toml').find(({ at }) => at.startsWith('docs/secrets.md'))?.text ?? '';
  const [next = '', former = ''] = [...text.matchAll(/"([^"]{32})"/g)].map(([, key]) => key ?? '');
  return { next, former };
}

/** Resolves with what did not go as the page says. */
async function runScript(docs: DocsServer, block: CodeBlock): Promise<string[]> {
  const { code, output } = await docs.run(block.text);
  return code === block.exitCode ? [] : [`${block.at}: exit code ${code}, not ${block.exitCode}; printed:\n${output}`];
}

/** Each `$ command` is run; what the page shows of its output must be in it, as far as numbers, times and `…` let that be compared. */
async function runSession(docs: DocsServer, block: CodeBlock): Promise<string[]> {
  const faults: string[] = [];
  const steps = block.text.split(/^\$ /m).slice(1);
  for (const [index, step] of steps.entries()) {
    const [command = '', ...shown] = step.trimEnd().split('\n');
    const expected = index === steps.length - 1 ? block.exitCode : 0;
    const { code, output } = await docs.run(command);
    if (code !== expected) faults.push(`${block.at}: ${command}\nexit code ${code}, not ${expected}; printed:\n${output}`);
    const printed = comparable(output);
    for (const line of shown.filter((text) => text.trim() !== '')) {
      if (!isIn(printed, comparable(line).split('…'))) faults.push(`${block.at}: ${command}\ndid not print: ${line}\nbut:\n${output}`);
    }
  }
  return faults;
}

/** True where one line has all the parts, in this order. */
function isIn(printed: string, parts: readonly string[]): boolean {
  return printed.split('\n').some((line) => {
    let at = 0;
    return parts.every((part) => {
      const found = line.indexOf(part, at);
      at = found + part.length;
      return found !== -1;
    });
  });
}

/** Without what differs from run to run. */
function comparable(text: string): string {
  return stripVTControlCharacters(text)
    .replace(/just now|\d+ (second|minute)s? ago/g, 'AGO')
    .replace(/\d+(\.\d+)? (ms|s|min)\b/g, 'TIME')
    .replace(/\d+/g, '0')
    .replace(/[ \t]+/g, ' ');
}

describe.concurrent('programs', LONG, () => {
  let directory: string;
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'gofer-docs-'));
    await symlink(join(ROOT, 'node_modules'), join(directory, 'node_modules'));
    await writeFile(join(directory, 'package.json'), '{"type":"module"}');
  });
  afterAll(() => rm(directory, { recursive: true, force: true }));

  const programs = blocks('ts').map(({ at, text }) => ({ at, file: `${at.replace(/\W/g, '-')}.ts`, text }));

  it('compile', async () => {
    for (const { file, text } of programs) await writeFile(join(directory, file), text);
    const compiler = ['--noEmit', '--ignoreConfig', '--strict', '--module', 'nodenext', '--target', 'esnext', '--skipLibCheck'];
    const options = [...compiler, '--allowImportingTsExtensions', '--types', 'node'];
    const told = await run(join(ROOT, 'node_modules/.bin/tsc'), [...options, ...programs.map(({ file }) => file)], { cwd: directory });
    expect(told).toEqual({ stdout: '', stderr: '' });
  });

  it.each(programs)('$at is a pipeline', async ({ file, text }) => {
    await writeFile(join(directory, file), text);
    const argv = ['up', join(directory, file), '--dry-run', '--output-format', 'json'];
    const up = await run(process.execPath, [join(ROOT, 'cli/bin/gofer.mjs'), ...argv]);
    expect(JSON.parse(up.stdout)).toHaveProperty('tasks');
  });

  it('of docs/plugins.md is a scheduler by every law, and runs a pipeline', async () => {
    const [plugin, suite] = pluginBlocks();
    await writeFile(join(directory, 'shell-scheduler.js'), plugin?.text ?? '');
    await writeFile(join(directory, 'check.js'), suite?.text ?? '');
    const checked = await run(process.execPath, ['check.js'], { cwd: directory });
    expect(checked.stdout).toBe('');

    const docs = await DocsServer.open(['--scheduler', join(directory, 'shell-scheduler.js')]);
    try {
      const { code, output } = await docs.run('npx gofer up examples/diamond && npx gofer run start diamond --follow');
      expect(output).toContain('publish │ done');
      expect(code).toBe(0);
    } finally {
      await docs.close();
    }
  });

  it('of docs/plugins.md is an object store by every law, and keeps an object', async () => {
    const [, , plugin, suite] = pluginBlocks();
    await writeFile(join(directory, 'folder-store.js'), plugin?.text ?? '');
    await writeFile(join(directory, 'check-store.js'), suite?.text ?? '');
    const checked = await run(process.execPath, ['--expose-gc', 'check-store.js'], { cwd: directory });
    expect(checked.stdout).toBe('');

    const engine = `object_store.engine=${join(directory, 'folder-store.js')}`;
    const path = `object_store.folder.path=${join(directory, 'objects')}`;
    const docs = await DocsServer.open(['--scheduler', 'process', '--set', engine, '--set', path]);
    try {
      const commands = ['up examples/hello', 'pipeline object put hello key=value', 'pipeline object get hello key --stringify'];
      const { code, output } = await docs.run(commands.map((command) => `npx gofer ${command}`).join(' && '));
      expect(output).toMatch(/^value$/m);
      expect(code).toBe(0);
    } finally {
      await docs.close();
    }
  });

  it('of docs/plugins.md is an auth plugin by every law, and lets somebody in beside the tokens of the server', async () => {
    const [, , , , plugin, suite] = pluginBlocks();
    await writeFile(join(directory, 'jwt-auth.js'), plugin?.text ?? '');
    await writeFile(join(directory, 'check-auth.js'), suite?.text ?? '');
    const checked = await run(process.execPath, ['check-auth.js'], { cwd: directory });
    expect(checked.stdout).toBe('');

    const { publicKey, privateKey } = generateKeyPairSync('ed25519');
    const settings = {
      'development.bypass_auth': 'false',
      'secret_store.sqlite.encryption_key': 'k'.repeat(32),
      'auth.engine': join(directory, 'jwt-auth.js'),
      'auth.jwt.public_key': publicKey.export({ format: 'der', type: 'spki' }).toString('base64'),
      'auth.jwt.issuer': 'https://provider.example',
      'auth.jwt.audience': 'gofer',
    };
    const flags = Object.entries(settings).flatMap((each) => ['--set', each.join('=')]);
    const docs = await DocsServer.open(['--scheduler', 'fake', ...flags]);
    try {
      const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
      const exp = Math.floor(Date.now() / 1000) + 600;
      const claims = { sub: 'me', iss: 'https://provider.example', aud: ['gofer'], exp, roles: ['user'] };
      const signed = `${encode({ alg: 'EdDSA' })}.${encode(claims)}`;
      const token = `${signed}.${sign(null, Buffer.from(signed), privateKey).toString('base64url')}`;
      const curl = "curl -s -H 'gofer-api-version: v0'";
      const whoAmI = async (bearer: string): Promise<string> =>
        (await docs.run(`${curl} -H 'Authorization: Bearer ${bearer}' http://localhost:8080/api/tokens/whoami`)).output;
      expect(JSON.parse(await whoAmI(token))).toMatchObject({ token: { user: 'me', roles: ['user'] } });
      expect(JSON.parse(await whoAmI(`${token}A`))).toMatchObject({ error_code: 'UNAUTHENTICATED' });
      const bootstrap = await docs.run(`${curl} -X POST http://localhost:8080/api/tokens/bootstrap`);
      const { secret } = JSON.parse(bootstrap.output) as { secret: string };
      expect(JSON.parse(await whoAmI(secret))).toMatchObject({ token: { user: 'bootstrap' } });
    } finally {
      await docs.close();
    }
  });
});

/** A scheduler, an object store and an auth plugin, each with its check behind it. */
function pluginBlocks(): readonly CodeBlock[] {
  return pages.find(({ name }) => name === 'docs/plugins.md')?.blocks.filter(({ language }) => language === 'js') ?? [];
}
