/** What the commands send, and what they make of the answers: of extensions that do not run, too, which no test brings about at will. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Delivery, Extension } from '@gofer/contracts/api';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { type Outcome, type RunOptions, runInProcess } from '../testing/run-in-process.ts';
import { type ScriptedAnswer, type ScriptedServer, type SentRequest, startScriptedServer } from '../testing/scripted-server.ts';

const NOW = 1_800_000_000_000;
const RUNNING: Extension = {
  registration: {
    extension_id: 'cron',
    image: 'builtin:cron',
    registry_auth: null,
    settings: [
      { key: 'ZONE', value: '[redacted]', source: 'system' },
      { key: 'OTHER', value: 'global_secret{{x}}', source: 'system' },
    ],
    created: NOW - 7_200_000,
    modified: NOW - 7_200_000,
    status: 'enabled',
    additional_roles: ['reader'],
  },
  url: 'http://127.0.0.1:1/',
  started: NOW - 120_000,
  state: 'running',
  documentation: {
    config_params: [{ key: 'zone', required: false, documentation: 'Where it is that time.' }],
    pipeline_subscription_params: [{ key: 'expression', required: true, documentation: 'When.' }],
    body: 'More of it.',
  },
  health: 'healthy',
  restarts: 2,
  engine: 'builtin',
};
const FAILED: Extension = {
  ...RUNNING,
  state: 'exited',
  url: '',
  state_reason: 'it ended with exit code 1',
  last_error: { message: 'APP_ID is missing', at: NOW - 1_000 },
  next_start: NOW + 10_000,
  documentation: { config_params: [], pipeline_subscription_params: [], body: '' },
};
const DELIVERY: Delivery = {
  delivery_id: '019a3c1e-8f00-7000-8000-000000000000',
  extension_id: 'webhook',
  received: NOW - 60_000,
  size: 11,
  state: 'refused',
  attempts: 1,
  finished: NOW - 59_000,
  status_code: 400,
  message: 'the signature is wrong',
  headers: { 'x-hub-signature-256': 'sha256=0' },
};

let server: ScriptedServer | undefined;
let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'gofer-cli-extensions-'));
  await writeFile(join(directory, 'password.txt'), 'hush\n');
});
afterAll(async () => await rm(directory, { recursive: true, force: true }));
afterEach(async () => {
  await server?.close();
  server = undefined;
});

/** Runs a command against a server that answers so. */
async function gofer(
  words: string,
  answers: Readonly<Record<string, ScriptedAnswer>> | ((request: SentRequest) => ScriptedAnswer | undefined),
  options: RunOptions = {},
): Promise<Outcome> {
  await server?.close();
  server = await startScriptedServer(typeof answers === 'function' ? answers : ({ line }) => answers[line]);
  return await runInProcess(words.split(' '), {
    now: () => NOW,
    workingDirectory: directory,
    ...options,
    env: { GOFER_API_BASE_URL: server.url, ...options.env },
  });
}
const INSTALL = 'POST /api/extensions?wait=30';

it('install sends what it is given, with the image that comes with the server where there is none', async () => {
  const plain = await gofer('extension install cron -c ZONE=UTC --config A=b -a reader', { [INSTALL]: [201, { extension: RUNNING }] });
  expect(plain).toMatchObject({ code: 0, stderr: '' });
  expect(server?.requests).toEqual([
    { line: INSTALL, body: { id: 'cron', image: 'builtin:cron', settings: { ZONE: 'UTC', A: 'b' }, additional_roles: ['reader'] } },
  ]);
  expect(plain.stdout).toMatch(/✓ Installed extension cron \(builtin:cron\); it runs\n/u);
  expect(plain.stdout).toContain('gofer pipeline subscribe PIPELINE cron LABEL -s expression=…');
});

it('install takes the password of a registry from standard input or a file, and never without its user', async () => {
  const answers = { 'POST /api/extensions?wait=0': [201, { extension: RUNNING }] } as const;
  const words = 'extension install mailer ghcr.io/example/mailer --wait 0 --registry-user ada';
  await gofer(words, answers, { stdin: 'hush\n' });
  const body = { id: 'mailer', image: 'ghcr.io/example/mailer', settings: {}, registry_auth: { user: 'ada', pass: 'hush' } };
  expect(server?.requests).toMatchObject([{ body }]);
  await gofer(`${words} --registry-password-file password.txt`, answers);
  expect(server?.requests).toMatchObject([{ body }]);
  expect(await gofer(words, answers)).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('there is no password for --registry-user ada'),
  });
  const alone = await gofer('extension install cron --registry-password-file password.txt', answers);
  expect(alone).toMatchObject({ code: 2, stderr: expect.stringContaining('a --registry-user, which is missing') });
  expect(server?.requests).toEqual([]);
});

