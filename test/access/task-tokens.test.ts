/** The tokens that tasks are given: how they are handed over, what is seen of them, and when they end. */
import { ROUTES } from '@gofer/contracts/api';
import { afterEach, describe, expect, it } from 'vitest';
import { until } from '../e2e/leftovers.ts';
import { tracesOf } from '../e2e/written-traces.ts';
import { AccessServer } from './access-server.ts';
import { deployWithToken, tokenOfRun } from './callers.ts';
import { fillPath } from './route-table.ts';

const PIPELINE = '/api/namespaces/default/pipelines/demo';
const KEPT = 3;

const servers: AccessServer[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await server.close();
});
async function start(flags: Readonly<Record<string, string>> = {}): Promise<AccessServer> {
  const server = await AccessServer.start(flags);
  servers.push(server);
  return server;
}

async function deploy(server: AccessServer, tasks: readonly object[]): Promise<void> {
  const config = { id: 'demo', name: 'demo', parallelism: 0, tasks };
  await server.ask('POST', `${PIPELINE}/configs`, { config });
  await server.ask('POST', `${PIPELINE}/configs/1`);
}

/** A task of the fake that does these steps. */
function task(id: string, steps: readonly object[], others: object = {}): object {
  return {
    id,
    image: 'any',
    depends_on: {},
    variables: {},
    inject_api_token: true,
    entrypoint: ['gofer-fake-steps'],
    command: [JSON.stringify(steps)],
    ...others,
  };
}

async function isGood(server: AccessServer, token: string): Promise<boolean> {
  const { status, code } = await server.call('GET', '/api/tokens/whoami', { token });
  if (status !== 200) expect(code).toBe('UNAUTHENTICATED');
  return status === 200;
}

interface ListedToken {
  readonly id: string;
  readonly user: string;
  readonly roles: readonly string[];
  readonly metadata: Readonly<Record<string, string>>;
  readonly expires: number;
  readonly created: number;
}
const tokensOfTasks = async (server: AccessServer): Promise<ListedToken[]> =>
  (await server.ask<{ tokens: ListedToken[] }>('GET', '/api/tokens')).tokens.filter(({ roles }) => roles.includes('inject_api_token'));

