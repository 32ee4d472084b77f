import type { Subscription } from '@gofer/contracts/api';
import { afterEach, expect, it } from 'vitest';
import { type Outcome, runInProcess } from '../testing/run-in-process.ts';
import { type ScriptedAnswer, type ScriptedServer, startScriptedServer } from '../testing/scripted-server.ts';

const NOW = 1_800_000_000_000;
const PIPELINE = '/api/namespaces/team-a/pipelines/simple';
const ONE = `${PIPELINE}/subscriptions/cron/nightly`;
const NIGHTLY: Subscription = {
  namespace_id: 'team-a',
  pipeline_id: 'simple',
  extension_id: 'cron',
  subscription_id: 'nightly',
  settings: { expression: '0 3 * * * *', token: 'pipeline_secret{{t}}' },
  status: 'active',
  status_reason: null,
  created: NOW - 60_000,
  modified: NOW - 60_000,
  origin: 'config',
};
const BROKEN: Subscription = {
  ...NIGHTLY,
  extension_id: 'github',
  subscription_id: 'run_tests',
  settings: {},
  status: 'error',
  status_reason: { reason: 'not_found', description: 'there is no extension github\u001b[2J any more' },
  origin: 'api',
};

let server: ScriptedServer | undefined;
afterEach(async () => {
  await server?.close();
  server = undefined;
});

async function gofer(argv: readonly string[], answers: Readonly<Record<string, ScriptedAnswer>>): Promise<Outcome> {
  await server?.close();
  server = await startScriptedServer(({ line }) => answers[line]);
  return await runInProcess(argv, { now: () => NOW, env: { GOFER_API_BASE_URL: server.url, GOFER_NAMESPACE: 'team-a' } });
}

it.each([[['pipeline', 'subscribe']], [['extension', 'sub']]])('%j sends what is to be subscribed', async (path) => {
  const argv = [...path, 'simple', 'cron', 'yearly_on_xmas', '-s', 'expression=0 1 25 12 * *', '--setting', 'zone=UTC'];
  const { code, stdout } = await gofer(argv, { [`POST ${PIPELINE}/subscriptions`]: [201, { subscription: NIGHTLY }] });
  expect(server?.requests).toMatchObject([
    { body: { extension_id: 'cron', subscription_id: 'yearly_on_xmas', settings: { expression: '0 1 25 12 * *', zone: 'UTC' } } },
  ]);
  expect(code).toBe(0);
  expect(stdout).toBe(`✓ Pipeline simple is subscribed to cron, as yearly_on_xmas
  See all of its subscriptions: gofer pipeline subscription list simple --namespace team-a
  End it: gofer pipeline unsubscribe simple cron yearly_on_xmas --namespace team-a
`);
});

it.each([[['pipeline', 'unsubscribe']], [['extension', 'unsub']], [['pipeline', 'subscription', 'delete']]])('%j ends it', async (path) => {
  const { code, stdout } = await gofer([...path, 'simple', 'cron', 'nightly'], { [`DELETE ${ONE}`]: [204] });
  expect({ code, stdout }).toEqual({ code: 0, stdout: '✓ Ended the subscription cron/nightly of simple\n' });
});

it('list and get show status, why, settings as they are written, and who keeps it', async () => {
  const list = await gofer(['pipeline', 'subscription', 'list', 'simple'], {
    [`GET ${PIPELINE}/subscriptions`]: [200, { subscriptions: [NIGHTLY, BROKEN] }],
  });
  expect(list.stdout.split('\n').map((line) => line.split(/ {2,}/u))).toEqual([
    ['EXTENSION', 'LABEL', 'STATUS', 'KEPT BY', 'SETTINGS', 'WHY'],
    ['cron', 'nightly', 'active', "the pipeline's code", 'expression="0 3 * * * *" token="pipeline_secret{{t}}"'],
    ['github', 'run_tests', 'error', 'people', 'there is no extension github any more'],
    [''],
  ]);
  const value = 'x'.repeat(99);
  const listed = { [`GET ${PIPELINE}/subscriptions`]: [200, { subscriptions: [{ ...NIGHTLY, settings: { value } }] }] } as const;
  const cut = await gofer(['pipeline', 'subscription', 'list', 'simple'], listed);
  expect(cut.stdout).toMatch(/ value="x{40}"…\n$/u);
  expect((await gofer(['pipeline', 'subscription', 'list', 'simple', '--detail'], listed)).stdout).toContain(`value="${value}"`);
  const get = await gofer(['pipeline', 'subscription', 'get', 'simple', 'cron', 'nightly'], {
    [`GET ${ONE}`]: [200, { subscription: BROKEN }],
  });
  expect(get.stdout).toBe(`github/run_tests of team-a/simple :: error
  not_found: there is no extension github any more

Settings
  None

Kept by people · Made 1 minute ago · Changed 1 minute ago
`);
});

