/** What `gofer up` makes of the subscriptions in the code, against a server that keeps subscriptions and refuses some. */
import type { Subscription } from '@gofer/contracts/api';
import { afterEach, expect, it } from 'vitest';
import { runInProcess } from '../testing/run-in-process.ts';
import { SIMPLE } from '../testing/sample-pipeline.ts';
import { type ScriptedAnswer, type ScriptedServer, type SentRequest, startScriptedServer } from '../testing/scripted-server.ts';

const PIPELINE = '/api/namespaces/default/pipelines/simple';
const SUBSCRIPTIONS = `${PIPELINE}/subscriptions`;
const CONFIG = { namespace_id: 'default', pipeline_id: 'simple', version: 1, name: 'Simple', tasks: {}, state: 'live' };

type Kept = Pick<Subscription, 'extension_id' | 'subscription_id' | 'settings' | 'origin'>;
const kept = (name: string, settings: Record<string, string>, origin: 'api' | 'config'): Kept => {
  const [extension_id = '', subscription_id = ''] = name.split('/');
  return { extension_id, subscription_id, settings, origin };
};

let server: ScriptedServer | undefined;
afterEach(async () => {
  await server?.close();
  server = undefined;
});

/** As the API has them; the extension `down` does not run. */
function subscriptionsOf(all: Map<string, Kept>, { line, body }: SentRequest): ScriptedAnswer | undefined {
  if (line === `GET ${SUBSCRIPTIONS}`) return [200, { subscriptions: [...all.values()] }];
  const sent = (body ?? {}) as Partial<Kept>;
  if (line === `POST ${SUBSCRIPTIONS}`) {
    if (sent.extension_id === 'down') return [503, { error_code: 'UNAVAILABLE', message: 'extension down does not run', request_id: 'r1' }];
    all.set(`${sent.extension_id}/${sent.subscription_id}`, {
      settings: {},
      origin: 'api',
      extension_id: '',
      subscription_id: '',
      ...sent,
    });
    return [201, { subscription: sent }];
  }
  const [, method, name = ''] = new RegExp(`^(PATCH|DELETE) ${SUBSCRIPTIONS}/(.*)$`, 'u').exec(line) ?? [];
  const before = all.get(name);
  if (method === undefined || before === undefined) return undefined;
  if (method === 'DELETE') all.delete(name);
  else all.set(name, { ...before, ...sent });
  return [204];
}

async function up(argv: readonly string[], subscriptions: unknown, before: readonly Kept[], list?: ScriptedAnswer) {
  const all = new Map(before.map((each) => [`${each.extension_id}/${each.subscription_id}`, each]));
  await server?.close();
  server = await startScriptedServer((request) => {
    if (request.line === `POST ${PIPELINE}/configs`) return [201, { pipeline: { metadata: {}, config: CONFIG } }];
    if (request.line === `POST ${PIPELINE}/configs/1`) return [201, { deployment: {} }];
    if (request.line === `GET ${PIPELINE}/configs/1`) return [200, { config: CONFIG }];
    if (list !== undefined && request.line === `GET ${SUBSCRIPTIONS}`) return list;
    return subscriptionsOf(all, request);
  });
  const stdin = JSON.stringify({ ...SIMPLE, ...(subscriptions === undefined ? {} : { subscriptions }) });
  const outcome = await runInProcess(['up', '-', ...argv], { stdin, env: { GOFER_API_BASE_URL: server.url } });
  return { ...outcome, all: [...all.values()] };
}

const json = (name: string, settings: Record<string, string>) => {
  const { origin: _, ...subscription } = kept(name, settings, 'config');
  return subscription;
};
const REGISTERED = `✓ Registered pipeline: [simple] "Simple" v1
  View details of your pipeline: gofer pipeline get simple
  Start a new run and watch it: gofer run start simple --follow
`;

it('makes, changes, adopts and ends them, and leaves alone what people have made', async () => {
  const code = [
    json('cron/nightly', { expression: '0 3 * * * *', token: 'pipeline_secret{{t}}' }),
    json('cron/weekly', { expression: 'new' }),
    json('github/mine', { repository: 'a/b' }),
  ];
  const byHand = kept('interval/by-hand', { every: '5m' }, 'api');
  const {
    code: exit,
    stdout,
    stderr,
    all,
  } = await up([], code, [
    kept('cron/weekly', { expression: 'old', webhook_secret: 'hush' }, 'config'),
    kept('github/mine', { repository: 'a/b' }, 'api'),
    kept('cron/gone', { expression: 'x' }, 'config'),
    byHand,
  ]);
  expect(stdout).toBe(`${REGISTERED}Subscriptions
  + cron/nightly expression="0 3 * * * *" token="pipeline_secret{{t}}"
  ~ cron/weekly expression: "old" → "new", webhook_secret: [redacted] → unset
  ~ github/mine (made by hand; from now on kept by the code)
  - cron/gone expression="x"
✓ Subscribed to cron/nightly
✓ Changed cron/weekly
✓ Changed github/mine
✓ Ended cron/gone
`);
  expect({ exit, stderr }).toEqual({ exit: 0, stderr: '' });
  expect(all).toHaveLength(4);
  expect(all).toEqual(expect.arrayContaining([byHand, ...code.map((each) => Object.assign(each, { origin: 'config' }))]));
  const adopting = server?.requests.find(({ line }) => line === `PATCH ${SUBSCRIPTIONS}/github/mine`);
  expect(adopting?.body).toEqual({ origin: 'config' });
});

