import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { codeOf } from '@gofer/contracts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { GoferClient } from '../api/gofer-client.ts';
import { describeCommands } from '../help/command-help.ts';
import { type Outcome, runInProcess } from '../testing/run-in-process.ts';
import { failOnce, prepareSimple, SIMPLE, storeForSimple } from '../testing/sample-pipeline.ts';
import { startTestServer, type TestServer } from '../testing/test-server.ts';

const PROGRAM = `
import { newPipeline, newTask } from '@gofer/sdk';
newPipeline('simple', 'Simple Pipeline').tasks(newTask('hello', 'busybox:latest').command('echo', 'hello')).finish();
`;

/** Run until they are told to stop, in a test of their own. */
const ENDLESS = [
  'gofer service start',
  'gofer service start --config gofer_web.toml',
  'gofer service start --bind-address 127.0.0.1:0 --scheduler fake',
];
/** What a server makes once, or asks for a token for; run in a test of their own. */
const OF_IDENTITY = new Set(['login', 'logout', 'token bootstrap']);
/** Work on a server's files; run in a test of their own (test/e2e/backup.test.ts). */
const OF_FILES = new Set(['service backup', 'service restore', 'service check']);
/** Of an event that came from outside; run in a test of their own (cli/src/extension/extension-commands.test.ts). */
const OF_DELIVERIES = new Set(['extension redeliver']);
/** Not quiet: what they make is never shown again. */
const SHOWN_ONCE = new Set(['token create', 'token bootstrap']);
/** What changes nothing may share a namespace; everything else gets one of its own. */
const READING = /^gofer (?:fetch|context|(?:\S+ )+(?:list|get|logs|why)\b)/u;
const UUID = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/u;
const examples = describeCommands().flatMap(({ paths: [path = ''], examples: own }) =>
  own.map(({ label, command }) => ({ path, label, command })),
);