describe('the token of a task', () => {
  it('is its own, tells whose it is, and is handed over in its environment only', async () => {
    const server = await start();
    await deploy(server, [
      task('one', []),
      task('two', [], { depends_on: { one: 'Any' } }),
      task('three', [], { inject_api_token: false }),
    ]);
    const { run } = await server.ask<{ run: { token_id: string } }>('POST', `${PIPELINE}/runs?wait=60`, {});
    const environments = server.started.map(({ env }) => env);
    const secrets = environments.flatMap((env) => env['GOFER_API_TOKEN'] ?? []);
    expect(new Set(secrets).size).toBe(2);
    for (const env of environments) {
      expect(env['GOFER_TOKEN']).toBe(env['GOFER_API_TOKEN']);
      expect(env['GOFER_API_BASE_URL']).toBe(env['GOFER_API_TOKEN'] === undefined ? undefined : server.url);
    }
    const listed = await tokensOfTasks(server);
    expect(listed.map(({ metadata }) => metadata)).toEqual(
      ['one', 'two'].map((id) => ({ system_generated_run_token: 'true', namespace: 'default', pipeline: 'demo', run: '1', task: id })),
    );
    expect(listed.map(({ id }) => id)).toContain(run.token_id);
    for (const { expires, created, user } of listed) {
      expect(expires - created).toBe(21 * 24 * 3600 * 1000);
      expect(user).toBe('system_generated_run_token');
    }
    for (const secret of secrets) expect(await isGood(server, secret)).toBe(true);
  });

  it('stands in clear nowhere: in no file, in no log, in no answer', async () => {
    const server = await start({ 'api.log_level': 'trace' });
    await deploy(server, [task('one', [{ environment: true }, { print: 'this-stands-in-the-log\n' }, { sleep_ms: 300 }])]);
    await server.ask('POST', `${PIPELINE}/runs`, { variables: { SEEN: 'this-stands-in-the-database' } });
    await until('the start of the task', () => server.started.length === 1);
    const secret = server.started[0]?.env['GOFER_API_TOKEN'] ?? '';
    expect(secret).toMatch(/^gofer_[\w-]{43}$/);
    const traces = (texts: readonly string[]) => tracesOf(texts, server.directory, server.log);
    // What follows the prefix is the secret of it; people and scanners know the prefix.
    const parts = [secret, secret.replace('gofer_', ''), Buffer.from(secret.replace('gofer_', ''), 'base64url').toString('latin1')];
    // While it runs, what it was given is kept for another server.
    expect(await traces(parts)).toEqual([]);
    await server.ask('GET', `${PIPELINE}/runs/1?wait=60`);
    expect(await traces(parts)).toEqual([]);
    const [raw, shown, run, tokens] = await Promise.all(
      [`${PIPELINE}/runs/1/tasks/one/logs/raw`, `${PIPELINE}/runs/1/tasks/one`, `${PIPELINE}/runs/1`, '/api/tokens'].map((path) =>
        server.call('GET', path, { token: server.admin }),
      ),
    );
    expect(raw?.text).toContain('GOFER_API_TOKEN=[redacted]\n');
    expect(raw?.text).toContain('GOFER_TOKEN=[redacted]\n');
    expect(shown?.text).toContain('[redacted]');
    for (const answer of [raw, shown, run, tokens]) expect(answer?.text).not.toContain(secret.slice(6));
    // The search would have found it.
    for (const text of ['this-stands-in-the-log', 'this-stands-in-the-database']) expect(await traces([text])).not.toEqual([]);
  });

  it.for([
    ['logs', 'api.task_execution_log_retention'],
    ['objects', 'object_store.run_object_expiry'],
  ] as const)('ends with the %s of its run', async ([, setting]) => {
    const server = await start({ [setting]: String(KEPT) });
    await deployWithToken(server, 'default', 'demo');
    const tokens: string[] = [];
    for (let run = 0; run < KEPT; run++) tokens.push(await tokenOfRun(server, 'default', 'demo'));
    for (const token of tokens) expect(await isGood(server, token)).toBe(true);
    tokens.push(await tokenOfRun(server, 'default', 'demo'));
    await until('the end of the oldest token', async () => !(await isGood(server, tokens[0] ?? '')));
    for (const token of tokens.slice(1)) expect(await isGood(server, token)).toBe(true);
    expect(await tokensOfTasks(server)).toHaveLength(KEPT);
  });

  it('ends by itself, and is removed then', async () => {
    const server = await start({ 'api.event_prune_interval': '1s' });
    await deployWithToken(server, 'default', 'demo');
    const token = await tokenOfRun(server, 'default', 'demo');
    expect(await isGood(server, token)).toBe(true);
    await server.restart((database) => {
      database.prepare("UPDATE tokens SET expires = ? WHERE roles LIKE '%inject_api_token%'").run(Date.now() - 1);
    });
    expect(await isGood(server, token)).toBe(false);
    await until('the removal of the expired token', async () => (await tokensOfTasks(server)).length === 0);
  });

  it('ends with its run, its pipeline and its namespace, at once', async () => {
    const server = await start();
    await server.ask('POST', '/api/namespaces', { id: 'passing', name: 'passing', description: '' });
    for (const [namespace, pipeline] of [
      ['default', 'demo'],
      ['default', 'demo2'],
      ['passing', 'demo'],
    ] as const) {
      await deployWithToken(server, namespace, pipeline);
      const token = await tokenOfRun(server, namespace, pipeline);
      const path = `/api/namespaces/${namespace}/pipelines/${pipeline}`;
      expect(await isGood(server, token)).toBe(true);
      await server.ask(
        'DELETE',
        pipeline === 'demo2' ? `${path}/runs/1?purge=true` : namespace === 'passing' ? '/api/namespaces/passing' : path,
      );
      expect(await isGood(server, token), `the token of ${namespace}/${pipeline}`).toBe(false);
      if (namespace === 'passing') await server.ask('POST', '/api/namespaces', { id: 'passing', name: 'passing', description: '' });
      if (pipeline === 'demo') await deployWithToken(server, namespace, pipeline);
      expect(await isGood(server, token), `the token of the former ${namespace}/${pipeline}`).toBe(false);
    }
  });

  it('is taken back and given again by an administrator like any other', async () => {
    const server = await start();
    await deployWithToken(server, 'default', 'demo');
    const token = await tokenOfRun(server, 'default', 'demo');
    const [listed] = await tokensOfTasks(server);
    await server.ask('PATCH', `/api/tokens/${listed?.id}`, { disabled: true });
    expect(await isGood(server, token)).toBe(false);
    await server.ask('PATCH', `/api/tokens/${listed?.id}`, { disabled: false });
    expect(await isGood(server, token)).toBe(true);
    await server.ask('DELETE', `/api/tokens/${listed?.id}`);
    expect(await isGood(server, token)).toBe(false);
  });

  it('gives no secret that the task was not given: not by the variables of a run that it starts', async () => {
    const server = await start();
    await deployWithToken(server, 'default', 'demo');
    const token = await tokenOfRun(server, 'default', 'demo');
    await server.ask('POST', `${PIPELINE}/secrets`, { key: 'own', content: 'of the pipeline', force: false });
    await server.ask('POST', '/api/secrets/global', { key: 'all', content: 'of everybody', namespaces: ['.*'], force: false });
    const runs = fillPath(ROUTES.start_run.path);
    for (const value of ['pipeline_secret{{own}}', 'global_secret{{all}}', ' global_secret{{ all }} ']) {
      const { code } = await server.call('POST', runs, { token, body: { variables: { A: value } } });
      expect(code, `a run with ${value}`).toBe('PERMISSION_DENIED');
    }
    expect((await server.call('POST', runs, { token, body: { variables: { A: 'plain' } } })).status).toBe(201);
  });
});