it('update changes what is given, removes what is unset, keeps the rest, and says whose it is', async () => {
  const words = [
    'pipeline',
    'subscription',
    'update',
    'simple',
    'cron',
    'nightly',
    '-s',
    'expression=x',
    '--unset',
    'token',
    '-s',
    'zone=UTC',
  ];
  const { code, stderr } = await gofer(words, { [`GET ${ONE}`]: [200, { subscription: NIGHTLY }], [`PATCH ${ONE}`]: [204] });
  expect(code).toBe(0);
  expect(server?.requests.find(({ line }) => line.startsWith('PATCH'))?.body).toEqual({ settings: { expression: 'x', zone: 'UTC' } });
  expect(stderr).toContain("It is kept by the pipeline's code: the next gofer up makes it what it is there.");
});

it('update says so where nothing is another', async () => {
  const answers = { [`GET ${ONE}`]: [200, { subscription: BROKEN }], [`PATCH ${ONE}`]: [204] } as const;
  const { code, stdout, stderr } = await gofer('pipeline subscription update simple cron nightly --unset nothing'.split(' '), answers);
  expect([code, stdout, stderr]).toEqual([
    0,
    '✓ The subscription cron/nightly of simple has these settings already\n',
    '! nothing was not set: there was nothing to remove\n',
  ]);
});

it.each([
  ['enable', 'active'],
  ['disable', 'disabled'],
])('%s sends the status', async (verb, status) => {
  const answers = { [`GET ${ONE}`]: [200, { subscription: NIGHTLY }], [`PATCH ${ONE}`]: [204] } as const;
  const { code } = await gofer(['pipeline', 'subscription', verb, 'simple', 'cron', 'nightly'], answers);
  expect(code).toBe(0);
  expect(server?.requests[0]).toEqual({ line: `PATCH ${ONE}`, body: { status } });
});

it('a pipeline is shown with its subscriptions, and to whoever may not see them without', async () => {
  const answers = {
    [`GET ${PIPELINE}`]: [
      200,
      { pipeline: { namespace_id: 'team-a', pipeline_id: 'simple', state: 'active', created: NOW, modified: NOW } },
    ],
    [`GET ${PIPELINE}/runs?limit=5&reverse=true`]: [200, { runs: [] }],
  } as const;
  const known = { ...answers, [`GET ${PIPELINE}/subscriptions`]: [200, { subscriptions: [NIGHTLY, BROKEN] }] } as const;
  const { code, stdout } = await gofer(['pipeline', 'get', 'simple'], known);
  expect(code).toBe(0);
  expect(stdout).toContain('🗘 Extension Subscriptions\n');
  expect(stdout).toMatch(/⟳ nightly +cron +active +expression="0 3 \* \* \* \*" token="pipeline_secret\{\{t\}\}"\n/u);
  expect(stdout).toMatch(/⟳ run_tests +github +error +there is no extension github any more\n/u);
  const json = await gofer(['pipeline', 'get', 'simple', '--output-format', 'json'], known);
  expect(JSON.parse(json.stdout)).toMatchObject({ config: null, subscriptions: [NIGHTLY, BROKEN] });

  const denied = [403, { error_code: 'PERMISSION_DENIED', message: 'no', request_id: 'r1' }] as const;
  const without = await gofer(['pipeline', 'get', 'simple'], { ...answers, [`GET ${PIPELINE}/subscriptions`]: denied });
  expect(without).toMatchObject({ code: 0, stdout: expect.not.stringContaining('Subscriptions') });
});