describe('the examples of the help', () => {
  let server: TestServer;
  let client: GoferClient;
  let directory: string;

  beforeAll(async () => {
    server = await startTestServer('fake');
    client = new GoferClient({ baseUrl: new URL(server.url), token: '', insecureSkipTlsVerify: false });
    await client.call('create_namespace', { body: { id: 'reading', name: 'Reading', description: '' } });
    await prepareSimple(client, 'reading');
    await prepareSimple(client, 'default');
    await storeForSimple(client, 'reading');
    directory = await mkdtemp(join(tmpdir(), 'gofer-cli-examples-'));
    await mkdir(join(directory, 'simple'));
    await writeFile(join(directory, 'simple', 'pipeline.ts'), PROGRAM);
    await writeFile(join(directory, 'simple.ts'), PROGRAM);
    await writeFile(join(directory, 'simple.json'), JSON.stringify(SIMPLE));
    for (const name of ['cache.tar', 'report.tar', 'notes.txt', 'password.txt']) await writeFile(join(directory, name), `${name}\n`);
    await writeFile(join(directory, 'staging.env'), 'TARGET=staging\n');
    await writeFile(join(directory, 'devops.json'), '[{ "resources": ["namespaces:^devops.*"], "actions": ["read"] }]');
  });

  afterAll(async () => {
    await server?.close();
    await rm(directory, { recursive: true, force: true });
  });

  async function newToken(): Promise<string> {
    const { token_details } = await client.call('create_token', { body: { user: 'ada', roles: ['user'], expires: 0 } });
    return token_details.id;
  }

  let number = 0;
  async function newNamespace(): Promise<string> {
    number += 1;
    const id = `example-${number}`;
    await client.call('create_namespace', { body: { id, name: id, description: '' } });
    await prepareSimple(client, id);
    return id;
  }

  async function runExample(example: string, format: 'plain' | 'json' | 'silent'): Promise<Outcome> {
    const command = /token (?:get|enable|disable|delete)/u.test(example) ? example.replace(UUID, await newToken()) : example;
    // Another example may have turned runs off.
    await client.call('update_system_preferences', { body: { ignore_pipeline_run_events: false } });
    const namespace = READING.test(command) ? 'reading' : await newNamespace();
    await prepareFor(command, namespace);
    const { argv, stdin } = await parseShell(command, directory);
    const env = { GOFER_API_BASE_URL: server.url, GOFER_NAMESPACE: namespace };
    return await runInProcess([...argv, ...(command.includes('--output-format') ? [] : ['--output-format', format])], {
      env,
      workingDirectory: directory,
      ...(stdin === undefined ? {} : { stdin }),
    });
  }

  async function prepareFor(command: string, namespace: string): Promise<void> {
    if (command.includes('--from-failed')) await failOnce(client, namespace);
    if (/role (?:create|update|delete)/u.test(command)) {
      await client.call('delete_role', { path: { role_id: 'devops' } }).catch(() => undefined);
      const role = { id: 'devops', description: '', permissions: [] };
      if (!command.includes('role create')) await client.call('create_role', { body: role });
    }
    if (command.includes('team-a')) {
      await client.call('delete_namespace', { path: { namespace_id: 'team-a' } }).catch(() => undefined);
      if (!command.includes('namespace create'))
        await client.call('create_namespace', { body: { id: 'team-a', name: 'Team A', description: '' } });
    }
    await prepareExtensions(command, namespace);
    const [, output] = /--output (\S+)/u.exec(command) ?? [];
    if (output !== undefined) await rm(join(directory, output), { force: true });
    const [, folder] = /extension new (\S+)/u.exec(command) ?? [];
    if (folder !== undefined) await rm(join(directory, folder), { recursive: true, force: true });
    if (/(?:object|secret pipeline) delete/u.test(command)) await storeForSimple(client, namespace);
    const [, secret] = /secret global put (\w+)/u.exec(command) ?? [];
    if (secret !== undefined) await client.call('delete_global_secret', { path: { key: secret } });
    // Another example deletes it.
    if (/secret global (?:get|delete)/u.test(command))
      await client.call('put_global_secret', { body: { key: 'registry_token', content: 'hush', namespaces: ['.*'], force: true } });
  }

  /** Other examples install, stop and remove them. */
  async function prepareExtensions(command: string, namespace: string): Promise<void> {
    const [, doing = '', named = ''] = /^gofer extension (\S+) ?(\S*)/u.exec(command) ?? [];
    const [, subscribed = ''] = /(?:pipeline (?:un)?subscri\S+(?: \w+)?|extension sub) simple (\S+)/u.exec(command) ?? [];
    const extension_id = subscribed === '' ? named : subscribed;
    if (extension_id === '' || doing === 'new') return;
    const path = { extension_id };
    if (doing === 'install') return await client.call('uninstall_extension', { path }).catch(ignoreMissing);
    const { extensions } = await client.call('list_extensions', {});
    const body = { id: extension_id, image: `builtin:${extension_id}`, settings: {} };
    if (!extensions.some(({ registration }) => registration.extension_id === extension_id))
      await client.call('install_extension', { query: { wait: 60 }, body });
    await client.call('update_extension', { path, body: { enable: true } });
    await expect.poll(async () => (await client.call('get_extension', { path })).extension.state, { timeout: 60_000 }).toBe('running');
    if (!command.includes(' simple cron nightly')) return;
    const subscription = { extension_id: 'cron', subscription_id: 'nightly', settings: { expression: '0 3 * * * *' } };
    const ofSimple = { namespace_id: namespace, pipeline_id: 'simple' };
    await client.call('delete_subscription', { path: { ...ofSimple, ...subscription } }).catch(ignoreMissing);
    await client.call('create_subscription', { path: ofSimple, body: subscription });
  }

  const ordinary = examples.filter(
    ({ path, command }) => !ENDLESS.includes(command) && !OF_IDENTITY.has(path) && !OF_FILES.has(path) && !OF_DELIVERIES.has(path),
  );
  it.each(ordinary)('$command', async ({ path, command }) => {
    if (path === 'event get') return await expectEvent(command);
    if (path === 'task attach') return await expectAttached(command);
    const plain = await runExample(command, 'plain');
    expect(plain).toMatchObject({ code: 0 });
    expect(plain.stdout + plain.stderr).not.toBe('');
    if (command.includes('--raw') || command.includes('--output-format')) return;

    const json = await runExample(command, 'json');
    expect(json.code).toBe(0);
    // A log's completeness is told there, so that its lines alone are the output.
    if (path !== 'task logs') expect(json.stderr).toBe('');
    for (const document of [...documentsOf(json.stdout), ...(json.stderr === '' ? [] : documentsOf(json.stderr))])
      expect(() => JSON.parse(document) as unknown).not.toThrow();

    const silent = await runExample(command, 'silent');
    if (SHOWN_ONCE.has(path)) expect(silent).toMatchObject({ code: 2, stdout: '' });
    else expect(silent).toEqual({ code: 0, stdout: '', stderr: '' });
  });

  async function expectEvent(command: string): Promise<void> {
    const { stdout } = await runExample('gofer event list --limit 1', 'json');
    const { id } = JSON.parse(stdout) as { id: string };
    const outcome = await runExample(command.replace(UUID, id), 'plain');
    expect(outcome).toMatchObject({ code: 0 });
    expect(outcome.stdout).toContain(id);
  }

  /** Its output is the command's own, whatever the format. */
  async function expectAttached(command: string): Promise<void> {
    const namespace = await newNamespace();
    const steps = JSON.stringify([{ sleep_ms: 600_000 }]);
    const [task] = SIMPLE.tasks;
    const endless = { ...SIMPLE, tasks: [{ ...task, command: ['gofer-fake-steps', steps] }] };
    const path = { namespace_id: namespace, pipeline_id: 'simple' };
    await client.call('register_config', { path, body: { config: endless } });
    await client.call('deploy_config', { path: { ...path, version: 3 } });
    const { run } = await client.call('start_run', { path, body: { variables: {} } });
    const ofRun = { ...path, run_id: run?.run_id ?? 0 };
    const stateOf = async () => (await client.call('get_task_execution', { path: { ...ofRun, task_id: 'hello' } })).task_execution.state;
    await expect.poll(stateOf).toBe('running');
    const { argv, stdin } = await parseShell(command.replace(' 1 ', ` ${ofRun.run_id} `), directory);
    const env = { GOFER_API_BASE_URL: server.url, GOFER_NAMESPACE: namespace };
    const words = argv.includes('--') ? argv.slice(argv.indexOf('--') + 1) : ['/bin/sh'];
    // The fake writes the command that it is to run.
    expect(await runInProcess(argv, { env, ...(stdin === undefined ? {} : { stdin }) })).toEqual({
      code: 0,
      stdout: `${words.join(' ')}\n`,
      stderr: '',
    });
    await client.call('cancel_run', { path: ofRun });
  }

  it.each(ENDLESS)('%s', async (command) => {
    const config = join(directory, 'gofer_web.toml');
    await writeFile(config, '[development]\nbypass_auth = true\n[external_events]\nenable = false\n[scheduler]\nengine = "fake"\n');
    const [, ...argv] = command.split(' ');
    const fixed = [
      '--bind-address',
      '127.0.0.1:0',
      '--scheduler',
      'fake',
      '--storage-path',
      join(directory, 'service', 'gofer.db'),
      '--logs-dir',
      join(directory, 'service', 'logs'),
    ];
    await mkdir(join(directory, 'service'), { recursive: true });
    const outcome = await runInProcess([...argv, ...(command.includes('fake') ? fixed.slice(4) : fixed)], {
      workingDirectory: directory,
      env: { XDG_STATE_HOME: join(directory, 'state') },
      onStdout: (all, signal) => {
        if (all.includes('is ready at')) signal('SIGTERM');
      },
    });
    expect(outcome).toMatchObject({ code: 0, stderr: '' });
    expect(outcome.stdout).toContain('stopped');
  });
});

