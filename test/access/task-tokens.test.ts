/** The tokens that tasks are given: how they are handed over, what is seen of them, and when they end. */
import type SQLite from 'better-sqlite3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { until } from '../e2e/leftovers.ts';
import { tracesOf } from '../e2e/written-traces.ts';
import { AccessServer } from './access-server.ts';
import { deployWithToken, tokenOfRun } from './callers.ts';

const KEPT = 3;

/** So many of a pipeline's runs keep their objects; the logs of all are kept. */
let server: AccessServer;
beforeAll(async () => {
  server = await AccessServer.start({
    'api.log_level': 'trace',
    'api.event_prune_interval': '1s',
    'object_store.run_object_expiry': String(KEPT),
  });
});
afterAll(() => server.close());

const pathOf = (pipelineId: string): string => `/api/namespaces/default/pipelines/${pipelineId}`;

async function deploy(pipelineId: string, tasks: readonly object[]): Promise<void> {
  const path = `${pathOf(pipelineId)}/configs`;
  await server.ask('POST', path, { config: { id: pipelineId, name: pipelineId, parallelism: 0, tasks } });
  await server.ask('POST', `${path}/1`);
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

/** A pipeline with a run that has ended; resolves with the token of its task. */
async function runOnce(pipelineId: string, namespaceId = 'default'): Promise<string> {
  await deployWithToken(server, namespaceId, pipelineId);
  return tokenOfRun(server, namespaceId, pipelineId);
}

async function isGood(token: string, on = server): Promise<boolean> {
  const { status, code } = await on.call('GET', '/api/tokens/whoami', { token });
  if (status !== 200) expect(code).toBe('UNAUTHENTICATED');
  return status === 200;
}

interface ListedToken {
  readonly id: string;
  readonly user: string;
  readonly metadata: Readonly<Record<string, string>>;
  readonly expires: number;
  readonly created: number;
}
async function tokensOf(pipelineId: string, on = server): Promise<ListedToken[]> {
  const { tokens } = await on.ask<{ tokens: ListedToken[] }>('GET', '/api/tokens');
  return tokens.filter(({ metadata }) => metadata['pipeline'] === pipelineId);
}

/** More runs than are kept: the token of the first one ends, those of the others do not. */
async function expectEndOfOldest(on: AccessServer): Promise<void> {
  await deployWithToken(on, 'default', 'many');
  const tokens: string[] = [];
  for (let run = 0; run < KEPT; run++) tokens.push(await tokenOfRun(on, 'default', 'many'));
  for (const token of tokens) expect(await isGood(token, on)).toBe(true);
  tokens.push(await tokenOfRun(on, 'default', 'many'));
  await until('the end of the oldest token', async () => !(await isGood(tokens[0] ?? '', on)));
  for (const token of tokens.slice(1)) expect(await isGood(token, on)).toBe(true);
  expect(await tokensOf('many', on)).toHaveLength(KEPT);
}

describe('the token of a task', () => {
  it('is its own, tells whose it is, and is handed over in its environment only', async () => {
    await deploy('three', [
      task('one', []),
      task('two', [], { depends_on: { one: 'Any' } }),
      task('without', [], { inject_api_token: false }),
    ]);
    const before = server.started.length;
    const { run } = await server.ask<{ run: { token_id: string } }>('POST', `${pathOf('three')}/runs?wait=60`, {});
    const environments = server.started.slice(before).map(({ env }) => env);
    expect(environments).toHaveLength(3);
    const secrets = environments.flatMap((env) => env['GOFER_API_TOKEN'] ?? []);
    expect(new Set(secrets).size).toBe(2);
    for (const env of environments) {
      expect(env['GOFER_TOKEN']).toBe(env['GOFER_API_TOKEN']);
      expect(env['GOFER_API_BASE_URL']).toBe(env['GOFER_API_TOKEN'] === undefined ? undefined : server.url);
    }
    const listed = await tokensOf('three');
    expect(listed.map(({ metadata }) => metadata)).toEqual(
      ['one', 'two'].map((id) => ({ system_generated_run_token: 'true', namespace: 'default', pipeline: 'three', run: '1', task: id })),
    );
    expect(listed.map(({ id }) => id)).toContain(run.token_id);
    for (const { expires, created, user } of listed) {
      expect(expires - created).toBe(21 * 24 * 3600 * 1000);
      expect(user).toBe('system_generated_run_token');
    }
    for (const secret of secrets) expect(await isGood(secret)).toBe(true);
  });

  it('stands in clear nowhere: in no file, in no log, in no answer', async () => {
    const path = pathOf('shows');
    await deploy('shows', [task('one', [{ environment: true }, { print: 'this-stands-in-the-log\n' }, { sleep_ms: 300 }])]);
    const before = server.started.length;
    await server.ask('POST', `${path}/runs`, { variables: { SEEN: 'this-stands-in-the-database' } });
    await until('the start of the task', () => server.started.length > before);
    const secret = server.started.at(-1)?.env['GOFER_API_TOKEN'] ?? '';
    expect(secret).toMatch(/^gofer_[\w-]{43}$/);
    const traces = (texts: readonly string[]) => tracesOf(texts, server.directory, server.log);
    // People and scanners know the prefix: what follows is what must not be seen.
    const parts = [secret, secret.replace('gofer_', '')];
    // While it runs, what it was given is kept for another server.
    expect(await traces(parts)).toEqual([]);
    await server.ask('GET', `${path}/runs/1?wait=60`);
    expect(await traces(parts)).toEqual([]);
    const [raw, ...others] = await Promise.all(
      [`${path}/runs/1/tasks/one/logs/raw`, `${path}/runs/1/tasks/one`, `${path}/runs/1`, '/api/tokens'].map((each) =>
        server.call('GET', each, { token: server.admin }),
      ),
    );
    expect(raw?.text).toContain('GOFER_API_TOKEN=[redacted]\n');
    expect(raw?.text).toContain('GOFER_TOKEN=[redacted]\n');
    expect(others[0]?.text).toContain('[redacted]');
    for (const answer of [raw, ...others]) expect(answer?.text).not.toContain(secret.slice(6));
    // The search would have found it.
    for (const text of ['this-stands-in-the-log', 'this-stands-in-the-database']) expect(await traces([text])).not.toEqual([]);
  });

  it('ends with the objects of its run', async () => {
    await expectEndOfOldest(server);
    expect(await tokensOf('many')).toHaveLength(KEPT);
  });

  it('ends with the logs of its run', async () => {
    const forgetful = await AccessServer.start({ 'api.task_execution_log_retention': String(KEPT) });
    try {
      await expectEndOfOldest(forgetful);
      expect(await tokensOf('many', forgetful)).toHaveLength(KEPT);
    } finally {
      await forgetful.close();
    }
  });

  it('ends with its run, its pipeline and its namespace, at once', async () => {
    const passing = (): Promise<unknown> => server.ask('POST', '/api/namespaces', { id: 'passing', name: 'passing', description: '' });
    await passing();
    const tokens = { run: await runOnce('purged'), pipeline: await runOnce('deleted'), namespace: await runOnce('demo', 'passing') };
    await server.ask('DELETE', `${pathOf('purged')}/runs/1?purge=true`);
    expect(await isGood(tokens.run)).toBe(false);
    await server.ask('DELETE', pathOf('deleted'));
    expect(await isGood(tokens.pipeline)).toBe(false);
    await server.ask('DELETE', '/api/namespaces/passing');
    expect(await isGood(tokens.namespace)).toBe(false);
    // Whatever is made under the same names.
    await passing();
    await deployWithToken(server, 'passing', 'demo');
    await deployWithToken(server, 'default', 'deleted');
    for (const token of Object.values(tokens)) expect(await isGood(token)).toBe(false);
  });

  it('is taken back and given again by an administrator like any other', async () => {
    const token = await runOnce('kept');
    const [listed] = await tokensOf('kept');
    await server.ask('PATCH', `/api/tokens/${listed?.id}`, { disabled: true });
    expect(await isGood(token)).toBe(false);
    await server.ask('PATCH', `/api/tokens/${listed?.id}`, { disabled: false });
    expect(await isGood(token)).toBe(true);
    await server.ask('DELETE', `/api/tokens/${listed?.id}`);
    expect(await isGood(token)).toBe(false);
  });

  it('gives no secret that the task was not given: not by the variables of a run that it starts', async () => {
    const path = pathOf('asks');
    const token = await runOnce('asks');
    await server.ask('POST', `${path}/secrets`, { key: 'own', content: 'of the pipeline', force: false });
    await server.ask('POST', '/api/secrets/global', { key: 'all', content: 'of everybody', namespaces: ['.*'], force: false });
    for (const value of ['pipeline_secret{{own}}', 'global_secret{{all}}', ' global_secret{{ all }} ']) {
      const { code } = await server.call('POST', `${path}/runs`, { token, body: { variables: { A: value } } });
      expect(code, `a run with ${value}`).toBe('PERMISSION_DENIED');
    }
    expect((await server.call('POST', `${path}/runs`, { token, body: { variables: { A: 'plain' } } })).status).toBe(201);
  });

  it('ends by itself, and is removed then', async () => {
    const [short, long] = [await runOnce('short'), await runOnce('long')];
    await server.restart((database) => {
      database.prepare('UPDATE tokens SET expires = ? WHERE id = ?').run(Date.now() - 1, idOf(database, 'short'));
    });
    expect([await isGood(short), await isGood(long)]).toEqual([false, true]);
    await until('the removal of the expired token', async () => (await tokensOf('short')).length === 0);
    expect(await isGood(long)).toBe(true);
  });
});

function idOf(database: SQLite.Database, pipelineId: string): unknown {
  return database.prepare("SELECT id FROM tokens WHERE metadata ->> 'pipeline' = ?").pluck().get(pipelineId);
}