it('says nothing of them where there is nothing to do', async () => {
  const nightly = json('cron/nightly', { expression: 'x' });
  const done = await up([], [nightly], [{ ...nightly, origin: 'config' }, kept('cron/by-hand', {}, 'api')]);
  expect(done).toMatchObject({ code: 0, stdout: REGISTERED, stderr: '' });
});

it('does the others where one fails, says why, and ends with 1', async () => {
  const code = [json('down/one', { a: '1' }), json('cron/nightly', { expression: 'x' })];
  const plain = await up([], code, []);
  expect(plain.code).toBe(1);
  expect(plain.stderr).toBe('x Not subscribed to down/one: extension down does not run\n');
  expect(plain.stdout).toContain('✓ Subscribed to cron/nightly\n');
  expect(plain.all).toMatchObject([{ extension_id: 'cron' }]);

  const forPrograms = await up(['--output-format', 'json'], code, []);
  expect(forPrograms).toMatchObject({ code: 1, stderr: '' });
  expect(JSON.parse(forPrograms.stdout)).toMatchObject({
    config: CONFIG,
    subscriptions: [
      { action: 'create', ...code[0], error: { error_code: 'UNAVAILABLE', message: 'extension down does not run' } },
      { action: 'create', ...code[1] },
    ],
  });
  const silent = await up(['--output-format', 'silent'], code, []);
  expect(silent).toMatchObject({ code: 1, stdout: '', stderr: plain.stderr });
});

it('ends those of the code before, where the code has none any more', async () => {
  const { code, all } = await up([], undefined, [kept('cron/old', {}, 'config'), kept('cron/by-hand', {}, 'api')]);
  expect({ code, all }).toEqual({ code: 0, all: [kept('cron/by-hand', {}, 'api')] });
});

it('does not touch them with --no-deploy', async () => {
  const { code } = await up(['--no-deploy'], [json('cron/nightly', {})], []);
  expect(code).toBe(0);
  expect(server?.requests.map(({ line }) => line)).toEqual([`POST ${PIPELINE}/configs`]);
});

const DENIED: ScriptedAnswer = [403, { error_code: 'PERMISSION_DENIED', message: 'you may not read subscriptions', request_id: 'r1' }];

it('is content where subscriptions may not be seen, unless the code has some', async () => {
  const none = await up([], undefined, [], DENIED);
  expect(none).toMatchObject({
    code: 0,
    stdout: REGISTERED,
    stderr: '! Subscriptions stay as they are: you may not read which ones the pipeline has\n',
  });
  const some = await up([], [json('cron/nightly', {})], [], DENIED);
  expect(some).toMatchObject({ stdout: REGISTERED, stderr: expect.stringContaining('you may not read subscriptions') });
  expect(some.code).toBeGreaterThan(0);
  const forPrograms = await up(['--output-format', 'json'], [json('cron/nightly', {})], [], DENIED);
  expect(forPrograms.code).toBe(some.code);
  expect(JSON.parse(forPrograms.stdout)).toMatchObject({ config: CONFIG });
});

it('makes nothing live where they cannot be seen for another reason', async () => {
  const { code } = await up([], [], [], [500, { error_code: 'INTERNAL', message: 'broken', request_id: 'r1' }]);
  expect(code).toBeGreaterThan(0);
  const lines = server?.requests.map(({ line }) => line) ?? [];
  expect(lines).toContain(`GET ${SUBSCRIPTIONS}`);
  expect(lines).not.toContain(`POST ${PIPELINE}/configs/1`);
});

it('--dry-run shows what it would do, and sends nothing', async () => {
  const nightly = json('cron/nightly', { expression: 'x' });
  const known = await up(['--dry-run'], [nightly], [kept('cron/old', {}, 'config')]);
  expect(known).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('Subscriptions\n  + cron/nightly expression="x"\n  - cron/old\n'),
  });
  expect(server?.requests.map(({ line }) => line)).toEqual([`GET ${SUBSCRIPTIONS}`]);

  const missing: ScriptedAnswer = [404, { error_code: 'NOT_FOUND', message: 'there is no pipeline simple', request_id: 'r1' }];
  const fresh = await up(['--dry-run'], [nightly], [], missing);
  expect(fresh.stdout).toContain('Subscriptions\n  + cron/nightly expression="x"\n\n');
  expect(fresh.stdout).not.toContain('not known');

  const url = server?.url ?? '';
  await server?.close();
  const unreachable = await runInProcess(['up', '-', '--dry-run'], {
    stdin: JSON.stringify({ ...SIMPLE, subscriptions: [nightly] }),
    env: { GOFER_API_BASE_URL: url },
  });
  expect(unreachable.code).toBe(0);
  expect(unreachable.stdout).toMatch(
    / {2}\+ cron\/nightly expression="x"\n {2}! Which of them there are already is not known: no Gofer server can be reached/u,
  );
});