describe('the examples of the help that need a server which asks for tokens', () => {
  const own = examples.filter(({ path }) => OF_IDENTITY.has(path));
  const commandsOf = (wanted: string) => own.filter(({ path }) => path === wanted).map(({ command }) => command);

  it.each(['plain', 'json'])('do what they say, in %s', async (format) => {
    const flags = { 'development.bypass_auth': 'false', 'secret_store.sqlite.encryption_key': 'k'.repeat(32) };
    const server = await startTestServer('fake', flags);
    const directory = await mkdtemp(join(tmpdir(), 'gofer-cli-examples-'));
    const run = async (command: string) => {
      const { argv, stdin } = await parseShell(command, directory);
      return await runInProcess([...argv, '--output-format', format], {
        env: { GOFER_API_BASE_URL: server.url },
        workingDirectory: directory,
        ...(stdin === undefined ? {} : { stdin }),
      });
    };
    try {
      for (const command of commandsOf('token bootstrap')) {
        const { code, stdout } = await run(command);
        expect(code).toBe(0);
        const [secret = ''] = /gofer_[\w-]+/u.exec(stdout) ?? [];
        await writeFile(join(directory, 'token.txt'), `${secret}\n`);
      }
      // On a terminal it asks, which has a test of its own.
      for (const command of commandsOf('login'))
        expect(await run(`${command.split(' --')[0]} --token-stdin < token.txt`)).toMatchObject({ code: 0, stderr: '' });
      expect(await run('gofer token whoami')).toMatchObject({ code: 0 });
      for (const command of commandsOf('logout')) expect(await run(command)).toMatchObject({ code: 0, stderr: '' });
      expect(await run('gofer token whoami')).toMatchObject({ code: 4 });
    } finally {
      await server.close();
      await rm(directory, { recursive: true, force: true });
    }
  });
});

function ignoreMissing(error: unknown): void {
  if (codeOf(error) !== 'NOT_FOUND') throw error;
}

/** What a stream prints is one document a line, everything else is one document. */
function documentsOf(stdout: string): string[] {
  return stdout.startsWith('{"') ? stdout.trimEnd().split('\n') : [stdout];
}

/** Words, double quotes and `<`: all that the examples use of a shell. */
async function parseShell(command: string, directory: string): Promise<{ argv: string[]; stdin?: string }> {
  const words = [...command.matchAll(/(?:"[^"]*"|[^\s"])+/gu)].map(([word]) => word.replaceAll('"', ''));
  const redirect = words.indexOf('<');
  const argv = words.slice(1, redirect === -1 ? undefined : redirect);
  return redirect === -1 ? { argv } : { argv, stdin: await readFile(join(directory, words[redirect + 1] ?? ''), 'utf8') };
}