it('install ends with 0 where it does not run yet, and says why and how to look', async () => {
  const { code, stdout } = await gofer('extension install github', { [INSTALL]: [201, { extension: FAILED }] });
  expect(code).toBe(0);
  expect(stdout).toContain('! It does not run yet: it ended with exit code 1\n  APP_ID is missing\n  It is started again in 10 seconds.\n');
  expect(stdout).toContain('gofer extension logs cron');
});

it('what is no command line says so before anything is sent', async () => {
  const cases: [string, RegExp][] = [
    ['extension install mailer', /an extension needs an image: gofer extension install mailer IMAGE/u],
    ['extension install cron -i', /--interactive asks on a terminal, and there is none here: give settings by -c KEY=VALUE/u],
    ['extension install cron -c hush', /--config, number 1: must be KEY=VALUE/u],
    ['extension upgrade cron', /nothing to change: give an image/u],
    ['extension upgrade cron -c A=1 --unset A', /A is set by --config and removed by --unset/u],
    ['extension deliveries webhook --state lost', /--state is one of pending, delivered, refused, failed, not "lost"/u],
    ['extension deliveries webhook --body', /--body is of one delivery/u],
    ['pipeline subscribe simple cron every/night', /the label of a subscription is 1 to 63 characters/u],
    ['pipeline subscription update simple cron nightly', /nothing to change: give -s KEY=VALUE or --unset KEY/u],
    ['extension install cron builtin:cron PASSWORD=hush', /there is something too many; a setting goes behind its flag/u],
  ];
  for (const [words, message] of cases) {
    const { code, stdout, stderr } = await gofer(words, {});
    expect(stderr).toMatch(message);
    expect([words, code, stdout, server?.requests]).toEqual([words, 2, '', []]);
    expect(stderr).not.toContain('hush');
  }
});

it('upgrade sends what is to change, and waits until it has failed or runs', async () => {
  let asked = 0;
  const { code, stdout } = await gofer('extension upgrade cron builtin:cron -c ZONE=UTC', ({ line }) => {
    if (line.startsWith('PATCH')) return [204];
    asked += 1;
    return [200, { extension: asked === 1 ? { ...FAILED, state: 'processing', last_error: undefined } : RUNNING }];
  });
  expect(code).toBe(0);
  expect(server?.requests[0]).toEqual({
    line: 'PATCH /api/extensions/cron',
    body: { image: 'builtin:cron', settings: { ZONE: 'UTC' } },
  });
  expect(asked).toBe(2);
  expect(stdout).toContain('✓ Changed extension cron (builtin:cron); it runs');
});

it('upgrade tells of settings that are not what they seem: none that it documents, and none that was set', async () => {
  const settings = [{ key: 'ZONES', value: '[redacted]', source: 'system' }];
  const { code, stdout, stderr } = await gofer('extension upgrade cron --unset OTHER --unset ZONES', {
    'GET /api/extensions/cron': [200, { extension: { ...RUNNING, registration: { ...RUNNING.registration, settings } } }],
    'PATCH /api/extensions/cron': [204],
  });
  expect(code).toBe(0);
  expect(server?.requests[1]).toMatchObject({ body: { settings: { OTHER: null, ZONES: null } } });
  expect(stdout).toContain('; it runs\n! ZONES is set, and is no setting that it documents; did you mean zone?\n');
  expect(stderr).toBe('! OTHER was not set: there was nothing to remove\n');
});

const SUBSCRIPTION = { namespace_id: 'team-a', pipeline_id: 'simple', extension_id: 'cron', subscription_id: 'nightly', status: 'active' };
const got = (extension: object, subscriptions: readonly object[] = []) => ({
  'GET /api/extensions/cron': [200, { extension }] as const,
  'GET /api/extensions/cron/subscriptions': [200, { subscriptions }] as const,
});

it('get shows the first of many subscriptions, and all of them with --detail', async () => {
  const many = got(
    RUNNING,
    Array.from({ length: 22 }, (_, index) => ({ ...SUBSCRIPTION, subscription_id: `nightly_${index}` })),
  );
  const { stdout } = await gofer('extension get cron', many);
  expect(stdout.match(/⟳/gu)).toHaveLength(20);
  expect(stdout).toContain('\n  and 2 more: --detail shows all\n');
  expect((await gofer('extension get cron --detail', many)).stdout.match(/⟳/gu)).toHaveLength(22);
  const json = await gofer('extension get cron --output-format json', many);
  expect([JSON.parse(json.stdout), server?.requests.length]).toEqual([RUNNING, 1]);
});

it('get shows what it takes, what is set, and how it is doing', async () => {
  const { stdout } = await gofer('extension get cron', got(RUNNING, [SUBSCRIPTION]));
  expect(stdout).toBe(`[cron] builtin:cron :: running

  Started       2 minutes ago
  Health        healthy
  Restarts      2
  Endpoint      http://127.0.0.1:1/
  Run by        builtin
  Roles         reader

Config Params
  • zone :: Optional :: set :: Where it is that time.
  • OTHER :: set to global_secret{{x}} :: not documented

Pipeline Params
  • expression :: Required :: When.

Subscriptions
  ⟳ team-a/simple  nightly  active

Info
  More of it.

Installed 2 hours ago · Changed 2 hours ago
`);
  const failed = await gofer('extension get cron', got(FAILED));
  expect(failed.stdout).toMatch(
    /:: exited\n[\s\S]*Why +it ended with exit code 1\n[\s\S]*Last error +APP_ID is missing \(1 second ago\)\n +Next start +in 10 seconds\n/u,
  );
  expect(failed.stdout).toMatch(/Config Params\n {2}Not known: .*\n {2}• ZONE :: set\n[\s\S]*Pipeline Params\n {2}Not known: /u);
  const disabled = { ...RUNNING, state: 'exited', started: 0, registration: { ...RUNNING.registration, status: 'disabled' } };
  const stopped = await gofer('extension get cron', got(disabled));
  expect(stopped.stdout).not.toContain('never');
  const error = 'it ended with exit code 1';
  const once = { ...FAILED, last_error: { message: error, at: NOW } };
  const told = await gofer('extension get cron', got(once));
  expect(told.stdout.split(error)).toHaveLength(2);
});

it('list shows each with its last error, cut where it is long', async () => {
  const disabled = {
    ...FAILED,
    registration: { ...FAILED.registration, status: 'disabled' },
    last_error: { message: 'x'.repeat(99), at: NOW },
  };
  const answers = { 'GET /api/extensions': [200, { extensions: [RUNNING, disabled] }] } as const;
  const { stdout } = await gofer('extension list', answers);
  expect(
    stdout
      .split('\n')
      .slice(0, 3)
      .map((line) => line.split(/ {2,}/u)),
  ).toEqual([
    ['ID', 'IMAGE', 'STATE', 'HEALTH', 'RESTARTS', 'STARTED', 'LAST ERROR'],
    ['cron', 'builtin:cron', 'running', 'healthy', '2', '2 minutes ago'],
    ['cron', 'builtin:cron', 'disabled', 'healthy', '2', '2 minutes ago', `${'x'.repeat(60)}…`],
  ]);
  const json = await gofer('extension list --output-format json', answers);
  expect(JSON.parse(json.stdout)).toEqual([RUNNING, disabled]);
  const none = await gofer('extension list', { 'GET /api/extensions': [200, { extensions: [] }] });
  expect(none.stdout).toBe('No extensions are installed. Install one with: gofer extension install cron\n');
});

it('uninstall says how many subscriptions went with it', async () => {
  const answers = (subscriptions: unknown[]) => ({
    'GET /api/extensions/cron/subscriptions': [200, { subscriptions }] as const,
    'DELETE /api/extensions/cron': [204] as const,
  });
  expect((await gofer('extension uninstall cron', answers([]))).stdout).toBe('✓ Uninstalled extension cron; it had no subscriptions\n');
  expect((await gofer('extension uninstall cron', answers([{}, {}]))).stdout).toContain('2 subscriptions went with it');
  expect(server?.requests.map(({ line }) => line)).toEqual(['GET /api/extensions/cron/subscriptions', 'DELETE /api/extensions/cron']);
});

it('debug shows JSON as such, and text as it is', async () => {
  const answer = (info: string) => ({ 'GET /api/extensions/cron/debug': [200, { info }] as const });
  expect((await gofer('extension debug cron', answer('{"next":{"a":1}}'))).stdout).toBe('{\n  "next": {\n    "a": 1\n  }\n}\n');
  expect((await gofer('extension debug cron', answer('all is well\u001b[2J'))).stdout).toBe('all is well\n');
  // CSI in one character, and what turns the direction of a line, are no concern of JSON.
  const hostile = await gofer('extension debug cron', answer('{"a":"\u009b2J\u202e"}'));
  expect(hostile.stdout).toBe('{\n  "a": "\\u009b2J\\u202e"\n}\n');
  const body = { ...RUNNING, documentation: { ...RUNNING.documentation, body: 'x\u009b2Jy' } };
  const json = await gofer('extension get cron --output-format json', { 'GET /api/extensions/cron': [200, { extension: body }] });
  expect(json.stdout).not.toContain('\u009b');
  expect(JSON.parse(json.stdout)).toEqual(body);
});

it('deliveries are listed, shown with their headers, and written byte for byte', async () => {
  const { headers: _, ...listed } = DELIVERY;
  const one = `/api/extensions/webhook/deliveries/${DELIVERY.delivery_id}`;
  const list = await gofer('extension deliveries webhook --state Refused -l 5', {
    'GET /api/extensions/webhook/deliveries?limit=5&offset=0&state=refused': [200, { deliveries: [listed] }],
  });
  expect(list.stdout).toMatch(/^ID .*MESSAGE\n.* 1 minute ago +11 B +refused +1 +400 +the signature is wrong\n$/u);
  const runs = [
    { namespace_id: 'default', pipeline_id: 'build', run_id: 7 },
    { namespace_id: 'team', pipeline_id: 'ship', run_id: 1 },
  ];
  const taken = { ...DELIVERY, state: 'delivered', status_code: 204, runs };
  const done = await gofer(`extension deliveries webhook ${DELIVERY.delivery_id}`, { [`GET ${one}`]: [200, { delivery: taken }] });
  expect(done.stdout).toContain('  Started run default/build#7\n  Started run team/ship#1\n');
  const shown = await gofer(`extension deliveries webhook ${DELIVERY.delivery_id}`, { [`GET ${one}`]: [200, { delivery: DELIVERY }] });
  expect(shown.stdout).toContain('Its last answer: 400 the signature is wrong\n\nHeaders\n  x-hub-signature-256:  sha256=0\n');
  const bytes = new Uint8Array([0, 255, 10, 13]);
  const written: Uint8Array[] = [];
  await gofer(
    `extension deliveries webhook ${DELIVERY.delivery_id} --body`,
    { [`GET ${one}/body`]: [200, bytes] },
    {
      onBytes: (chunk) => written.push(chunk),
    },
  );
  expect(Buffer.concat(written)).toEqual(Buffer.from(bytes));
  // Whoever has sent it is not let near a terminal.
  const onTerminal = (sent: Uint8Array) =>
    gofer(`extension deliveries webhook ${DELIVERY.delivery_id} --body`, { [`GET ${one}/body`]: [200, sent] }, { terminals: ['stdout'] });
  expect((await onTerminal(Buffer.from('{\n"a": "\u001b]0;b\u0007\u009b2Jc"}'))).stdout).toBe('{\n"a": "c"}\n');
  expect(await onTerminal(bytes)).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining('into a file or a pipe') });
});

it('redeliver waits for what comes of it, and its exit code says that', async () => {
  const one = `/api/extensions/webhook/deliveries/${DELIVERY.delivery_id}`;
  const states: Delivery['state'][] = ['pending', 'delivered'];
  const words = `extension redeliver webhook ${DELIVERY.delivery_id} --wait`;
  const taken = await gofer(words, ({ line }) => {
    if (line === `POST ${one}/redeliver`) return [201, { delivery: { ...DELIVERY, state: 'pending' } }];
    return line === `GET ${one}` ? [200, { delivery: { ...DELIVERY, state: states.shift() } }] : undefined;
  });
  expect(taken).toMatchObject({ code: 0, stdout: expect.stringContaining(':: delivered') });
  const refused = await gofer(words, ({ line }) => [line.startsWith('POST') ? 201 : 200, { delivery: DELIVERY }]);
  expect(refused).toMatchObject({ code: 1, stdout: expect.stringContaining(':: refused') });
});

it('what an extension refuses is told with where to look', async () => {
  const { code, stderr } = await gofer('extension sub simple cron nightly -s expression=never', {
    'POST /api/namespaces/default/pipelines/simple/subscriptions': [
      400,
      { error_code: 'INVALID_ARGUMENT', message: 'cron: expression must have six fields', request_id: 'r1' },
    ],
  });
  expect(code).toBe(2);
  expect(stderr).toBe('x cron: expression must have six fields\n  What it takes, and how it is doing: gofer extension get EXTENSION\n');
});
